"""Learn color only: as a distribution over ab bins, or by the distance to the true a*b*."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from colorize_cli.errors import UsageProblem
from colorize_cli.models.heads.ab_bins import AbDecoder, soft_cross_entropy
from colorize_cli.models.network import AB_UNIT, ColorizationNet, resize_like
from colorize_cli.training.data.aging import Batch
from colorize_cli.training.objectives.base import Objective


def distribution_loss(logits: Tensor, ab: Tensor, decoder: AbDecoder) -> Tensor:
    """Return the cross-entropy of logits (N, K, h, w) against a*b* (N, 2, H, W), averaged over each logit's cell."""
    return soft_cross_entropy(logits, F.adaptive_avg_pool2d(ab, (logits.shape[-2], logits.shape[-1])), decoder.centers)


def predicted(network: ColorizationNet, lightness: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return a*b* (N, 2, H, W) in Lab units at the input's size, and its logits if there are any."""
    decoder = network.ab_bins
    if decoder is None:
        return network(lightness), None
    logits = network.logits(lightness)
    return resize_like(decoder(logits), lightness), logits


def pixel_loss(kind: str, ab: Tensor, truth: Tensor) -> Tensor:
    """Return the mean absolute (``l1``) or squared (``mse``) error of a*b* (N, 2, H, W), in units of 110 Lab units."""
    distance = F.l1_loss if kind == "l1" else F.mse_loss
    return distance(ab.float() / AB_UNIT, truth / AB_UNIT)


class ChromaDistribution(Objective):
    """Cross-entropy over ab bins (Zhang et al. 2016, section 2.1), soft labels, not rebalanced."""

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy in nats per cell."""
        decoder = self.network.ab_bins
        if decoder is None:
            raise UsageProblem(
                "This architecture predicts a*b* directly: it has no ab bins to learn a distribution over.",
                "Choose another recipe.",
            )
        logits = self.network.logits(batch.lightness)
        return {"loss": distribution_loss(logits, batch.ab, decoder)}


class L1(Objective):
    """Mean absolute error of a*b*, in units of 110 Lab units: the first stage of the tutorial of Shariatnia 2020."""

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the mean absolute error."""
        ab, _ = predicted(self.network, batch.lightness)
        return {"loss": pixel_loss("l1", ab, batch.ab)}
