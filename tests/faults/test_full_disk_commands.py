"""A full disk through whole commands besides ``colorize``: a message, the right exit code, and no half file."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result
from PIL import Image
from safetensors import safe_open
from typer.testing import CliRunner

from colorize_cli.checkpoints import onnx
from colorize_cli.cli.app import app
from colorize_cli.errors import EXIT_MODEL, EXIT_OK, EXIT_OUTPUT
from tests.checkpoints.conftest import hub
from tests.checkpoints.hub.test_hub_commands import publish
from tests.cli.test_bench import FAST, bench
from tests.evaluation.conftest import photos, tints
from tests.faults.test_disk_full import small_disk
from tests.faults.test_full_disk_everywhere import full_disk, there
from tests.training.conftest import tiny_registry

__all__ = ["bench", "full_disk", "hub", "photos", "publish", "small_disk", "tints", "tiny_registry"]

Fill = Callable[[int], Path]


@pytest.fixture
def fill(full_disk: Path) -> Fill:
    """Leave so many bytes free on the full disk, and return its folder."""

    def leave(free: int) -> Path:
        filler = full_disk / "filler"
        with filler.open("r+b") as file:
            file.truncate(max(0, filler.stat().st_size - free))
        return full_disk

    return leave


def invoke(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def check(result: Result, code: int = EXIT_OUTPUT) -> None:
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.stderr
    assert "No space left" in result.stderr or "is full" in result.stderr, result.stderr


def whole(disk: Path) -> set[str]:
    """Return the names of the files on the disk, all of which must be whole."""
    for path in disk.rglob("*"):
        if path.suffix == ".json" and path.parent.name != "cache":
            json.loads(path.read_text())
        elif path.suffix in (".json", ".jsonl"):
            assert all(json.loads(line) for line in path.read_text().splitlines())
        elif path.suffix == ".html":
            assert path.read_text().rstrip().endswith("</html>")
        elif path.suffix == ".npz":
            np.load(path).close()
        elif path.suffix == ".png":
            Image.open(path).load()
        elif path.suffix == ".safetensors":
            with safe_open(path, "pt") as file:
                assert list(file.keys())
        elif path.suffix == ".pt":
            torch.load(path, weights_only=True)
    found = there(disk)
    assert not [name for name in found if name.startswith(".") or name.endswith((".part", ".tmp"))], found
    return found


@pytest.mark.parametrize("free", [0, 8_000, 60_000])
def test_evaluate_into_a_folder(fill: Fill, photos: Path, tints: list, free: int) -> None:
    disk = fill(free)
    check(invoke("evaluate", photos, "--protocol", "native", "-o", disk / "r"))
    found = whole(disk)
    assert "record.json" not in {path.name for path in (disk / "r").glob("*.json")}, "it looks complete"
    assert free or not found
    fill(1 << 20)
    again = invoke("evaluate", photos, "--protocol", "native", "-o", disk / "r", "--no-report")
    assert again.exit_code == EXIT_OK, again.output
    assert (disk / "r" / "record.json").exists()


@pytest.mark.parametrize("name", ["s.json", "s.csv", "s.md"])
def test_evaluate_export(full_disk: Path, photos: Path, tints: list, name: str) -> None:
    check(invoke("evaluate", photos, "--protocol", "native", "--export", full_disk / name))
    assert not whole(full_disk)


def test_evaluate_study_comparison_and_answers(full_disk: Path, tmp_path: Path, photos: Path, tints: list) -> None:
    check(invoke("evaluate", photos, "--protocol", "native", "--study", full_disk / "study.html"))
    for name in ("a", "b"):
        done = invoke("evaluate", photos, "--protocol", "native", "-o", tmp_path / name, "--no-report", "-q")
        assert done.exit_code == EXIT_OK, done.output
    check(invoke("evaluate", "--compare", tmp_path / "a", tmp_path / "b", "--export", full_disk / "d.csv"))
    answers = {"format": "colorize-study-answers", "study": "s", "kind": "prefer", "rater": "ann", "questions": 1}
    answers["answers"] = [{"question": 0, "photo": "x", "shown": ["cold", "warm"], "chosen": "warm"}]
    (tmp_path / "ann.json").write_text(json.dumps(answers))
    check(invoke("evaluate", "--study-results", tmp_path / "ann.json", "--export", full_disk / "x.json"))
    assert not whole(full_disk)


@pytest.mark.parametrize("option", ["--export a.json", "--export a.csv", "--export a.md", "--plot a.png"])
def test_bench(full_disk: Path, bench: Callable[..., Result], option: str) -> None:
    if "plot" in option:
        pytest.importorskip("matplotlib")
    kind, name = option.split()
    result = bench(*FAST, "--device", "cpu", kind, str(full_disk / name))
    check(result)
    assert "cpu" in result.stdout, "the figures are shown all the same"
    assert not whole(full_disk)


def test_models_download_into_a_full_cache(fill: Fill, hub, publish, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    disk = fill(16_000)
    publish("ddcolor-tiny")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(disk / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(disk / "cache"))
    check(invoke("models", "download", "ddcolor-tiny"), EXIT_MODEL)
    assert not [path for path in disk.rglob("snapshots/**/*") if path.is_file()], "nothing half is taken for whole"
    assert invoke("models", "path", "ddcolor-tiny").exit_code == EXIT_MODEL


def test_models_convert(full_disk: Path, hub, publish, tmp_path: Path) -> None:
    publish("ddcolor-tiny")
    target = full_disk / "c.safetensors"
    check(invoke("models", "convert", tmp_path / "published.bin", "-m", "ddcolor-tiny", "-o", target))
    assert not whole(full_disk)


def test_models_export(full_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "_onnx_bytes", lambda *_: bytes(50_000))
    monkeypatch.setattr(onnx, "_difference", lambda *_: 0.0)
    check(invoke("models", "export", full_disk / "x.onnx", "-m", "gan", "-q"))
    assert not whole(full_disk)


@pytest.mark.parametrize("free", [0, 4_000, 24_000, 40_000, 90_000])
def test_train(fill: Fill, photos: Path, tiny_registry: object, free: int) -> None:
    disk = fill(free)
    words = ["train", photos, "-m", "tiny", "--recipe", "color", "-o", disk / "run", "--device", "cpu"]
    words += ["--precision", "fp32", "--workers", "0", "-q"]
    check(invoke(*words))
    whole(disk)
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
    run = disk / "run"
    weights = [path for name in ("best", "last") if (path := run / f"{name}.safetensors").exists()]
    if weights and not (run / "last.pt").exists():
        # The disk was full between the first weights and the first state: the message says what to do, so do it.
        assert f"--init {weights[0]}" in invoke(*words, "--resume").stderr
        more = ["-o", disk / "again", "--init", weights[0]]
    else:
        more = ["--resume"] if (run / "run.json").exists() else []
    again = invoke(*words, *more)
    assert again.exit_code == EXIT_OK, again.output
    assert list(disk.rglob("best.safetensors"))
