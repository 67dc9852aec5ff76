"""Hints for models that know nothing of hints: their color is corrected where hints are, and around them.

The difference between hint and prediction spreads from the hinted pixels over whatever has their lightness, as in Levin
et al. 2004 ("Colorization using Optimization"), with one term more: every pixel is drawn a little toward no difference,
so that what no path of like pixels connects with a hint keeps the color that the model gave it. The linear system has
one unknown per pixel of a small picture and is factorized at once, so that a stroke shows while it is painted.
"""

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.imaging.affinity import WIDE, shifted
from colorize_cli.imaging.color import lightness as lightness_of
from colorize_cli.imaging.geometry import resize
from colorize_cli.inference.hints import Hints, SoftHints, hint_shares

LONG_SIDE = 256
"""Pixels of the longer side at which differences spread: chroma has no more detail than that."""
EDGE = 5.0
"""Difference in L* that counts as an edge: the affinity falls with its fourth power, so that shading is crossed and an
edge of 15 L* is not, even where it is three pixels wide."""
REACH = 0.7
"""Share of the longer side over which a difference fades to 1/e where nothing is in its way."""
SOFT_LONG_SIDE = 128
"""The same for uncertain colors, which have less detail still."""
SOFTNESS = 1.0
"""Weight with which a pixel is drawn to an uncertain color that is fully trusted, in units of the affinity."""
SOFT_REACH = 0.1
"""Share of the longer side over which the influence of uncertain colors fades."""
SOFT_LIGHTNESS = 12.0
"""Difference in L* at which an uncertain color counts for exp(-1/2)."""
_FIRM = 1e3
"""Weight with which a hinted pixel is held at its color, in units of the affinity."""
_RIM = 0.6
"""Share of the fullest neighbour's hints below which a pixel is the rim of a stroke and no hint itself."""
_LEAST = 1e-4
"""Affinities below this are none: what is left of them would tint a whole area through a long edge."""

Array = npt.NDArray[np.floating]


def with_hints(planes: np.ndarray, lightness: np.ndarray, hints: Hints) -> np.ndarray:
    """Return a prediction with the hints worked in: float32 (C, h', w'), at least the resolution it had.

    ``planes``: float32 (C, h, w): a* and b* in Lab units, and whatever else is known of each pixel, which is left as it
    is. ``lightness``: L* (H, W), 0..100, of the same area. ``hints``: of any size.
    """
    height, width = lightness.shape
    scale = min(1.0, LONG_SIDE / max(height, width))
    height, width = max(2, round(height * scale)), max(2, round(width * scale))
    light = resize(lightness.astype(np.float32), height, width)
    wanted, share = hint_shares(hints, height, width)
    # The rim of a broad stroke, most of which lies in the next pixel, may be beyond an edge; a thin stroke is all rim.
    rim = share < _RIM * cv2.dilate(share, np.ones((3, 3), np.uint8))
    mask = np.where(rim, 0, np.sign(share))
    difference = (wanted.transpose(2, 0, 1) - _resized(planes[:2], height, width)) * mask
    fading = 1 / (REACH * max(height, width)) ** 2
    return _added(planes, _spread(light, difference, _FIRM * mask, fading))


def with_soft_hints(planes: np.ndarray, lightness: np.ndarray, hints: SoftHints) -> np.ndarray:
    """Return a prediction drawn toward uncertain colors, as far as each is trusted: float32 (C, h', w').

    ``planes`` and ``lightness``: as for :func:`with_hints`. A pixel whose lightness is not that of its hint is not
    drawn toward it.
    """
    height, width = lightness.shape
    scale = min(1.0, SOFT_LONG_SIDE / max(height, width))
    height, width = max(2, round(height * scale)), max(2, round(width * scale))
    light = resize(lightness.astype(np.float32), height, width)
    wanted = _resized(hints.ab.transpose(2, 0, 1), height, width)
    expected, trust = _resized(np.stack([hints.lightness, hints.confidence]), height, width)
    weight = SOFTNESS * np.maximum(trust, 0) * np.exp(-0.5 * ((expected - light) / SOFT_LIGHTNESS) ** 2)
    fading = 1 / (SOFT_REACH * max(height, width)) ** 2
    return _added(planes, _spread(light, wanted - _resized(planes[:2], height, width), weight, fading))


def _added(planes: np.ndarray, difference: Array) -> np.ndarray:
    """Return planes (C, h', w') with a difference of a*b* (2, H, W) added, at the larger resolution of the two."""
    height, width = (max(sides) for sides in zip(planes.shape[1:], difference.shape[1:], strict=True))
    result = _resized(planes, height, width)
    result[:2] += _resized(difference, height, width)
    return result


def guide_of(gray: np.ndarray) -> np.ndarray:
    """Return L* (h, w), 0..100, of a photograph, uint8 or uint16 (H, W), no larger than hints need it."""
    scale = min(1.0, LONG_SIDE / max(gray.shape))
    height, width = (max(1, round(side * scale)) for side in gray.shape)
    return lightness_of(resize(gray, height, width))


def _spread(lightness: Array, values: Array, weight: Array, fading: float) -> Array:
    """Return values (C, H, W) for all pixels, given those that have a ``weight`` (H, W).

    ``fading``: weight of 0 in the mean of each pixel's four neighbours, whose weights are their affinities.
    """
    # Few photographs have hints, and SciPy takes a tenth of the start-up time.
    from scipy.sparse import diags
    from scipy.sparse.linalg import splu

    width = lightness.shape[1]
    below = _affinity(lightness, (1, 0))
    right = _affinity(lightness, (0, 1))
    below[-1], right[:, -1] = 0, 0
    diagonal = fading + weight.astype(np.float64) + below + right
    diagonal[1:] += below[:-1]
    diagonal[:, 1:] += right[:, :-1]
    across, down = -right.ravel()[:-1], -below.ravel()[:-width]
    system = diags([diagonal.ravel(), across, across, down, down], [0, 1, -1, width, -width], format="csc")
    # Symmetric and diagonally dominant: no pivots, and an ordering for symmetric matrices, which takes a third of the
    # time.
    factors = splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0, options={"SymmetricMode": True})
    right_side = (weight * values).reshape(len(values), -1).T.astype(np.float64)
    return factors.solve(np.ascontiguousarray(right_side)).T.reshape(values.shape)


def _affinity(lightness: Array, offset: tuple[int, int]) -> Array:
    """Return how much each pixel belongs with the one at ``offset``: float64 (H, W), 0 to 1.

    As :func:`colorize_cli.imaging.affinity.affinities` the difference over three pixels counts as well, because
    photographs spread an edge over several.
    """
    light = lightness.astype(np.float64)
    dy, dx = offset
    near = np.abs(shifted(light, offset) - light)
    wide = np.abs(shifted(light, (2 * dy, 2 * dx)) - shifted(light, (-dy, -dx)))
    affinity = np.exp(-((np.maximum(near, WIDE * wide) / EDGE) ** 4))
    return np.where(affinity < _LEAST, 0.0, affinity)


def _resized(planes: np.ndarray, height: int, width: int) -> np.ndarray:
    size = (width, height)
    return np.stack([cv2.resize(p.astype(np.float32), size, interpolation=cv2.INTER_LINEAR) for p in planes])
