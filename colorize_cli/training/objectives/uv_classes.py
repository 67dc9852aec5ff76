"""Putting u* and v* of every pixel into one of 50 bins each (Hwang & Zhou 2016, section 3.6)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from colorize_cli.errors import UsageProblem
from colorize_cli.models.hwang_zhou.networks import VGGClassifier, uv_accuracies
from colorize_cli.models.network import ColorizationNet
from colorize_cli.training.data.aging import Batch
from colorize_cli.training.objectives.base import Objective


class UVClasses(Objective):
    """The sum of the cross-entropies of u* and of v*."""

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return ``loss`` in nats a place, ``acc_u`` and ``acc_v``.

        A network that answers at a lower resolution learns the bins of its cells' mean color.
        """
        return _terms(self.network, batch)

    def judge(self, batch: Batch) -> dict[str, Tensor]:
        """Return the same figures of the weights to be kept."""
        return _terms(self.result, batch)


def _terms(network: ColorizationNet, batch: Batch) -> dict[str, Tensor]:
    if not isinstance(network, VGGClassifier):
        raise UsageProblem("This architecture has no bins of u* and v* to learn.", "Choose another recipe.")
    scores = network.scores(batch.lightness).float()
    bins = network.true_bins(batch.lightness, batch.ab, scores.shape[-2], scores.shape[-1])
    loss = F.cross_entropy(scores[:, 0], bins[:, 0]) + F.cross_entropy(scores[:, 1], bins[:, 1])
    return {"loss": loss, **uv_accuracies(scores.detach().argmax(2), bins)}
