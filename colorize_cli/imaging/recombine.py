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

from colorize_cli.imaging.color import RGB_TO_XYZ, Depth, depth_of, luminance_table
from colorize_cli.imaging.gamut import compress, fit_gamut, linear_rgb
from colorize_cli.imaging.upsample import WideRows, chroma_field

Array = npt.NDArray[Any]

STRIP_PIXELS = 1 << 15
"""Pixels in a strip: some twenty float32 planes of it fit into a level-2 cache with room to spare."""

STRIPS_A_TASK = 8
"""Neighboring strips that share the horizontal interpolation of the chroma planes."""

_PLANES = 17
_KNEE = 0.0031308
"""Linear light up to which sRGB is a straight line."""

_RED, _GREEN, _BLUE = RGB_TO_XYZ[1].tolist()


@cache
def _decode_table(depth: Depth) -> Array:
    return luminance_table(depth).astype(np.float32)


@cache
def _compress_table(depth: Depth) -> Array:
    return compress(luminance_table(depth))


def _look_up(table: Array, index: Array) -> Array:
    # OpenCV's own LUT takes 16-bit indices only in newer versions.
    return cv2.LUT(index, table) if index.dtype == np.uint8 else np.take(table, index)


def _encode(light: Array, top: int, spare: Array) -> Array:
    """sRGB levels 0..top, float32, not rounded, of linear light 0..1; light is overwritten, spare returned."""
    # Below the knee the line, above it the power function, less what it is worth at the knee.
    cv2.threshold(light, _KNEE, 0, cv2.THRESH_TRUNC, dst=spare)
    cv2.addWeighted(light, 1, spare, -1, _KNEE, dst=light)
    # exp(log(x) / 2.4): OpenCV's pow is exact too, but half as fast.
    cv2.log(light, dst=light)
    cv2.addWeighted(light, 1 / 2.4, light, 0, 0, dst=light)
    cv2.exp(light, dst=light)
    cv2.addWeighted(light, 1.055 * top, spare, 12.92 * top, -1.055 * top * _KNEE ** (1 / 2.4), dst=spare)
    return spare


def _encode_8(light: Array, spare: Array) -> Array:
    """uint8 levels, rounded; light at least 0 to within the tolerance of `fit_gamut`."""
    return cv2.convertScaleAbs(_encode(light, 255, spare))


def _encode_16(light: Array, spare: Array) -> Array:
    """uint16 levels, rounded; light at least 0 to within the tolerance of `fit_gamut`."""
    levels = _encode(light, 65535, spare)
    # What a conversion to uint16 makes of values outside its range is undefined.
    cv2.addWeighted(levels, 1, levels, 0, 0.5, dst=levels)
    cv2.threshold(levels, 65535, 0, cv2.THRESH_TRUNC, dst=levels)
    cv2.threshold(levels, 0, 0, cv2.THRESH_TOZERO, dst=levels)
    return levels.astype(np.uint16)


class _Workspace(threading.local):
    """Planes of one thread, kept from strip to strip."""

    planes: Array | None = None

    def take(self, shape: tuple[int, int]) -> Array:
        size = _PLANES * shape[0] * shape[1]
        if self.planes is None or self.planes.size < size:
            self.planes = np.empty(size, np.float32)
        return self.planes[:size].reshape(_PLANES, *shape)


def _to_8(gray: Array) -> Array:
    return ((gray.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _recombine_strip(gray: Array, first: int, wide: WideRows, depth: Depth, rgb: Array, planes: Array) -> None:
    """Fill rgb (n, W, 3) with the rows of the picture that begin at `first`; gray: (n, W), these rows alone."""
    source = depth_of(gray)
    twice = (2 * gray.shape[0], gray.shape[1])
    fy, Y = planes[8:10], planes[10:12]
    fy[:] = _look_up(_compress_table(source), gray)
    Y[:] = _look_up(_decode_table(source), gray)
    fy, Y = fy.reshape(twice), Y.reshape(twice)
    difference = wide.chroma(first, fy, planes[:8])
    light = linear_rgb(fy, Y, difference, planes[12:17])
    fit_gamut(light, fy, Y, difference)
    if depth == 16:
        levels = _encode_16(light.reshape(-1, gray.shape[1]), planes[2:5].reshape(-1, gray.shape[1]))
        cv2.merge(list(levels.reshape(light.shape)), dst=rgb)
        return
    # Planes 0 and 1 hold the differences, needed no more: red and blue side by side, and green after them.
    R, G, B = light
    ends = planes[2:4]
    ends[0], ends[1] = R, B
    rounded = _encode_8(ends.reshape(twice), planes[4:6].reshape(twice)).reshape(ends.shape)
    red, blue = rounded
    decoded = cv2.LUT(rounded.reshape(twice), _decode_table(8)).reshape(ends.shape)
    cv2.addWeighted(decoded[0], -_RED / _GREEN, decoded[1], -_BLUE / _GREEN, 0, dst=G)
    cv2.scaleAdd(Y[: gray.shape[0]], 1 / _GREEN, G, dst=G)
    cv2.threshold(G, 0, 0, cv2.THRESH_TOZERO, dst=G)
    green = _encode_8(G, planes[4])
    if source == 16:
        # Between two 8-bit levels green would make up for the rounding of the others; neutral must stay neutral.
        neutral = ~planes[:2].any(axis=0)
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
    rows = max(1, strip_pixels // width)

    def work(first: int, last: int) -> None:
        wide = field.widened(first, last)
        for top in range(first, last, rows):
            bottom = min(top + rows, last)
            planes = workspace.take((bottom - top, width))
            _recombine_strip(np.ascontiguousarray(gray[top:bottom]), top, wide, depth, rgb[top:bottom], planes)

    _strips(height, rows * STRIPS_A_TASK, work, threads or min(4, os.cpu_count() or 1))
    return rgb
