"""Learn color only: as a distribution over bins or classes, or by the distance to the true a*b*."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch.nn.functional as F
from torch import Tensor

from colorize_cli.errors import UsageProblem
from colorize_cli.models.heads.ab_bins import AbDecoder, soft_cross_entropy
from colorize_cli.models.heads.color_classes import classes_of
from colorize_cli.models.network import AB_UNIT, ColorizationNet, resize_like
from colorize_cli.recipe import Stage
from colorize_cli.training.data.aging import Batch
from colorize_cli.training.objectives.base import JudgedObjective, Objective, Setting
from colorize_cli.training.objectives.recognition import Recognition


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
        decoder = self._decoder()
        logits = self.network.logits(batch.lightness)
        return {"loss": distribution_loss(logits, batch.ab, decoder)}

    def _decoder(self) -> AbDecoder:
        decoder = self.network.ab_bins
        if decoder is None:
            raise UsageProblem(
                "This architecture predicts a*b* directly: it has no ab bins to learn a distribution over.",
                "Choose another recipe.",
            )
        return decoder


class Recognized(ChromaDistribution):
    """Cross-entropy over ab bins, L1 or MSE, and how differently an ImageNet network sees predicted and true colors
    (:mod:`colorize_cli.training.objectives.recognition`), each times its weight; the colors are those of the stage's
    vividness.
    """

    def __init__(self, network: ColorizationNet, stage: Stage, setting: Setting) -> None:
        super().__init__(network, stage, setting)
        self.recognition = Recognition().to(setting.compute.device)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return all terms, and their weighted sum."""
        stage, decoder = self.stage, self._decoder()
        logits = self.network.logits(batch.lightness)
        ab = resize_like(decoder(logits), batch.lightness)
        terms = {
            "distribution": distribution_loss(logits, batch.ab, decoder),
            stage.pixel_loss: pixel_loss(stage.pixel_loss, ab, batch.ab),
            **self.recognition(batch.lightness, ab, batch.ab),
        }
        seen = terms["recognition"] + terms["features"]
        total = stage.distribution_weight * terms["distribution"] + stage.pixel_weight * terms[stage.pixel_loss]
        return {"loss": total + stage.recognition_weight * seen, **terms}


class L1(Objective):
    """Mean absolute error of a*b*, in units of 110 Lab units: the first stage of the tutorial of Shariatnia 2020."""

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the mean absolute error."""
        ab, _ = predicted(self.network, batch.lightness)
        return {"loss": pixel_loss("l1", ab, batch.ab)}


class WeightedClasses(JudgedObjective):
    """Classify every pixel into one of 256 colors, with larger weights for rare ones (Brown et al. 3.2).

    Weighted cross-entropy, formula 2 of the paper, as a mean over pixels instead of a sum.

    A network that predicts at a lower resolution learns the classes of its cells' mean color; its accuracy is also that
    of cells.
    """

    def terms(self, network: ColorizationNet, batch: Batch) -> dict[str, Tensor]:
        """Return ``loss`` in nats per pixel and ``accuracy``, the share of pixels classified correctly."""
        decoder = network.color_classes
        if decoder is None:
            raise UsageProblem("This architecture has no color classes to learn.", "Choose another recipe.")
        logits = network.logits(batch.lightness).float()
        classes = classes_of(F.adaptive_avg_pool2d(batch.ab, (logits.shape[-2], logits.shape[-1])))
        nats = F.cross_entropy(logits, classes, weight=decoder.weights, reduction="sum") / classes.numel()
        return {"loss": nats, "accuracy": (logits.argmax(1) == classes).float().mean()}


@runtime_checkable
class ScoresUVBins(Protocol):
    """The interface that :class:`UVClasses` needs."""

    def scores(self, lightness: Tensor) -> Tensor:
        """Return the scores (N, 2, bins, h, w) of the bins of u* and of v* for L* (N, 1, H, W) in 0..100."""
        ...

    def bins(self, lightness: Tensor, ab: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the true bins, int64 (N, 2, *size), for L* (N, 1, H, W) and a*b* (N, 2, H, W)."""
        ...


class UVClasses(JudgedObjective):
    """Classify u* and v* of every pixel into one of 50 bins each (Hwang & Zhou 2016, 3.6): the two losses' sum."""

    def terms(self, network: ColorizationNet, batch: Batch) -> dict[str, Tensor]:
        """Return ``loss`` in nats per location, ``acc_u`` and ``acc_v``.

        A network that predicts at a lower resolution learns the bins of its cells' mean color.
        """
        if not isinstance(network, ScoresUVBins):
            raise UsageProblem("This architecture has no bins of u* and v* to learn.", "Choose another recipe.")
        scores = network.scores(batch.lightness).float()
        bins = network.bins(batch.lightness, batch.ab, (scores.shape[-2], scores.shape[-1]))
        loss = F.cross_entropy(scores[:, 0], bins[:, 0]) + F.cross_entropy(scores[:, 1], bins[:, 1])
        return {"loss": loss, **network.accuracies(scores.detach().argmax(2), bins)}
