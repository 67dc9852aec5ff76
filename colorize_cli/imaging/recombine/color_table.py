"""Every 8-bit color that recombination can give, tabulated once a process: gray level and chroma to R, G and B.

An 8-bit scan has 256 lightness values, and chroma can be told apart in steps: about 32,000 of them, finer near gray as
the eye is there. What is costly (CIELAB, the gamut, sRGB, the green that keeps L*) is computed once for each color a
run comes across, by the exact formulas; colorizing a pixel is then one access to memory.
"""

import threading
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.imaging.color import RGB_TO_XYZ, luminance_table
from colorize_cli.imaging.recombine.gamut import chroma_limits, compress, fit_gamut, linear_rgb
from colorize_cli.imaging.recombine.levels import decode_table, encode_8
from colorize_cli.imaging.recombine.stripwise import in_strips

Array = npt.NDArray[Any]

WEBER = 0.045
"""By what share a unit of chroma counts for less with every unit of it: S_C = 1 + 0.045 C* of CIEDE2000."""

REACH = (100, 110)
"""Largest |a*| and |b*| that have a code: more than any color of sRGB has."""

STEPS = (63, 127)
"""Codes on either side of gray. OpenCV's maps are of signed 16 bits, and a* shares them with 8 bits of gray."""

_FACTORS = tuple(steps / float(np.log1p(WEBER * reach)) for steps, reach in zip(STEPS, REACH, strict=True))
_CODES = tuple(2 * steps + 1 for steps in STEPS)

INDEX_UNIT = 64
"""Indices of a code in a unit of a* or b*: a twelfth of the finest step at most."""

INDEX_OF_GRAY = tuple((reach + 1) * INDEX_UNIT + 0.5 for reach in REACH)
"""Index of a* and of b* that are 0, before it is cut to an integer: there is room for every chroma of `REACH`."""

USUAL = ((-10, 22), (-12, 30))
"""Lowest and highest a* and b* of the colors that are filled in before a photograph asks for them."""

_CELLS_AT_ONCE = 64

KNOWN = 1
"""Fourth byte of the colors that are filled in. Small, because colors move as float32, and must not be NaN there."""

_LEAST_KNOWN = np.array([0, 0, 0, KNOWN], np.uint8).view(np.uint32)[0]
_RED, _GREEN, _BLUE = RGB_TO_XYZ[1].tolist()


def limit_chroma(ab: Array) -> Array:
    """a*b* (2, h, w) scaled toward gray where a* or b* has no code: the hue stays."""
    excess = np.maximum(np.abs(ab[0]) / REACH[0], np.abs(ab[1]) / REACH[1])
    return (ab / np.maximum(excess, 1)).astype(np.float32)


def _codes_by_index(axis: int) -> Array:
    zero = int(INDEX_OF_GRAY[axis])
    chroma = np.arange(-zero, zero + 1) / INDEX_UNIT
    distance = np.copysign(np.log1p(WEBER * np.abs(chroma)), chroma) * _FACTORS[axis]
    return np.clip(np.rint(distance + STEPS[axis]), 0, _CODES[axis] - 1).astype(np.uint8)


CODES_BY_INDEX = [_codes_by_index(axis) for axis in range(2)]
"""Codes of a* and of b*, uint8, in even steps of what the eye tells apart, by their index; gray is exactly `STEPS`."""


def encode_chroma(index: Array, out: Array) -> Array:
    """Codes of a* and b*, uint8 (2, n, W), of their indices, float32 (2, n, W); written to and returned as out."""
    whole = index.astype(np.uint16)
    for axis in range(2):
        np.take(CODES_BY_INDEX[axis], whole[axis], out=out[axis], mode="clip")
    return out


def decode_chroma(codes: Array, axis: int) -> Array:
    """a* (axis 0) or b* (axis 1), float32, Lab units, that a code stands for."""
    distance = (np.asarray(codes, np.float32) - STEPS[axis]) / _FACTORS[axis]
    return np.copysign(np.expm1(np.abs(distance)) / WEBER, distance).astype(np.float32)


class ColorTable:
    """RGB of gray level, code of a* and code of b*; filled in as far as `prepare` was asked for. Threads may share it.

    Every color has the L* of its gray level, to the rounding of one channel, and is gray itself without chroma.
    """

    def __init__(self) -> None:
        # Rows for b*, in each 256 gray levels after another for every a*. Untouched pages cost no memory.
        self._colors = np.zeros((_CODES[1], _CODES[0] * 256, 4), np.uint8)
        self._known, self._begun = np.zeros((2, _CODES[1], _CODES[0]), np.bool_)
        self._changing = threading.Condition()

    def prepare(self, lowest: Array, highest: Array, threads: int = 1) -> None:
        """Fill in all colors between pairs of codes, uint8 (2, n): a* and b* from lowest to highest, both included.

        What another thread is filling in meanwhile is waited for, not done twice.
        """
        corners = np.zeros((_CODES[1] + 1, _CODES[0] + 1), np.int32)
        # One more on every side: what lies between is computed in float32, and may round the other way.
        a, b = np.maximum(lowest.astype(np.intp) - 1, 0)
        a_end, b_end = (np.minimum(codes.astype(np.intp) + 2, end) for codes, end in zip(highest, _CODES, strict=True))
        for row, column, sign in ((b, a, 1), (b, a_end, -1), (b_end, a, -1), (b_end, a_end, 1)):
            np.add.at(corners, (row, column), sign)
        needed = corners.cumsum(0).cumsum(1)[:-1, :-1] > 0
        missing = np.flatnonzero(needed & ~self._known)
        if not len(missing):
            return
        chroma_limits()  # the threads would each compute them
        shares = min(threads, -(-len(missing) // _CELLS_AT_ONCE))
        in_strips(shares, 1, lambda *_: self._fill_all(missing), shares)

    def prepare_usual(self) -> None:
        """Fill in the colors within `USUAL`, some 2,500 steps of chroma: most of what most photographs need."""
        index = np.array(USUAL, np.float32)[:, None] * INDEX_UNIT + np.array(INDEX_OF_GRAY, np.float32)[:, None, None]
        codes = encode_chroma(index, np.empty(index.shape, np.uint8))
        self.prepare(codes[..., 0], codes[..., 1])

    def _fill_all(self, missing: Array) -> None:
        """Fill in cells, as long as there are some that no other thread has begun, and wait for the others."""
        known, begun = self._known.reshape(-1), self._begun.reshape(-1)
        while True:
            with self._changing:
                cells = missing[~begun[missing]][:_CELLS_AT_ONCE]
                if not len(cells):
                    if known[missing].all():
                        return
                    self._changing.wait()
                    continue
                begun[cells] = True
            try:
                self._fill(cells)
            finally:
                with self._changing:
                    begun[cells] = known[cells]  # again to be done where it failed
                    self._changing.notify_all()

    def _fill(self, cells: Array) -> None:
        b_codes, a_codes = np.divmod(cells, _CODES[0])
        shape = len(cells), 256
        twice = (2 * shape[0], 256)
        fy = np.broadcast_to(compress(luminance_table(8)), twice).copy()
        Y = np.broadcast_to(decode_table(8), twice).copy()
        ends = [decode_chroma(a_codes, 0) / 500, decode_chroma(b_codes, 1) / -200]
        difference = np.repeat(np.concatenate(ends)[:, None], 256, axis=1)
        light = linear_rgb(fy, Y, difference, np.empty((5, *shape), np.float32))
        fit_gamut(light, fy, Y, difference)
        spare = np.empty(shape, np.float32)
        red, blue = (encode_8(light[channel], spare) for channel in (0, 2))
        # Green last, from red and blue as they were rounded: it carries most of the luminance.
        rest = Y[: shape[0]] - _RED * cv2.LUT(red, decode_table(8)) - _BLUE * cv2.LUT(blue, decode_table(8))
        green = encode_8(np.maximum(rest / _GREEN, 0, dtype=np.float32), spare)
        colors = self._colors.reshape(_CODES[1], _CODES[0], 256, 4)
        colors[b_codes, a_codes] = np.stack([red, green, blue, np.full(shape, KNOWN, np.uint8)], axis=-1)
        self._known[b_codes, a_codes] = True

    @property
    def colors(self) -> Array:
        """R, G, B and `KNOWN`, four zeros where not filled in: uint8 (b* codes, a* codes * 256, 4)."""
        return self._colors

    def look_up(self, index: Array, out: Array) -> None:
        """Fill out, uint8 (n, m, 4), with R, G, B and `KNOWN`, for (gray, a* code, b* code, 0), uint8 (n, m, 4).

        OpenCV takes n and m below 32,767 only. The rest is four zeros: see `all_known`.
        """
        # Read as two 16-bit numbers these four bytes are column and row of the table; a color moves as one number.
        source, map, result = self._colors.view(np.float32), index.view(np.int16), out.view(np.float32)
        no_fractions = np.empty(0)
        cv2.remap(source[..., 0], map, no_fractions, cv2.INTER_NEAREST, dst=result[..., 0])


def all_known(colors: Array) -> bool:
    """Whether all colors that were looked up, uint8 (..., 4), are in the table."""
    return bool(colors.view(np.uint32).min() >= _LEAST_KNOWN)


def expect_known(known: bool) -> None:
    """Raise RuntimeError unless the colors that were looked up are in the table: others would be black."""
    if not known:
        raise RuntimeError("Colors are missing in the table of all colors. This is a defect: please report it.")


# Made on import, which happens once: a cached function gives threads that come first together a table each.
COLOR_TABLE = ColorTable()
"""The one table of this process."""
