"""``colorize train`` as typed: options reach the core, results reach stdout, errors their exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from colorize_cli.cli.app import app
from colorize_cli.errors import NoTrainingData
from colorize_cli.training import run as core
from colorize_cli.training.train_options import TrainOptions

RUNNER = CliRunner()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[TrainOptions]:
    """Collect the options of runs instead of training."""
    found: list[TrainOptions] = []

    def train(options: TrainOptions, progress: Any) -> core.TrainResult:
        found.append(options)
        return core.TrainResult(str(options.output), True, 9, 1, {"gray": 2}, {"psnr": 21.5})

    monkeypatch.setattr(core, "train", train)
    return found


def test_every_option_reaches_the_core(asked: list[TrainOptions]) -> None:
    words = (
        "train a b.zip -m gan-64 -o run --epochs 3 --batch-size 8 --accumulate 2 --lr 0.001 --size 128 --workers 1 "
        "--resume --init best.safetensors --recipe paper --variant paper --stages adversarial --seed 7 --device cpu "
        "--precision fp32 --validation val.zip --save-every 2 --max-steps 9 --cache-gb 1 --smoke "
        "--validation-share 0.1 --early-stopping 4 --keep-every 2"
    )
    assert RUNNER.invoke(app, words.split()).exit_code == 0
    assert asked == [
        TrainOptions(
            (Path("a"), Path("b.zip")), Path("run"), model="gan-64", epochs=3, batch_size=8, accumulate=2, lr=0.001,
            size=128, workers=1, resume=True, init=Path("best.safetensors"), recipe="paper", variant="paper",
            stages=("adversarial",), seed=7, device="cpu", precision="fp32", validation=Path("val.zip"), save_every=2,
            max_steps=9, cache_gb=1, smoke=True, validation_share=0.1, early_stopping=4, keep_every=2,
        )
    ]  # fmt: skip


def test_the_weights_are_named_on_stdout(asked: list[TrainOptions]) -> None:
    assert RUNNER.invoke(app, ["train", "a", "-o", "run"]).stdout == f"{Path('run') / 'best.safetensors'}\n"


def test_json_gives_counts_and_figures(asked: list[TrainOptions]) -> None:
    result = json.loads(RUNNER.invoke(app, ["train", "a", "-o", "run", "--json"]).stdout)
    assert result["skipped"] == {"gray": 2} and result["figures"]["psnr"] == 21.5


def test_nothing_to_train_on_exits_2(monkeypatch: pytest.MonkeyPatch) -> None:
    def train(*_: object) -> None:
        raise NoTrainingData("There are no usable color photos in a.")

    monkeypatch.setattr(core, "train", train)
    assert RUNNER.invoke(app, ["train", "a", "-o", "run"]).exit_code == 2


def test_options_that_make_no_sense_exit_2() -> None:
    assert RUNNER.invoke(app, ["train", "a", "-o", "run", "--batch-size", "0"]).exit_code == 2
