"""What is predicted of a photograph, chroma and confidence, and how several predictions of it become one."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from colorize_cli.inference.reference import Guidance

# Least and greatest a* and b* of the sRGB cube.
SRGB_AB_RANGE = ((-86.19, -107.87), (98.24, 94.48))

DISAGREEMENT_UNIT = 2.0
"""Expected error, in Lab units, of one unit at which predictions that should be alike lie apart; measured on `gan`."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """Chroma of a photograph and how sure the model is of it, at the model's own resolution.

    ``ab``: float32 (2, h, w), Lab units. ``confidence``: float32 (h, w), 0 (a guess) to 1 (sure); None where nobody
    asked for it. ``guidance``: what the reference says of the photograph; None without a reference.
    """

    ab: np.ndarray
    confidence: np.ndarray | None = None
    guidance: Guidance | None = None


OWN_SIZE_SHARE = 2 / 3
"""Share of the prediction at a model's own size where a larger one is asked for: the best of three that were tried
(docs/lab/colorizing-log.md).
"""


def second_size(size: int) -> int:
    """Return the smaller working size at which a prediction is made again to see how far it holds."""
    return max(32, round(size * 2 / 3 / 4) * 4)


def error_by_disagreement(planes: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the planes (3, h, w) with an expected error, Lab units, in the place of the distance of mirror images.

    ``other``: a*b* (2, h', w') of the same photograph predicted at another size. What cannot be right twice is likely
    to be wrong.
    """
    height, width = planes.shape[1:]
    resized = cv2.resize(other.transpose(1, 2, 0), (width, height), interpolation=cv2.INTER_LINEAR).transpose(2, 0, 1)
    distance = np.sqrt(((planes[:2] - resized) ** 2).sum(0))
    return np.concatenate([planes[:2], DISAGREEMENT_UNIT * (planes[2] + distance)[None]])


def clamped(planes: np.ndarray) -> np.ndarray:
    """Limit a*b*, the first two of (..., 2 or 3, h, w), to what sRGB spans; some networks answer far beyond."""
    low, high = (np.array(x, planes.dtype)[:, None, None] for x in SRGB_AB_RANGE)
    planes[..., :2, :, :] = np.clip(planes[..., :2, :, :], low, high)
    return planes


def consensus(maps: Sequence[np.ndarray]) -> np.ndarray:
    """Return the median of predictions (2 or 3, h_i, w_i) of one photograph, at the largest of their sizes.

    Where the third plane is the expected error, the distance at which the sizes disagree adds to it.
    """
    resized = _of_one_size(maps)
    return _with_disagreement(np.median(resized, 0), resized)


def steadied(own: np.ndarray, larger: np.ndarray) -> np.ndarray:
    """Return the weighted mean of predictions (2 or 3, h_i, w_i) at a model's own size and at a larger one.

    A network knows photographs of the size it was trained at; in larger ones it loses the color of large areas. The
    result has the larger size; :data:`OWN_SIZE_SHARE` of it is the prediction at the own size.
    Where the third plane is the expected error, the distance at which the two disagree adds to it.
    """
    resized = _of_one_size((own, larger))
    return _with_disagreement(OWN_SIZE_SHARE * resized[0] + (1 - OWN_SIZE_SHARE) * resized[1], resized)


def _of_one_size(maps: Sequence[np.ndarray]) -> np.ndarray:
    """Return predictions (p, h_i, w_i) as one array (n, h, w, p) of the largest of their sizes."""
    height, width = max((planes.shape[1:] for planes in maps), key=lambda shape: shape[0] * shape[1])
    return np.stack([cv2.resize(x.transpose(1, 2, 0), (width, height), interpolation=cv2.INTER_LINEAR) for x in maps])


def _with_disagreement(center: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Return float32 (2 or 3, h, w) for planes (h, w, 2 or 3) taken from several predictions (n, h, w, 2 or 3)."""
    planes = center.transpose(2, 0, 1).astype(np.float32)
    if len(planes) > 2:
        disagreement = np.sqrt(((maps[..., :2] - planes[:2].transpose(1, 2, 0)) ** 2).sum(-1).mean(0))
        planes[2] = np.hypot(planes[2], disagreement)
    return planes
