"""Cache of a frozen encoder's features between epochs: they never change, and computing them takes most of the time."""

from __future__ import annotations

import hashlib
from typing import Protocol, cast

import torch
from torch import Tensor

from colorize_cli.models.network import ColorizationNet
from colorize_cli.recipe import Stage

LIMIT_BYTES = 2**30


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
