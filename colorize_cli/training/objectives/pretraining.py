"""Teaching a gray encoder what things are and what colors they tend to have, before it colors anything.

Two tasks on one trunk: classes, by a linear layer on the pooled deepest features (ignored for photos without a label),
and chroma, by the light head at an eighth of the input size. The linear layer is dropped afterwards.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.errors import UsageProblem
from colorize_cli.models.blocks import normalized_lightness
from colorize_cli.models.gan import Generator
from colorize_cli.training.batches import Batch
from colorize_cli.training.objectives.base import Objective
from colorize_cli.training.objectives.chroma import distribution_loss


class Pretraining(Objective):
    """Class cross-entropy with label smoothing, times the stage's weight, plus cross-entropy over ab bins."""

    def extra_modules(self) -> nn.Module:
        """Return the class layer; without classes to learn there is none."""
        if not isinstance(self.network, Generator):
            raise UsageProblem("Only the light variant of gan has a pretraining stage.", "Choose another recipe.")
        return nn.Linear(512, self.setting.classes) if self.setting.classes > 1 else nn.Identity()

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return ``loss``, ``chroma`` (nats a cell), ``class`` (nats) and ``top1`` (share of labelled photos)."""
        network = self.network
        assert isinstance(network, Generator)
        features = network.encoder(normalized_lightness(batch.lightness))
        logits = network.classifier(network.decoder.light(features))
        chroma = distribution_loss(logits, batch.ab, network.decode)
        labelled = batch.label >= 0
        if isinstance(self.extra, nn.Identity) or not bool(labelled.any()):
            return {"loss": chroma, "chroma": chroma}
        scores = self.extra(features[-1].mean((2, 3))).float()
        classes = F.cross_entropy(scores, batch.label, ignore_index=-1, label_smoothing=self.stage.label_smoothing)
        correct = (scores.argmax(1) == batch.label)[labelled].float().mean()
        total = chroma + self.stage.class_weight * classes
        return {"loss": total, "chroma": chroma, "class": classes, "top1": correct}
