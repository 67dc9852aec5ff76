"""Figures that tell a colorization's distance from the truth, and how colorful it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def psnr(a: Array, b: Array) -> float:
    """Return the peak signal-to-noise ratio in dB of two uint8 RGB pictures (H, W, 3), over all channels together."""
    error = float(np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2))
    return float(10 * np.log10(255**2 / max(error, 1e-10)))


def colorfulness_abs(rgb: Array) -> float:
    """Return the colorfulness of a uint8 RGB picture (H, W, 3), in the ``abs`` variant that colorization papers report.

    Hasler and Suesstrunk 2003 with opponents |R - G| and |(R + G) / 2 - B|, absolute values taken before mean and
    deviation; the original takes them signed, which gives figures about 8 % higher.
    """
    r, g, b = (rgb[..., i].astype(np.float64) for i in range(3))
    rg, yb = np.abs(r - g), np.abs((r + g) / 2 - b)
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))
