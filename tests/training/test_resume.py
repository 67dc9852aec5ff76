"""A resumed run ends with the weights of one that was never interrupted, bit for bit."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from colorize_cli.errors import OutputExists, TrainingDiverged, UnreadablePhoto, UsageProblem
from colorize_cli.training.data.catalogue import scan
from colorize_cli.training.record import same_options
from colorize_cli.training.run import train
from colorize_cli.training.train_options import TrainOptions
from tests.training.test_run import SILENT

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}


def command(photos: Path, run: Path, recipe: str, *more: str) -> list[str]:
    words = ["train", str(photos), "-m", "tiny", "--recipe", recipe, "-o", str(run), "--device", "cpu"]
    return [sys.executable, "-m", "tests.training.tiny", *words, "--precision", "fp32", "-q", *more]


def result(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in ("last.safetensors", "best.safetensors", "metrics.jsonl")}


@pytest.mark.parametrize("recipe", ["color", "gan", "mean"])
def test_a_killed_run_resumed_ends_with_the_same_weights_bit_for_bit(
    tmp_path: Path, photos: Path, tiny_registry: object, recipe: str
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train(options(photos, whole, recipe=recipe), SILENT())
    # Saved after every step, killed as soon as a state from the middle of an epoch is on the disk.
    words = command(photos, broken, recipe, "--workers", "1", "--save-every", "0.000001")
    process = subprocess.Popen(words, env=ENVIRONMENT)
    while not (broken / "last.pt").exists() and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    position = torch.load(broken / "last.pt", weights_only=True)["position"]
    assert position["step"] > 0
    assert not (broken / "last.safetensors").exists() or result(broken) != result(whole)
    train(options(photos, broken, recipe=recipe, resume=True), SILENT())
    assert result(broken) == result(whole)


@pytest.mark.parametrize("more", [("--max-steps", "2"), ("--epochs", "1")])
def test_workers_end_in_order_and_nobody_warns(tmp_path: Path, photos: Path, more: tuple[str, ...]) -> None:
    words = command(photos, tmp_path / "run", "color", "--workers", "3", *more)
    done = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr and "Exception ignored" not in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_saves_and_exits_130_and_resuming_ends_with_the_same_weights(
    tmp_path: Path, photos: Path, tiny_registry: object
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train(options(photos, whole, recipe="color", epochs=8.0), SILENT())
    process = subprocess.Popen(command(photos, broken, "color", "--epochs", "8"), env=ENVIRONMENT)
    while not (broken / "metrics.jsonl").exists() or not (broken / "metrics.jsonl").read_bytes():
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert json.loads((broken / "run.json").read_text())["options"]["epochs"] == 8
    # --epochs need not be repeated: a resumed run has the options it was started with.
    train(options(photos, broken, recipe="color", resume=True), SILENT())
    assert result(broken) == result(whole)


def options(photos: Path, run: Path, **more: object) -> TrainOptions:
    chosen = {"model": "tiny", "recipe": "both", "workers": 0, "device": "cpu", "precision": "fp32", **more}
    return TrainOptions((photos,), run, **chosen)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def uninterrupted() -> dict[str, bytes]:
    return {}


@pytest.mark.parametrize("steps", [1, 13, 16])
def test_a_run_stopped_in_any_stage_and_resumed_ends_with_the_same_weights(
    tmp_path: Path, photos: Path, tiny_registry: object, uninterrupted: dict[str, bytes], steps: int
) -> None:
    if not uninterrupted:
        train(options(photos, tmp_path / "whole"), SILENT())
        uninterrupted.update(result(tmp_path / "whole"))
    assert not train(options(photos, tmp_path / "parts", max_steps=steps), SILENT()).finished
    assert train(options(photos, tmp_path / "parts", resume=True), SILENT()).finished
    assert result(tmp_path / "parts") == uninterrupted


def test_resuming_with_another_option_is_refused(tmp_path: Path, photos: Path, tiny_registry: object) -> None:
    train(options(photos, tmp_path / "run", max_steps=2), SILENT())
    with pytest.raises(UsageProblem, match="batch-size"):
        train(options(photos, tmp_path / "run", resume=True, batch_size=2), SILENT())


def test_a_resumed_run_remembers_its_options(tmp_path: Path, photos: Path, tiny_registry: object) -> None:
    begun = options(photos, tmp_path / "run", validation=photos / "bright", stages=("color",), seed=3, epochs=2.0)
    train(replace(begun, max_steps=1), SILENT())
    plain = TrainOptions((photos,), tmp_path / "run", model="tiny", workers=0, resume=True)
    recorded = json.loads((tmp_path / "run" / "run.json").read_text())["options"]
    assert replace(same_options(plain, recorded), resume=False) == replace(begun, resume=False)


def test_resuming_with_other_photos_is_refused(tmp_path: Path, photos: Path, tiny_registry: object) -> None:
    train(options(photos, tmp_path / "run", max_steps=2), SILENT())
    (photos / "bright" / "reds" / "1.png").unlink()
    with pytest.raises(UsageProblem, match="photos have changed"):
        train(options(photos, tmp_path / "run", resume=True), SILENT())


def test_renamed_photos_do_not_hinder_resuming(tmp_path: Path, photos: Path, tiny_registry: object) -> None:
    train(options(photos, tmp_path / "run", max_steps=2), SILENT())
    (photos / "bright" / "reds" / "1.png").rename(photos / "bright" / "reds" / "renamed.png")
    assert train(options(photos, tmp_path / "run", resume=True), SILENT()).finished


def test_an_existing_run_is_not_overwritten(tmp_path: Path, photos: Path, tiny_registry: object) -> None:
    train(options(photos, tmp_path / "run", max_steps=2), SILENT())
    with pytest.raises(OutputExists, match="--resume"):
        train(options(photos, tmp_path / "run"), SILENT())


def test_resuming_where_no_run_is_says_so(tmp_path: Path, photos: Path, tiny_registry: object) -> None:
    with pytest.raises(UsageProblem, match="no training run"):
        train(options(photos, tmp_path / "run", resume=True), SILENT())


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_state(
    tmp_path: Path, photos: Path, tiny_registry: object
) -> None:
    run = tmp_path / "run"
    with pytest.raises(TrainingDiverged, match="step 3"):
        train(options(photos, run, variant="exploding", recipe="color", save_every=1e-9), SILENT())
    state = torch.load(run / "last.pt", weights_only=True)
    assert state["position"]["step"] == 2
    assert all(bool(torch.isfinite(v).all()) for v in state["objective"]["network"].values())


@pytest.mark.parametrize("workers", [0, 1])
def test_photo_that_vanishes_ends_the_run_with_its_name(
    tmp_path: Path, photos: Path, tiny_registry: object, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    from colorize_cli.training import run

    def vanishing(*arguments: object) -> None:
        shutil.rmtree(photos / "bright")

    monkeypatch.setitem(scan.__kwdefaults__, "cache_bytes", 0)
    monkeypatch.setattr(run, "count_colors", vanishing)
    with pytest.raises(UnreadablePhoto) as caught:
        train(options(photos, tmp_path / "run", recipe="color", workers=workers), SILENT())
    assert str(caught.value).startswith("'") and "can no longer be read" in str(caught.value)
    assert "--resume" in str(caught.value) and "Traceback" not in str(caught.value)


def test_a_state_that_was_deleted_is_not_started_over_without_a_word(
    tmp_path: Path, photos: Path, tiny_registry: object
) -> None:
    run = tmp_path / "run"
    train(options(photos, run, recipe="color", epochs=1.0), SILENT())
    before = result(run)
    (run / "last.pt").unlink()
    with pytest.raises(UsageProblem, match=r"last\.pt.*missing"):
        train(options(photos, run, recipe="color", epochs=1.0, resume=True), SILENT())
    assert result(run) == before
