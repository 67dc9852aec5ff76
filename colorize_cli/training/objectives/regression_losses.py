"""Color regression: mean squared error, or the Huber penalty, in the network's own color space.

The network's ``predictions`` and ``targets`` are compared: a*b* / 110 unless the network says otherwise (a*b* / 128
behind a tanh, CIELUV's u*v* / 100 ...). The features of a frozen encoder are kept between epochs: they never change,
and computing them takes most of the time.
"""

from __future__ import annotations

import hashlib
from typing import Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from colorize_cli.models.network import ColorizationNet
from colorize_cli.recipe import Stage
from colorize_cli.training.data.aging import Batch
from colorize_cli.training.objectives.base import JudgedObjective, Setting

LIMIT_BYTES = 2**30
"""Memory for the features of a frozen encoder."""


class MeanSquaredError(JudgedObjective):
    """Mean of the squared differences between predictions and targets."""

    def __init__(self, network: ColorizationNet, stage: Stage, setting: Setting) -> None:
        super().__init__(network, stage, setting)
        self.cache = feature_cache(network, stage)

    def penalty(self, predictions: Tensor, targets: Tensor) -> Tensor:
        """Return the scalar to minimize."""
        return F.mse_loss(predictions, targets)

    def terms(self, network: ColorizationNet, batch: Batch) -> dict[str, Tensor]:
        """Return ``loss``, and the accuracies that the network defines, as shares of the pixels."""
        if self.cache is None:
            predictions = network.predictions(batch.lightness).float()
        else:
            # The encoder is the same in the trained and in the averaged network: it is frozen.
            predictions = network.predictions_of(self.cache(batch.lightness), batch.lightness).float()  # type: ignore[operator]
        targets = self.network.targets(batch.lightness, batch.ab)
        accuracies = self.network.accuracies(predictions.detach(), targets)
        return {"loss": self.penalty(predictions, targets), **accuracies}


class Huber(MeanSquaredError):
    """The Huber penalty of Hwang & Zhou 2016, section 3.5: u^2 where |u| < M, M (2 |u| - M) beyond; mean over all.

    M is the stage's ``huber_threshold``, in the units of the targets.
    """

    def penalty(self, predictions: Tensor, targets: Tensor) -> Tensor:
        """Return the scalar to minimize."""
        # PyTorch's has a factor of one half.
        return 2 * F.huber_loss(predictions, targets, delta=self.stage.huber_threshold)


class Bottleneck(Protocol):
    """A network whose encoder has one small output.

    ``feature_stride``: the sides of pictures must be multiples of this number of pixels.
    """

    feature_stride: int

    def frozen_features(self, lightness: Tensor) -> Tensor:
        """Return the encoder's output for L* (N, 1, H, W)."""
        ...

    def predictions_of(self, features: Tensor, lightness: Tensor) -> Tensor:
        """Return the predictions for the encoder's output and L* (N, 1, H, W)."""
        ...


def feature_cache(network: ColorizationNet, stage: Stage) -> FeatureCache | None:
    """Return a cache if the stage freezes the encoder of a :class:`Bottleneck` and augments no picture, else None."""
    if not hasattr(network, "frozen_features") or "encoder." not in stage.frozen or not stage.augmentation.repeats:
        return None
    bottleneck = cast(Bottleneck, network)
    fits = all(size % bottleneck.feature_stride == 0 for _, size in stage.sizes)
    return FeatureCache(bottleneck) if fits else None


class FeatureCache:
    """Features in memory, by the hash of a picture's lightness; those beyond ``limit`` bytes are computed again."""

    def __init__(self, network: Bottleneck, limit: int = LIMIT_BYTES) -> None:
        self.network, self.room = network, limit
        self.kept: dict[bytes, Tensor] = {}

    @torch.no_grad()
    def __call__(self, lightness: Tensor) -> Tensor:
        """Return the features of L* (N, 1, H, W); only new pictures pass through the encoder."""
        keys = [hashlib.blake2b(picture.cpu().numpy().tobytes(), digest_size=16).digest() for picture in lightness]
        new = [i for i, key in enumerate(keys) if key not in self.kept]
        found = {keys[i]: feature for i, feature in zip(new, self._computed(lightness, new), strict=True)}
        for key, feature in found.items():
            size = feature.numel() * feature.element_size()
            if size <= self.room:
                self.room -= size
                self.kept[key] = feature
        return torch.stack([self.kept[key] if key in self.kept else found[key] for key in keys])

    def _computed(self, lightness: Tensor, which: list[int]) -> list[Tensor]:
        return [feature.clone() for feature in self.network.frozen_features(lightness[which])] if which else []
