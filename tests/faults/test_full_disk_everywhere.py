"""A full disk for every file that is written: a message and exit code 5, no half file, and the results are whole."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from colorize_cli import tables
from colorize_cli.checkpoints.file import CheckpointInfo, save_checkpoint
from colorize_cli.errors import OutputError
from colorize_cli.evaluation import results
from colorize_cli.evaluation.results import Evaluation
from colorize_cli.review.decisions import Decision, Decisions, Look
from colorize_cli.review.strokes import save_strokes
from colorize_cli.training.run_folder import RunFolder
from tests.cli.conftest import make_photo, snapshot
from tests.faults.test_disk_full import small_disk

__all__ = ["small_disk"]


@pytest.fixture
def full_disk(small_disk: Path) -> Path:
    """A file system without a free byte."""
    with (small_disk / "filler").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    return small_disk


def there(disk: Path) -> set[str]:
    """Names of files that have something in them, hidden ones too."""
    return {path.name for path in disk.rglob("*") if path.is_file() and path.stat().st_size} - {"filler"}


@pytest.mark.parametrize(
    "words",
    [
        ("scans", "-o", "out", "--report", "{disk}/report.jsonl"),
        ("scans", "-o", "out", "--failed-list", "{disk}/failed.txt"),
        ("scans", "-o", "out", "--gallery", "{disk}/page.html"),
        ("scans", "-o", "{disk}/out"),
        ("scans/0.png", "-o", "{disk}/x.png", "--confidence-map"),
        ("scans/0.png", "-o", "{disk}/x.png", "--side-by-side"),
        ("scans/0.png", "-o", "{disk}/x.png", "--variants", "2"),
        ("scans/0.png", "-o", "{disk}/x.bmp"),
        ("scans/0.png", "-o", "{disk}/x.png", "--sidecar"),
        ("report", "merge", "old.jsonl", "-o", "{disk}/merged.jsonl"),
    ],
    ids=lambda words: " ".join(words),
)
def test_whatever_colorize_writes(full_disk: Path, run: Callable[..., Any], words: tuple[str, ...]) -> None:
    for number in range(3):
        make_photo(f"scans/{number}.png", seed=number)
    Path("scans/0.xmp").write_text(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>'
        "</x:xmpmeta>"
    )
    Path("old.jsonl").write_text(json.dumps({"input": "a.jpg", "status": "done"}) + "\n")
    before = snapshot("scans")
    result = run(*[word.replace("{disk}", str(full_disk)) for word in words])
    assert result.exit_code == 5, result.stderr
    assert "No space left" in result.stderr and "Traceback" not in result.stderr
    assert not there(full_disk)
    assert snapshot("scans") == before
    for path in Path("out").glob("*.png"):
        Image.open(path).load()


def test_a_log_that_does_not_fit_is_told(full_disk: Path, run: Callable[..., Any]) -> None:
    make_photo("scans/0.png")
    result = run("scans", "-o", "out", "--log-file", str(full_disk / "log.txt"))
    assert result.exit_code in (0, 5) and "Traceback" not in result.stderr
    if result.exit_code == 0:
        Image.open("out/0.png").load()


def test_a_limit_of_the_size_of_files_is_told(tmp_path: Path) -> None:
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000));"
        "from colorize_cli.files import write_bytes; from pathlib import Path;"
        "write_bytes(Path('big'), bytes(100_000))"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(["python", "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert "OutputError: big cannot be written: File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []


def training_run(disk: Path) -> RunFolder:
    folder = RunFolder(disk / "run")
    folder.open(resume=False)
    return folder


def noise(channels: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (90, 90, channels), np.uint8)


WRITERS: dict[str, Callable[[Path], object]] = {
    "table": lambda disk: tables.export(disk / "t.json", {".json": lambda: "x" * 9000}),
    "results": lambda disk: results.save(disk / "results", Evaluation({"contenders": []}, [])),
    "checkpoint": lambda disk: save_checkpoint(
        disk / "c.safetensors", {"a": torch.zeros(4000)}, CheckpointInfo("gan", "paper")
    ),
    "decision": lambda disk: Decisions(disk / "review.jsonl").record(Decision(disk / "a.jpg", "accepted", Look("gan"))),
    "strokes": lambda disk: save_strokes(disk / "s.png", Image.fromarray(noise(4), "RGBA")),
    "record": lambda disk: training_run(disk).write_record({"x": "y" * 9000}),
    "state": lambda disk: training_run(disk).save_state({"position": {}, "x": torch.zeros(9000)}),
    "strip": lambda disk: training_run(disk).write_strip(
        1, np.random.default_rng(0).integers(0, 255, (99, 99, 3), np.uint8)
    ),
}


@pytest.mark.parametrize("what", WRITERS)
def test_whatever_the_other_commands_write(full_disk: Path, what: str) -> None:
    with pytest.raises(OutputError, match="No space left"):
        WRITERS[what](full_disk)
    assert not there(full_disk)
