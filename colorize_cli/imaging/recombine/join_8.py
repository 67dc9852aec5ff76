"""Recombination at 8 bits: the chroma of every pixel as two codes, then its color from the table of all colors."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.imaging.color import lightness_table
from colorize_cli.imaging.recombine.color_table import COLOR_TABLE, WEBER, encode_chroma, expect_known, limit_chroma
from colorize_cli.imaging.recombine.stripwise import Workspace, in_strips
from colorize_cli.imaging.recombine.upsample import WideRows, chroma_field

Array = npt.NDArray[Any]

HALF_CHROMA_FROM = 1 << 20
"""Pixels from which the chroma of a picture has half resolution, as in most color JPEGs."""

_PLANES = 10
_LINE = 1024


def recombine_8(gray: Array, ab: Array, threads: int, strip_pixels: int) -> Array:
    """RGB, uint8 (H, W, 3), of gray uint8 (H, W) with chroma float32 (2, h, w), Lab units; see `recombine`."""
    halves = gray.size >= HALF_CHROMA_FROM and min(gray.shape) > 1
    codes = _chroma_codes(_halved(gray) if halves else gray, limit_chroma(ab), threads, strip_pixels)
    height, width = gray.shape
    rgb = np.empty((height, width, 3), np.uint8)
    colored, doubled = Workspace(), Workspace()
    # Strips overlap by two rows of half size: doubling the height saves more than it costs in cache misses.
    rows = min(height + height % 2, max(2, 2 * strip_pixels // width & ~1))
    nothing = np.zeros((rows, width), np.uint8)

    def work(top: int, bottom: int) -> None:
        shape = bottom - top, width, 4
        size = 4 * (bottom - top) * width
        # Maps must be less than 32,767 wide, so strips are reshaped to a fixed width.
        index, colors = colored.take(-(-size // (4 * _LINE)) * _LINE * 2).view(np.uint8).reshape(2, -1, _LINE, 4)
        a, b = _doubled(codes, top, bottom, width, doubled) if halves else codes[:, top:bottom]
        cv2.merge([gray[top:bottom], a, b, nothing[: bottom - top]], dst=index.reshape(-1)[:size].reshape(shape))
        COLOR_TABLE.look_up(index, colors)
        painted = colors.reshape(-1)[:size].reshape(shape)
        expect_known(painted)
        cv2.cvtColor(painted, cv2.COLOR_RGBA2RGB, dst=rgb[top:bottom])

    in_strips(height, rows, work, threads)
    return rgb


def _halved(gray: Array) -> Array:
    """Averages of 2 x 2 pixels: (H, W) -> (H/2, W/2), both rounded up."""
    height, width = gray.shape
    half = cv2.resize(gray[: height & ~1, : width & ~1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(half, 0, height & 1, 0, width & 1, cv2.BORDER_REPLICATE)


def _doubled(codes: Array, top: int, bottom: int, width: int, workspace: Workspace) -> list[Array]:
    """Rows top..bottom-1 (top even) of planes (2, h, w), uint8, interpolated to twice their size, cut to a width."""
    first, last = max(0, top // 2 - 1), min(codes.shape[1], (bottom + 1) // 2 + 1)
    shape = 2 * (last - first), 2 * codes.shape[2]
    wide = workspace.take(shape[0] * shape[1] // 2).view(np.uint8).reshape(2, *shape)
    for plane, out in zip(codes, wide, strict=True):
        cv2.resize(plane[first:last], shape[::-1], dst=out, interpolation=cv2.INTER_LINEAR)
    return [out[top - 2 * first : bottom - 2 * first, :width] for out in wide]


def _chroma_codes(guide: Array, ab: Array, threads: int, strip_pixels: int) -> Array:
    """Codes of a* and b*, uint8 (2, H, W), along edges of the guide uint8 (H, W); their colors are in the table."""
    height, width = guide.shape
    field = chroma_field(guide, ab).scaled(WEBER, WEBER, 1, 0)
    bounds = (encode_chroma(end, end.copy(), np.empty(end.shape, np.uint8)) for end in field.ranges())
    COLOR_TABLE.prepare(*(end.reshape(2, -1) for end in bounds))
    codes = np.empty((2, height, width), np.uint8)

    def paint(top: int, bottom: int, wide: WideRows, memory: Array) -> None:
        lightness = memory[8:]
        cv2.LUT(guide[top:bottom], lightness_table(8), dst=lightness[0])
        lightness[1] = lightness[0]
        chroma = wide.chroma(top, lightness.reshape(-1, width), memory[:8]).reshape(lightness.shape)
        encode_chroma(chroma, lightness, codes[:, top:bottom])

    field.in_strips(paint, _PLANES, strip_pixels, threads)
    return codes
