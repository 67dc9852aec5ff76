"""Color regression: mean squared error, or the Huber penalty, in the network's own color space.

The network's ``predictions`` and ``targets`` are compared: a*b* / 110 unless the network says otherwise (a*b* / 128
behind a tanh, CIELUV's u*v* / 100 ...).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from colorize_cli.models.network import ColorizationNet
from colorize_cli.recipe import Stage
from colorize_cli.training.data.aging import Batch
from colorize_cli.training.data.feature_cache import feature_cache
from colorize_cli.training.objectives.base import Objective, Setting


class MeanSquaredError(Objective):
    """Mean of the squared differences between predictions and targets."""

    def __init__(self, network: ColorizationNet, stage: Stage, setting: Setting) -> None:
        super().__init__(network, stage, setting)
        self.cache = feature_cache(network, stage)

    def penalty(self, predictions: Tensor, targets: Tensor) -> Tensor:
        """Return the scalar to minimize."""
        return F.mse_loss(predictions, targets)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return ``loss``, and the accuracies that the network defines, as shares of the pixels."""
        return self._terms(self.network, batch)

    def judge(self, batch: Batch) -> dict[str, Tensor]:
        """Return the same figures for the weights to keep."""
        return self._terms(self.result, batch)

    def _terms(self, network: ColorizationNet, batch: Batch) -> dict[str, Tensor]:
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
