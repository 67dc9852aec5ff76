"""Pretrain a gray encoder on object classes and, if the network requests it, on color.

Up to two tasks on one encoder: classes, by a linear layer on the pooled deepest features (ignored for photos without a
label), and chroma, by the network's own ``pretraining_logits``. The linear layer is dropped afterwards.

An encoder may define a twin that is trained in its place (VGG-16 does not learn from random initialization without
batch norm); after each step the network gets the equivalent plain weights.
"""

from __future__ import annotations

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.errors import UsageProblem
from colorize_cli.models.network import ColorizationNet, Encoder, encoder_of
from colorize_cli.recipe import Stage
from colorize_cli.training.data.aging import Batch
from colorize_cli.training.objectives.base import Objective, Setting
from colorize_cli.training.objectives.chroma import distribution_loss


def can_pretrain(network: ColorizationNet, classes: int) -> bool:
    """Whether there is something for the encoder to learn: at least two classes, or colors, in the network of gan."""
    return classes > 1 or network.pretrains_color


class Pretraining(Objective):
    """Class cross-entropy with label smoothing, times the stage's weight, plus cross-entropy over ab bins."""

    def __init__(self, network: ColorizationNet, stage: Stage, setting: Setting) -> None:
        super().__init__(network, stage, setting)
        # If only classes are learned, PSNR does not measure the encoder: the newest weights are kept.
        self.keeps_newest = not network.pretrains_color

    def extra_modules(self) -> nn.Module:
        """Return the class layer, and the encoder's twin that is trained in its place, if they exist."""
        encoder = encoder_of(self.network)
        if encoder is None or not encoder.channels:
            raise UsageProblem("This architecture has no encoder to pretrain.", "Choose another recipe.")
        if not can_pretrain(self.network, self.setting.classes):
            raise UsageProblem(
                "There are no classes to pretrain on: each class is a folder with at least "
                f"{self.stage.smallest_class} photos.",
                "Sort photos into folders by subject, or start with --encoder.",
            )
        extra = nn.ModuleDict()
        if self.setting.classes > 1:
            extra["classes"] = nn.Linear(encoder.channels[-1], self.setting.classes)
        if (twin := encoder.pretraining_twin()) is not None:
            extra["twin"] = twin
        return extra

    @property
    def _classes(self) -> nn.Linear | None:
        return getattr(self.extra, "classes", None)

    @property
    def _encoder(self) -> Encoder:
        return cast(Encoder, self.network.encoder)

    @property
    def _twin(self) -> Encoder | None:
        return getattr(self.extra, "twin", None)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return ``loss``, ``chroma`` (nats per cell), ``class`` (nats) and ``top1`` (share of labelled photos)."""
        terms: dict[str, Tensor] = {}
        features = self._features(batch.lightness)
        total = features[-1].new_zeros(()) * features[-1].sum()
        if self.network.pretrains_color and (decoder := self.network.ab_bins) is not None:
            logits = self.network.pretraining_logits(features)
            total = terms["chroma"] = distribution_loss(logits, batch.ab, decoder)
        labelled = batch.label >= 0
        if self._classes is not None and bool(labelled.any()):
            scores = self._classes(features[-1].mean((2, 3))).float()
            smoothing = self.stage.label_smoothing
            terms["class"] = F.cross_entropy(scores, batch.label, ignore_index=-1, label_smoothing=smoothing)
            terms["top1"] = (scores.argmax(1) == batch.label)[labelled].float().mean()
            total = total + self.stage.class_weight * terms["class"]
        return {"loss": total, **terms}

    def _features(self, lightness: Tensor) -> tuple[Tensor, ...]:
        encoder = self._encoder if self._twin is None else self._twin
        features: tuple[Tensor, ...] = encoder(self.network.encoder_input(lightness))
        return features

    def finish_step(self) -> None:
        """Give the network the plain weights of the twin, then count and average as usual."""
        if self._twin is not None:
            self._encoder.load_state_dict(self._encoder.of_twin(self._twin))
        super().finish_step()
