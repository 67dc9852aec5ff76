"""Hints for models that know nothing of hints: their color is corrected where hints are, and around them.

The difference between hint and prediction spreads from the hinted pixels over whatever has their lightness, as in Levin
et al. 2004 ("Colorization using Optimization"), with one term more: every pixel is drawn a little toward no difference,
so that what no path of like pixels connects with a hint keeps the color that the model gave it.
"""

import cv2
import numpy as np

from colorize_cli.imaging.geometry import resize
from colorize_cli.imaging.sparse_solver import spread
from colorize_cli.inference.hints import Hints, resize_hints

LONG_SIDE = 256
"""Pixels of the longer side at which differences spread: chroma has no more detail than that."""
SIGMA = 4.0
"""Difference in L* that counts as an edge: at 15 L* next to nothing crosses."""
REACH = 0.7
"""Share of the longer side over which a difference fades to 1/e where nothing is in its way."""
_FOUR = (0.0, 0.25, 0.0, 0.25, 0.25, 0.0, 0.25, 0.0)


def with_hints(planes: np.ndarray, lightness: np.ndarray, hints: Hints) -> np.ndarray:
    """Return a prediction with the hints worked in: float32 (C, h', w'), at least the resolution it had.

    ``planes``: float32 (C, h, w): a* and b* in Lab units, and whatever else is known of each pixel, which is left as it
    is. ``lightness``: L* (H, W), 0..100, of the same area. ``hints``: of any size.
    """
    height, width = lightness.shape
    scale = min(1.0, LONG_SIDE / max(height, width))
    height, width = max(1, round(height * scale)), max(1, round(width * scale))
    light = resize(lightness.astype(np.float32), height, width)
    wanted, mask = resize_hints(hints, height, width)
    difference = (wanted.transpose(2, 0, 1) - _resized(planes[:2], height, width)) * mask
    fading = 1 / (4 * (REACH * max(height, width)) ** 2)
    spread_out = spread(light, difference, mask, weights=_FOUR, sigma=SIGMA, leak=0.0, decay=fading)
    height, width = max(planes.shape[1], height), max(planes.shape[2], width)
    result = _resized(planes, height, width)
    result[:2] += _resized(spread_out, height, width)
    return result


def _resized(planes: np.ndarray, height: int, width: int) -> np.ndarray:
    size = (width, height)
    return np.stack([cv2.resize(p.astype(np.float32), size, interpolation=cv2.INTER_LINEAR) for p in planes])
