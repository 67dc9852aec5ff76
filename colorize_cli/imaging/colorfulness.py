"""Colorfulness of a picture in its two common variants. They differ by about a tenth: never mix them."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def colorfulness(rgb: Array) -> float:
    """Return the colorfulness of a picture (H, W, 3) uint8 as the colorization literature computes it (no unit).

    rg = |R - G|, yb = |(R + G) / 2 - B|, then sqrt(var rg + var yb) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2), with
    population variances. Absolute values are taken before mean and variance, as in the code behind the figures
    of DDColor, CT2 and ColorFormer, unlike Hasler & Suesstrunk's definition (`signed_colorfulness`).
    """
    rg, yb = _opponents(rgb)
    return _combine(np.abs(rg), np.abs(yb))


def signed_colorfulness(rgb: Array) -> float:
    """Return the colorfulness M3 of Hasler & Suesstrunk 2003 of a picture (H, W, 3) uint8 (no unit).

    "Measuring colourfulness in natural images": rg = R - G, yb = (R + G) / 2 - B, signed. Their survey's scale:
    0 not colorful, 15 slightly, 33 moderately, 45 averagely, 59 quite, 82 highly, 109 extremely.
    """
    return _combine(*_opponents(rgb))


def _opponents(rgb: Array) -> tuple[Array, Array]:
    R, G, B = np.moveaxis(rgb.astype(np.float64), -1, 0)
    return R - G, 0.5 * (R + G) - B


def _combine(rg: Array, yb: Array) -> float:
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))
