"""Linear light to rounded sRGB levels and back, on float32 planes: exact, and several times as fast with OpenCV."""

from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.imaging.color import Depth, luminance_table

Array = npt.NDArray[Any]

_KNEE = 0.0031308
"""Linear light up to which sRGB is a straight line."""


@cache
def decode_table(depth: Depth) -> Array:
    """Linear light 0..1, float32, of every level: 256 entries at 8 bit, 65,536 at 16."""
    return luminance_table(depth).astype(np.float32)


def look_up(table: Array, index: Array) -> Array:
    """Entries of a table for an index, uint8 or uint16 (n, W)."""
    # OpenCV's own LUT takes 16-bit indices only in newer versions.
    return cv2.LUT(index, table) if index.dtype == np.uint8 else np.take(table, index)


def _encode(light: Array, top: int, spare: Array) -> Array:
    """sRGB levels 0..top, float32, not rounded, of linear light 0..1; light is overwritten, spare returned."""
    # Below the knee the line, above it the power function minus its value at the knee.
    cv2.threshold(light, _KNEE, 0, cv2.THRESH_TRUNC, dst=spare)
    cv2.addWeighted(light, 1, spare, -1, _KNEE, dst=light)
    # exp(log(x) / 2.4): OpenCV's pow is exact too, but half as fast.
    cv2.log(light, dst=light)
    cv2.addWeighted(light, 1 / 2.4, light, 0, 0, dst=light)
    cv2.exp(light, dst=light)
    cv2.addWeighted(light, 1.055 * top, spare, 12.92 * top, -1.055 * top * _KNEE ** (1 / 2.4), dst=spare)
    return spare


def encode_8(light: Array, spare: Array) -> Array:
    """uint8 levels, rounded, of linear light float32 (n, W), at least 0 to within the tolerance of `fit_gamut`.

    light is overwritten, and so is spare, of the same shape.
    """
    return cv2.convertScaleAbs(_encode(light, 255, spare))


def encode_16(light: Array, spare: Array) -> Array:
    """uint16 levels, rounded; otherwise as `encode_8`."""
    levels = _encode(light, 65535, spare)
    # The conversion of out-of-range values to uint16 is undefined.
    cv2.addWeighted(levels, 1, levels, 0, 0.5, dst=levels)
    cv2.threshold(levels, 65535, 0, cv2.THRESH_TRUNC, dst=levels)
    cv2.threshold(levels, 0, 0, cv2.THRESH_TOZERO, dst=levels)
    return levels.astype(np.uint16)


def to_8(gray: Array) -> Array:
    """The 8-bit level nearest to every 16-bit one; 8-bit levels are unchanged."""
    return gray if gray.dtype == np.uint8 else cv2.convertScaleAbs(gray, alpha=1 / 257)
