"""Convert color or gray samples of any kind to sRGB-encoded gray with the same CIE luminance Y (and so the same L*).

Formulas: IEC 61966-2-1 (sRGB transfer curve, luminance weights of D65 as in scikit-image).
All work is done in strips, so that memory beyond the result stays at a few megabytes.
"""

from collections.abc import Iterator
from functools import cache

import cv2
import numpy as np

from colorize_cli.imaging.color import RGB_TO_XYZ, depth_of, linear_to_srgb, luminance_table

SRGB_LUMINANCE = tuple(RGB_TO_XYZ[1].tolist())
"""Luminance weights of linear sRGB (the Y row of the RGB to XYZ matrix, D65)."""
_STRIP_PIXELS = 1 << 18
_ENCODE_STEPS = (1 << 19) - 1


def strips(height: int, width: int) -> Iterator[slice]:
    """Yield row slices that cover ``height`` rows in strips of about a quarter of a megapixel."""
    rows = max(1, _STRIP_PIXELS // max(1, width))
    for start in range(0, height, rows):
        yield slice(start, min(start + rows, height))


@cache
def _encode_table() -> np.ndarray:
    """Return uint16 sRGB values of sqrt(Y) in even steps: the root spreads the steep dark end over many entries."""
    root = np.arange(_ENCODE_STEPS + 1) / _ENCODE_STEPS
    return np.rint(linear_to_srgb(root * root) * 65535).astype(np.uint16)


def encode_luminance(luminance: np.ndarray) -> np.ndarray:
    """Return the uint16 sRGB-encoded gray of linear luminance float32 0..1 (values outside are clipped)."""
    root = cv2.sqrt(np.clip(luminance, 0.0, 1.0).astype(np.float32, copy=False))
    return _encode_table()[(root * _ENCODE_STEPS + np.float32(0.5)).astype(np.int32)]


def luminance_gray(rgb: np.ndarray, curves: np.ndarray | None = None) -> np.ndarray:
    """Return the uint16 (H, W) sRGB gray with the luminance of ``rgb``, uint8 or uint16 (H, W, 3).

    ``curves``: float (3, 256 or 65,536), for each channel the luminance contributed by each stored value (tone curve
    times luminance weight); None for sRGB.
    """
    levels = 256 if rgb.dtype == np.uint8 else 65536
    if curves is None:
        table = luminance_table(depth_of(rgb))
        curves = table[None] * np.array(SRGB_LUMINANCE)[:, None] / sum(SRGB_LUMINANCE)
    table = np.ascontiguousarray(curves, np.float32)
    height, width = rgb.shape[:2]
    gray = np.empty((height, width), np.uint16)
    for rows in strips(height, width):
        strip = rgb[rows]
        if levels == 256:
            parts = cv2.LUT(np.ascontiguousarray(strip), np.ascontiguousarray(table.T)[None])
            luminance = cv2.transform(parts, np.ones((1, 3), np.float32))
            luminance = luminance.reshape(strip.shape[:2])
        else:
            luminance = table[0][strip[..., 0]]
            luminance += table[1][strip[..., 1]]
            luminance += table[2][strip[..., 2]]
        gray[rows] = encode_luminance(luminance)
    return gray


def apply_gray_table(gray: np.ndarray, luminance: np.ndarray) -> np.ndarray:
    """Return the uint16 (H, W) sRGB gray of stored gray values, given the linear luminance 0..1 of each value."""
    table = np.rint(linear_to_srgb(np.clip(luminance, 0.0, 1.0)) * 65535).astype(np.uint16)
    result = np.empty(gray.shape, np.uint16)
    for rows in strips(*gray.shape):
        result[rows] = table[gray[rows]]
    return result


def is_neutral(rgb: np.ndarray) -> bool:
    """Return whether all three channels of ``rgb`` (H, W, 3) are the same everywhere."""
    return all(
        bool(np.array_equal(rgb[rows, :, 0], rgb[rows, :, 1]) and np.array_equal(rgb[rows, :, 0], rgb[rows, :, 2]))
        for rows in strips(*rgb.shape[:2])
    )
