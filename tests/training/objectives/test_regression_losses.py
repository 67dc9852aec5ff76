"""Regression objectives: what they minimize, in which units, and what validation tells of them."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from colorize_cli.compute import choose
from colorize_cli.entry import ModelEntry
from colorize_cli.errors import UsageProblem
from colorize_cli.models.hultgren.networks import VGGDecoder
from colorize_cli.models.hultgren.recipes import DECODER_PAPER as HULTGREN
from colorize_cli.models.hwang_zhou.networks import VGGClassifier
from colorize_cli.models.hwang_zhou.recipes import CLASSIFIER_PAPER as HWANG_ZHOU
from colorize_cli.recipe import Augmentation, Recipe
from colorize_cli.training.objectives import Setting, create
from colorize_cli.training.objectives.regression_losses import feature_cache
from colorize_cli.training.run import train
from colorize_cli.training.terminal import TrainingProgress
from colorize_cli.training.train_options import TrainOptions
from tests.training import tiny
from tests.training.objectives.test_objectives import batch

COMPUTE = choose("cpu", "fp32")
STAGE = replace(tiny.L1, objective="mse", huber_threshold=0.25)
tiny.MSE = Recipe("mse", (replace(STAGE, epochs=2, ema=0.5),), validation_size=32)  # type: ignore[attr-defined]


class Told(tiny.TinyNet):
    """Answers with what it was told, and calls predictions above 0.5 right."""

    told = torch.zeros(1, 2, 32, 32)

    def predictions(self, lightness: Tensor) -> Tensor:
        return self.told.to(lightness.device) + 0 * self.classifier.bias.sum()

    def accuracies(self, predictions: Tensor, targets: Tensor) -> dict[str, Tensor]:
        return {"accuracy": (predictions > 0.5).float().mean()}


def test_huber_is_the_papers_piecewise_function() -> None:
    network = Told()
    objective = create(network, replace(STAGE, objective="huber"), Setting(COMPUTE, 1))
    residuals = np.linspace(-1, 1, 2 * 32 * 32)
    network.told = torch.from_numpy(residuals).float().view(1, 2, 32, 32)
    photos = batch(1)._replace(ab=torch.zeros(1, 2, 32, 32))
    M = 0.25
    expected = np.where(np.abs(residuals) < M, residuals**2, M * (2 * np.abs(residuals) - M)).mean()
    assert objective.losses(photos)["loss"].item() == pytest.approx(expected, rel=1e-5)


def test_squared_errors_are_those_of_ab_by_110() -> None:
    network = tiny.TinyNet().eval()
    photos = batch(2)
    objective = create(network, STAGE, Setting(COMPUTE, 1))
    expected = ((network(photos.lightness) - photos.ab) / 110).square().mean()
    assert objective.losses(photos)["loss"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_accuracies_of_the_network_stand_beside_the_loss() -> None:
    network = Told()
    network.told = torch.ones(1, 2, 32, 32)
    objective = create(network, STAGE, Setting(COMPUTE, 1))
    assert float(objective.losses(batch(1))["accuracy"]) == 1


def test_validation_tells_the_loss_of_the_weights_that_are_kept(
    tmp_path: Path, photos: Path, tiny_registry: ModelEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipes = {"mse": f"{tiny.__name__}:MSE"}
    plain = replace(tiny_registry.variants["plain"], recipes=recipes)
    monkeypatch.setitem(tiny_registry.variants, "plain", plain)  # type: ignore[arg-type]
    options = TrainOptions((photos,), tmp_path / "run", model="tiny", workers=0, device="cpu", precision="fp32", seed=1)
    result = train(options, functools.partial(TrainingProgress, True)())
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["validation"] == result.figures
    ab_error = rows[-1]["validation"]["ab_error"] / 110
    assert ab_error**2 < rows[-1]["validation"]["loss"] < 25 * ab_error**2, "mean square, in units of 110"


def test_a_frozen_encoder_sees_every_photo_once() -> None:
    torch.manual_seed(0)
    network = VGGDecoder(1 / 16)
    stage = replace(HULTGREN.stages[-1], sizes=((0.0, 32),), lr=1e-3)
    objective = create(network, stage, Setting(COMPUTE, 4))
    seen: list[int] = []
    passed = network.frozen_features
    network.frozen_features = lambda x: (seen.append(len(x)), passed(x))[1]  # type: ignore[method-assign]
    photos, others = batch(3), batch(3, seed=1)
    first = objective.losses(photos)["loss"].item()
    assert first == pytest.approx(
        (network.predictions(photos.lightness) - photos.ab / 128).square().mean().item(), rel=1e-5
    )
    seen.clear()
    mixed = batch(3)
    mixed.lightness[1] = others.lightness[1]
    objective.losses(mixed)
    assert seen == [1], "only the photo not met before goes through the encoder"
    losses = [objective.step([photos])["loss"] for _ in range(20)]
    assert losses[-1] < losses[0]


def test_nothing_is_cached_where_photos_change_or_the_encoder_learns() -> None:
    stage = HULTGREN.stages[-1]
    assert feature_cache(VGGDecoder(1 / 16), stage) is not None
    assert feature_cache(VGGDecoder(1 / 16), replace(stage, augmentation=Augmentation(area=None))) is None
    assert feature_cache(VGGDecoder(1 / 16), replace(stage, frozen=())) is None
    assert feature_cache(tiny.TinyNet(), stage) is None


def test_uv_classes_minimize_the_sum_of_both_cross_entropies() -> None:
    torch.manual_seed(0)
    network = VGGClassifier(1 / 16)
    stage = replace(HWANG_ZHOU.stages[-1], lr=1e-2)
    objective = create(network, stage, Setting(COMPUTE, 30))
    photos = batch(2)
    first = objective.step([photos])
    assert first["loss"] == pytest.approx(2 * np.log(50), rel=0.25), "as good as guessing"
    for _ in range(25):
        last = objective.step([photos])
    assert last["loss"] < 0.7 * first["loss"] and last["acc_u"] > first["acc_u"]
    with pytest.raises(UsageProblem, match="no bins"):
        create(tiny.TinyNet(), stage, Setting(COMPUTE, 1)).step([photos])
