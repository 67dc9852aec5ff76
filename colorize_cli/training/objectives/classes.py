"""Classify every pixel into one of 256 color classes, with larger weights for rare classes (Brown et al. 3.2)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from colorize_cli.errors import UsageProblem
from colorize_cli.models.heads.color_classes import classes_of
from colorize_cli.models.network import ColorizationNet
from colorize_cli.training.data.aging import Batch
from colorize_cli.training.objectives.base import Objective


class WeightedClasses(Objective):
    """Weighted cross-entropy, formula 2 of the paper, as a mean over pixels instead of a sum.

    A network that predicts at a lower resolution learns the classes of its cells' mean color; its accuracy is also that
    of cells.
    """

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return ``loss`` in nats per pixel and ``accuracy``, the share of pixels classified correctly."""
        return _terms(self.network, batch)

    def judge(self, batch: Batch) -> dict[str, Tensor]:
        """Return the same figures for the weights to keep."""
        return _terms(self.result, batch)


def _terms(network: ColorizationNet, batch: Batch) -> dict[str, Tensor]:
    decoder = network.color_classes
    if decoder is None:
        raise UsageProblem("This architecture has no color classes to learn.", "Choose another recipe.")
    logits = network.logits(batch.lightness).float()
    classes = classes_of(F.adaptive_avg_pool2d(batch.ab, (logits.shape[-2], logits.shape[-1])))
    nats = F.cross_entropy(logits, classes, weight=decoder.weights, reduction="sum") / classes.numel()
    return {"loss": nats, "accuracy": (logits.argmax(1) == classes).float().mean()}
