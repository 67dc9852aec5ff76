"""Training without epochs: neighbour regressions through the same command and the same run folder."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from colorize_cli.checkpoints.file import load_checkpoint
from colorize_cli.errors import LibraryMissing, UsageProblem
from colorize_cli.training.fitting import methods
from colorize_cli.training.fitting.neighbours import Moments, coefficients, samples
from colorize_cli.training.run import train
from colorize_cli.training.terminal import TrainingProgress
from colorize_cli.training.train_options import TrainOptions

sklearn_linear = pytest.importorskip("sklearn.linear_model")
METHODS = {
    "ols": ({}, sklearn_linear.LinearRegression()),
    "ridge": ({"l2": 50.0}, sklearn_linear.Ridge(50.0)),
    "lasso": ({"alpha": 1.0, "l1_ratio": 1.0}, sklearn_linear.Lasso(1.0, tol=1e-9, max_iter=100_000)),
    "elasticnet": (
        {"alpha": 1.0, "l1_ratio": 0.5},
        sklearn_linear.ElasticNet(alpha=1.0, l1_ratio=0.5, tol=1e-9, max_iter=100_000),
    ),
}


def smooth_lab(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    lab = rng.normal(128, 40, (18, 23, 3))
    for _ in range(2):
        lab = (lab + np.roll(lab, 1, 0) + np.roll(lab, 1, 1)) / 3
    return lab.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", METHODS)
def test_moments_alone_give_the_coefficients_that_all_samples_give(name: str) -> None:
    constants, reference = METHODS[name]
    photos = [samples(smooth_lab(seed)) for seed in range(3)]
    moments = Moments()
    for rows in photos:
        moments.add(rows)
    weight, intercept = coefficients(moments, constants)
    everything = np.concatenate(photos)
    reference.fit(everything[:, :25], everything[:, 25:])
    assert weight == pytest.approx(reference.coef_, abs=1e-4)
    assert intercept == pytest.approx(reference.intercept_, abs=1e-2)


def test_a_sample_is_the_eight_neighbours_and_the_middle() -> None:
    lab = smooth_lab(0)
    row = samples(lab)[0]
    lab = lab.astype(int)
    ring = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)]
    assert row[:8] == pytest.approx([lab[y, x, 0] * 100 / 255 for y, x in ring])
    assert row[8:24].tolist() == [lab[y, x, c] - 128 for c in (1, 2) for y, x in ring]
    assert row[24:] == pytest.approx([lab[1, 1, 0] * 100 / 255, lab[1, 1, 1] - 128, lab[1, 1, 2] - 128])
    assert len(samples(lab)) == 16 * 21


def options(photos: Path, run: Path, **more: object) -> TrainOptions:
    return TrainOptions((photos,), run, **{"model": "elasticnet", "workers": 0, "device": "cpu", **more})  # type: ignore[arg-type]


def test_a_run_writes_weights_figures_and_pictures(tmp_path: Path, photos: Path) -> None:
    run = tmp_path / "run"
    outcome = train(options(photos, run), TrainingProgress(True))
    assert outcome.finished and outcome.training_photos + outcome.validation_photos == 14
    (row,) = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert row["validation"]["known_pixels"] == 0.1
    assert row["validation"]["psnr"] > row["validation"]["gray_psnr"] + 3
    assert (run / "strips" / "epoch-0001.png").is_file() and not (run / "cache").exists()
    checkpoint = load_checkpoint(run / "best.safetensors")
    assert (checkpoint.info.model, checkpoint.info.recipe) == ("elasticnet", "paper")
    weight = checkpoint.state["weight"]
    assert weight.shape == (2, 25) and 0.9 < float(weight[0, 8:16].sum()) < 1.1
    before = (run / "best.safetensors").read_bytes()
    train(options(photos, run, resume=True), TrainingProgress(True))
    assert (run / "best.safetensors").read_bytes() == before
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 1


def test_choices_of_epochs_are_refused(tmp_path: Path, photos: Path) -> None:
    for name, value in (("epochs", 3), ("lr", 0.1), ("accumulate", 2)):
        with pytest.raises(UsageProblem, match=f"{name}|one go"):
            train(options(photos, tmp_path / name, **{name: value}), TrainingProgress(True))


def test_a_missing_library_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "sklearn" else object())
    with pytest.raises(LibraryMissing, match=r"pip install scikit-learn threadpoolctl"):
        methods.require_sklearn()


def test_a_smoke_run_says_so(tmp_path: Path, photos: Path) -> None:
    train(options(photos, tmp_path / "run", smoke=True, model="ols"), TrainingProgress(True))
    checkpoint = load_checkpoint(tmp_path / "run" / "best.safetensors")
    assert checkpoint.info.smoke and bool(torch.isfinite(checkpoint.state["weight"]).all())
