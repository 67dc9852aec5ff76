"""Combine chroma with the unchanged lightness of the scan: the colorized picture at full size.

The output has the L* of the input, by the exact formulas, for any chroma: colors out of gamut are scaled toward
gray. At 8 bits the color of a pixel is looked up by its gray level and chroma, at 16 bits it is computed. Strips of
rows fit into the cache and bound the memory; they are independent, so threads may share them.
"""

import os
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.imaging.color import Depth, depth_of, luminance_table
from colorize_cli.imaging.recombine.gamut import compress, fit_gamut, linear_rgb
from colorize_cli.imaging.recombine.join_8 import recombine_8
from colorize_cli.imaging.recombine.levels import decode_table, encode_16, look_up, to_8
from colorize_cli.imaging.recombine.upsample import WideRows, chroma_field

Array = npt.NDArray[Any]

STRIP_PIXELS = 1 << 15
"""Pixels in a strip: some twenty float32 planes of it fit into a level-2 cache with room to spare."""

_PLANES = 17


@cache
def _compress_table(depth: Depth) -> Array:
    return compress(luminance_table(depth))


def _recombine_strip(gray: Array, first: int, wide: WideRows, rgb: Array, planes: Array) -> None:
    """Fill rgb, uint16 (n, W, 3), with the rows of the picture that begin at `first`; gray: (n, W), these rows."""
    source = depth_of(gray)
    twice = (2 * gray.shape[0], gray.shape[1])
    fy, Y = planes[8:10], planes[10:12]
    fy[:] = look_up(_compress_table(source), gray)
    Y[:] = look_up(decode_table(source), gray)
    fy, Y = fy.reshape(twice), Y.reshape(twice)
    difference = wide.chroma(first, fy, planes[:8])
    light = linear_rgb(fy, Y, difference, planes[12:17])
    fit_gamut(light, fy, Y, difference)
    levels = encode_16(light.reshape(-1, gray.shape[1]), planes[2:5].reshape(-1, gray.shape[1]))
    cv2.merge(list(levels.reshape(light.shape)), dst=rgb)


def _neutral(gray: Array, depth: Depth) -> Array:
    """RGB (H, W, 3) of the gray picture itself."""
    if depth == 8:
        return cv2.merge([to_8(gray)] * 3)
    rgb = np.empty((*gray.shape, 3), np.uint16)
    np.multiply(gray[..., None], np.uint16(1 if gray.dtype == np.uint16 else 257), out=rgb)
    return rgb


def recombine(
    gray: Array,
    ab: Array,
    *,
    depth: Depth | None = None,
    strength: float = 1.0,
    threads: int | None = None,
    strip_pixels: int = STRIP_PIXELS,
) -> Array:
    """Colorize a scan: its own lightness with the predicted chroma, in gamut, at full size.

    gray: (H, W) uint8 or uint16, sRGB gray with the L* of the scan.
    ab: float32 (2, h, w), Lab units, any resolution, covering exactly the picture (padding removed).
    depth: bits per channel of the result, 8 or 16; None takes that of gray.
    strength: 0..1, how much of the chroma is applied; 0 gives R = G = B = gray.
    threads: strips processed in parallel; None is the number of processors, at most 4.

    Returns sRGB (H, W, 3), uint8 or uint16, with the L* of gray (at 8 bit that of gray rounded to 8 bit): to the
    rounding of one channel at 8 bit, to 0.01 on average at 16 bit. Neutral chroma gives exactly gray. Needs at most
    two bytes per pixel beyond the result, and at 8 bits up to 32 MB per process for the table of colors.
    """
    source = depth_of(gray)
    depth = source if depth is None else depth
    if depth not in (8, 16):
        raise ValueError(f"depth must be 8 or 16, not {depth}")
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must be between 0 and 1, not {strength}")
    if gray.ndim != 2 or ab.ndim != 3 or ab.shape[0] != 2 or 0 in gray.shape or 0 in ab.shape:
        raise ValueError(f"expected gray (H, W) and ab (2, h, w), not {gray.shape} and {ab.shape}")
    if strength == 0 or not ab.any():
        return _neutral(gray, depth)
    threads = threads or min(4, os.cpu_count() or 1)
    if depth == 8:
        return recombine_8(np.ascontiguousarray(to_8(gray)), ab * strength, threads, strip_pixels)
    return _recombine_16(gray, ab * strength, threads, strip_pixels)


def _recombine_16(gray: Array, ab: Array, threads: int, strip_pixels: int) -> Array:
    """The picture, uint16 (H, W, 3), by computing every pixel."""
    height, width = gray.shape
    field = chroma_field(gray, ab).scaled(1 / 500, -1 / 200, 116, -16)
    rgb = np.empty((height, width, 3), np.uint16)

    def paint(top: int, bottom: int, wide: WideRows, memory: Array) -> None:
        _recombine_strip(np.ascontiguousarray(gray[top:bottom]), top, wide, rgb[top:bottom], memory)

    field.in_strips(paint, _PLANES, strip_pixels, threads)
    return rgb
