"""Chroma joined to the untouched lightness of the scan: the colorized picture at full size.

The output has the L* of the input, by the exact formulas, whatever the chroma: colors out of gamut are scaled toward
gray, and green, which carries most of the luminance, is computed last, from red and blue as they were rounded.
Strips of rows stay in the cache and bound the memory; they are independent, so threads may share them.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.imaging.color import RGB_TO_XYZ, Depth, depth_of, linear_to_srgb, luminance_table
from colorize_cli.imaging.gamut import compress, fit_gamut, linear_rgb
from colorize_cli.imaging.upsample import ChromaField, chroma_field

Array = npt.NDArray[Any]

STRIP_PIXELS = 1 << 15
"""Pixels in a strip: some twenty float32 planes of it fit into a level-2 cache with room to spare."""

_RED, _GREEN, _BLUE = RGB_TO_XYZ[1].tolist()


@cache
def _decode_table(depth: Depth) -> Array:
    return luminance_table(depth).astype(np.float32)


@cache
def _compress_table(depth: Depth) -> Array:
    return compress(luminance_table(depth))


@cache
def _encode_table() -> Array:
    """8-bit sRGB level of the square root of linear light, given as 0..16383.

    The root spreads the levels evenly: the step is 0.02 level anywhere, and the table fits a level-1 cache.
    """
    return np.rint(linear_to_srgb(np.linspace(0, 1, 1 << 14) ** 2) * 255).astype(np.uint8)


def _look_up(table: Array, index: Array) -> Array:
    # OpenCV's own LUT takes 16-bit indices only in newer versions.
    return cv2.LUT(index, table) if index.dtype == np.uint8 else np.take(table, index)


def _encode_8(light: Array, spare: Array) -> Array:
    """sRGB levels 0..255 of linear light."""
    cv2.threshold(light, 0, 0, cv2.THRESH_TOZERO, dst=spare)
    cv2.sqrt(spare, dst=spare)
    cv2.addWeighted(spare, 16383, spare, 0, 0.5, dst=spare)
    cv2.threshold(spare, 16383, 0, cv2.THRESH_TRUNC, dst=spare)
    return _look_up(_encode_table(), spare.astype(np.uint16))


def _encode_16(light: Array, spare: Array) -> Array:
    """sRGB levels 0..65535 of linear light, exact; light is overwritten."""
    cv2.threshold(light, 0, 0, cv2.THRESH_TOZERO, dst=light)
    cv2.threshold(light, 0.0031308, 0, cv2.THRESH_TRUNC, dst=spare)
    # Below the knee the line, above it the power function, which starts there with the value of the line.
    cv2.addWeighted(light, 1, spare, -1, 0.0031308, dst=light)
    cv2.pow(light, 1 / 2.4, dst=light)
    knee = 1.055 * 0.0031308 ** (1 / 2.4)
    cv2.addWeighted(light, 1.055 * 65535, spare, 12.92 * 65535, 0.5 - knee * 65535, dst=spare)
    cv2.threshold(spare, 65535, 0, cv2.THRESH_TRUNC, dst=spare)
    return spare.astype(np.uint16)


class _Workspace(threading.local):
    """Planes of one thread, kept from strip to strip."""

    planes: Array | None = None

    def take(self, shape: tuple[int, int]) -> Array:
        size = 17 * shape[0] * shape[1]
        if self.planes is None or self.planes.size < size:
            self.planes = np.empty(size, np.float32)
        return self.planes[:size].reshape(17, *shape)


def _to_8(gray: Array) -> Array:
    return ((gray.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _recombine_strip(gray: Array, first: int, field: ChromaField, depth: Depth, rgb: Array, planes: Array) -> None:
    """Fill rgb (rows, W, 3) with the rows of the picture that begin at `first`; gray: these rows alone."""
    source = depth_of(gray)
    fy = _look_up(_compress_table(source), gray)
    Y = _look_up(_decode_table(source), gray)
    dx, dz = field.strip(first, fy, planes[:8])
    R, G, B = fit_gamut(linear_rgb(fy, Y, dx, dz, planes[8:13]), fy, Y, dx, dz)
    spare = planes[13]
    if depth == 16:
        cv2.merge([_encode_16(channel, spare) for channel in (R, G, B)], dst=rgb)
        return
    red, blue = _encode_8(R, spare), _encode_8(B, spare)
    levels = _decode_table(8)
    cv2.addWeighted(cv2.LUT(red, levels), -_RED / _GREEN, cv2.LUT(blue, levels), -_BLUE / _GREEN, 0, dst=G)
    cv2.scaleAdd(Y, 1 / _GREEN, G, dst=G)
    green = _encode_8(G, spare)
    if source == 16:
        # Between two 8-bit levels green would make up for the rounding of the others; neutral must stay neutral.
        neutral = (dx == 0) & (dz == 0)
        if neutral.any():
            for channel in (red, green, blue):
                np.copyto(channel, _to_8(gray), where=neutral)
    cv2.merge([red, green, blue], dst=rgb)


def _neutral(gray: Array, depth: Depth) -> Array:
    """RGB (H, W, 3) of the gray picture itself."""
    rgb = np.empty((*gray.shape, 3), np.uint8 if depth == 8 else np.uint16)
    if depth == depth_of(gray):
        rgb[:] = gray[..., None]
    elif depth == 16:
        np.multiply(gray[..., None], np.uint16(257), out=rgb)
    else:
        rgb[:] = _to_8(gray)[..., None]
    return rgb


def _strips(height: int, rows: int, work: Callable[[int, int], None], threads: int) -> None:
    firsts = range(0, height, rows)
    if threads == 1 or len(firsts) == 1:
        for first in firsts:
            work(first, min(first + rows, height))
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, firsts, (min(first + rows, height) for first in firsts)):
            pass


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
    depth: bits a channel of the result, 8 or 16; None is that of gray.
    strength: 0..1, how much of the chroma is applied; 0 gives R = G = B = gray.
    threads: strips worked on at once; None is the number of processors, at most 4.

    Returns sRGB (H, W, 3), uint8 or uint16, with the L* of gray: to the rounding of one channel at 8 bit, to 0.01 on
    average at 16 bit. Neutral chroma gives exactly gray. Needs no memory to speak of beyond the result.
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
    height, width = gray.shape
    field = chroma_field(gray, ab).scaled(strength / 500, -strength / 200, 116, -16)
    rgb = np.empty((height, width, 3), np.uint8 if depth == 8 else np.uint16)
    workspace = _Workspace()

    def work(first: int, last: int) -> None:
        planes = workspace.take((last - first, width))
        _recombine_strip(np.ascontiguousarray(gray[first:last]), first, field, depth, rgb[first:last], planes)

    _strips(height, max(1, strip_pixels // width), work, threads or min(4, os.cpu_count() or 1))
    return rgb
