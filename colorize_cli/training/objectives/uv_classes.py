"""Classify u* and v* of every pixel into one of 50 bins each (Hwang & Zhou 2016, section 3.6)."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch.nn.functional as F
from torch import Tensor

from colorize_cli.errors import UsageProblem
from colorize_cli.models.network import ColorizationNet
from colorize_cli.training.data.aging import Batch
from colorize_cli.training.objectives.base import Objective


@runtime_checkable
class ScoresUVBins(Protocol):
    """The interface that this objective needs."""

    def scores(self, lightness: Tensor) -> Tensor:
        """Return the scores (N, 2, bins, h, w) of the bins of u* and of v* for L* (N, 1, H, W) in 0..100."""
        ...

    def bins(self, lightness: Tensor, ab: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the true bins, int64 (N, 2, *size), for L* (N, 1, H, W) and a*b* (N, 2, H, W)."""
        ...


class UVClasses(Objective):
    """The sum of the cross-entropies of u* and of v*."""

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return ``loss`` in nats per location, ``acc_u`` and ``acc_v``.

        A network that predicts at a lower resolution learns the bins of its cells' mean color.
        """
        return _terms(self.network, batch)

    def judge(self, batch: Batch) -> dict[str, Tensor]:
        """Return the same figures for the weights to keep."""
        return _terms(self.result, batch)


def _terms(network: ColorizationNet, batch: Batch) -> dict[str, Tensor]:
    if not isinstance(network, ScoresUVBins):
        raise UsageProblem("This architecture has no bins of u* and v* to learn.", "Choose another recipe.")
    scores = network.scores(batch.lightness).float()
    bins = network.bins(batch.lightness, batch.ab, (scores.shape[-2], scores.shape[-1]))
    loss = F.cross_entropy(scores[:, 0], bins[:, 0]) + F.cross_entropy(scores[:, 1], bins[:, 1])
    return {"loss": loss, **network.accuracies(scores.detach().argmax(2), bins)}
