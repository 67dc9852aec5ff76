"""Recombination at 8 bits: the chroma of every pixel as two codes, then its color from the table of all colors.

Both steps are one pass over the pixels each where the compiled loops of :mod:`.fused` are installed, and several passes
of NumPy and OpenCV where they are not. Both give the same bytes: whatever is rounded is rounded in the same places.
"""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.imaging.color import lightness_table
from colorize_cli.imaging.recombine import fused
from colorize_cli.imaging.recombine.color_table import (
    CODES_BY_INDEX,
    COLOR_TABLE,
    INDEX_OF_GRAY,
    INDEX_UNIT,
    all_known,
    encode_chroma,
    expect_known,
    limit_chroma,
)
from colorize_cli.imaging.recombine.stripwise import Workspace, in_strips
from colorize_cli.imaging.recombine.upsample import ChromaField, WideRows, chroma_field

Array = npt.NDArray[Any]

HALF_CHROMA_FROM = 1 << 20
"""Pixels of a picture from which its chroma has half their resolution, as in most color JPEGs."""

_PLANES = 10
_LINE = 1024
_CALL_PIXELS = 1 << 18
"""Pixels in a call of a compiled loop: the call itself costs nothing then, and threads still share a picture."""


def recombine_8(gray: Array, ab: Array, threads: int, strip_pixels: int) -> Array:
    """RGB, uint8 (H, W, 3), of gray uint8 (H, W) with chroma float32 (2, h, w), Lab units; see `recombine`."""
    halves = gray.size >= HALF_CHROMA_FROM and min(gray.shape) > 1
    guide = _halved(gray) if halves else gray
    field = chroma_field(guide, limit_chroma(ab)).scaled(INDEX_UNIT, INDEX_UNIT, 1, 0).shifted(*INDEX_OF_GRAY)
    lowest, highest = (encode_chroma(end, np.empty(end.shape, np.uint8)).reshape(2, -1) for end in field.ranges())
    COLOR_TABLE.prepare(lowest, highest, threads)
    loops = fused.LIBRARY
    if loops is not None:
        return _paint_fused(loops, gray, _codes_fused(loops, guide, field, threads), halves, threads)
    return _paint(gray, _codes(guide, field, threads, strip_pixels), halves, threads, strip_pixels)


def _halved(gray: Array) -> Array:
    """Every two by two pixels averaged: (H, W) -> (H/2, W/2), both rounded up."""
    height, width = gray.shape
    half = cv2.resize(gray[: height & ~1, : width & ~1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(half, 0, height & 1, 0, width & 1, cv2.BORDER_REPLICATE)


def _codes_fused(loops: fused.FusedLoops, guide: Array, field: ChromaField, threads: int) -> Array:
    """Codes of a* and b*, uint8 (2, H, W), along the edges of the guide uint8 (H, W), by the compiled loop."""
    height, width = guide.shape
    codes = np.empty((2, height, width), np.uint8)

    def work(top: int, bottom: int) -> None:
        wide = field.widened(top, bottom)
        cells, weights = wide.cells[top:bottom] - np.int32(wide.top), wide.weights[top:bottom]
        rows = codes[:, top:bottom]
        loops.codes(guide[top:bottom], lightness_table(8), wide.rows, cells, weights, CODES_BY_INDEX, rows)

    in_strips(height, max(1, _CALL_PIXELS // width), work, threads)
    return codes


def _paint_fused(loops: fused.FusedLoops, gray: Array, codes: Array, halves: bool, threads: int) -> Array:
    """RGB, uint8 (H, W, 3), of gray and codes, by the compiled loop."""
    rgb = np.empty((*gray.shape, 3), np.uint8)

    def work(top: int, bottom: int) -> None:
        expect_known(loops.paint(gray, top, bottom, codes, COLOR_TABLE.colors, rgb, halves=halves))

    in_strips(gray.shape[0], max(1, _CALL_PIXELS // gray.shape[1]), work, threads)
    return rgb


def _codes(guide: Array, field: ChromaField, threads: int, strip_pixels: int) -> Array:
    """Codes of a* and b*, uint8 (2, H, W), along the edges of the guide uint8 (H, W), by NumPy and OpenCV."""
    height, width = guide.shape
    codes = np.empty((2, height, width), np.uint8)

    def paint(top: int, bottom: int, wide: WideRows, memory: Array) -> None:
        lightness = memory[8:]
        cv2.LUT(guide[top:bottom], lightness_table(8), dst=lightness[0])
        lightness[1] = lightness[0]
        index = wide.chroma(top, lightness.reshape(-1, width), memory[:8]).reshape(lightness.shape)
        encode_chroma(index, codes[:, top:bottom])

    field.in_strips(paint, _PLANES, strip_pixels, threads)
    return codes


def _paint(gray: Array, codes: Array, halves: bool, threads: int, strip_pixels: int) -> Array:
    """RGB, uint8 (H, W, 3), of gray and codes, by OpenCV."""
    height, width = gray.shape
    rgb = np.empty((height, width, 3), np.uint8)
    colored, doubled = Workspace(), Workspace()
    # Strips overlap by two rows of half size: twice the height saves more there than the cache loses.
    rows = min(height + height % 2, max(2, 2 * strip_pixels // width & ~1))
    nothing = np.zeros((rows, width), np.uint8)

    def work(top: int, bottom: int) -> None:
        shape = bottom - top, width, 4
        size = 4 * (bottom - top) * width
        # Maps must be less than 32,767 wide: whatever the picture is, strips have the same width here.
        index, colors = colored.take(-(-size // (4 * _LINE)) * _LINE * 2).view(np.uint8).reshape(2, -1, _LINE, 4)
        a, b = _doubled(codes, top, bottom, width, doubled) if halves else codes[:, top:bottom]
        cv2.merge([gray[top:bottom], a, b, nothing[: bottom - top]], dst=index.reshape(-1)[:size].reshape(shape))
        COLOR_TABLE.look_up(index, colors)
        painted = colors.reshape(-1)[:size].reshape(shape)
        expect_known(all_known(painted))
        cv2.cvtColor(painted, cv2.COLOR_RGBA2RGB, dst=rgb[top:bottom])

    in_strips(height, rows, work, threads)
    return rgb


def _doubled(codes: Array, top: int, bottom: int, width: int, workspace: Workspace) -> list[Array]:
    """Rows top..bottom-1 (top even) of planes (2, h, w), uint8, interpolated to twice their size, cut to a width.

    In integers, (9 near + 3 beside + 3 above or below + far + 8) / 16: how OpenCV rounds depends on the processor.
    """
    _, height, columns = codes.shape
    pairs = (bottom - top + 1) // 2
    size = 2 * pairs * (columns + 2)
    sums, sides = workspace.take(size).view(np.uint16).reshape(2, 2 * pairs, columns + 2)
    near = codes[:, top // 2 : top // 2 + pairs]
    planes = []
    for plane, rows in zip(codes, near, strict=True):
        inner = sums[:, 1:-1]
        np.multiply(rows, np.uint16(3), out=inner[::2], dtype=np.uint16)
        inner[1::2] = inner[::2]
        above = np.maximum(np.arange(top // 2 - 1, top // 2 + pairs - 1), 0)
        below = np.minimum(np.arange(top // 2 + 1, top // 2 + pairs + 1), height - 1)
        np.add(inner[::2], plane[above], out=inner[::2])
        np.add(inner[1::2], plane[below], out=inner[1::2])
        sums[:, 0], sums[:, -1] = sums[:, 1], sums[:, -2]
        wide = sides[:, 1:-1]
        np.multiply(inner, np.uint16(3), out=wide)
        np.add(wide, np.uint16(8), out=wide)
        pixels = [cv2.convertScaleAbs(np.right_shift(wide + beside, 4)) for beside in (sums[:, :-2], sums[:, 2:])]
        both = cv2.merge(pixels).reshape(2 * pairs, 2 * columns)
        planes.append(both[: bottom - top, :width])
    return planes
