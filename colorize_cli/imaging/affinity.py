"""Affinity of neighbouring pixels by lightness: color spreads where it is high and stops at edges.

The weighting function is that of Levin, Lischinski, Weiss, "Colorization using Optimization", SIGGRAPH 2004 (equation
2): exp(-dL^2 / 2 sigma^2). Scans and photographs spread an edge over several pixels, each step of which is small, so
the difference over three pixels counts as well.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

EIGHT = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""(row, column) offsets from a pixel to its eight neighbours, row by row."""

WIDE = 0.6
"""Share of the difference over three pixels that counts as the difference of the middle pair."""


def shifted(plane: Array, offset: tuple[int, int]) -> Array:
    """Return the plane (H, W) shifted so that each pixel holds the value at ``offset``; the border repeats."""
    height, width = plane.shape
    rows = np.clip(np.arange(height) + offset[0], 0, height - 1)
    columns = np.clip(np.arange(width) + offset[1], 0, width - 1)
    moved: Array = plane[rows[:, None], columns]
    return moved


def affinities(lightness: Array, sigma: float, offsets: Sequence[tuple[int, int]] = EIGHT) -> Array:
    """Return the affinity of each pixel with its neighbours: float64 (len(offsets), H, W), 0 to 1.

    ``lightness``: L* (H, W), 0..100. ``sigma``: difference in L* that counts as an edge. The measure is symmetric.
    Neighbours outside the picture have affinity 0.
    """
    light = lightness.astype(np.float64)
    result = np.empty((len(offsets), *light.shape))
    for place, (dy, dx) in enumerate(offsets):
        near = np.abs(shifted(light, (dy, dx)) - light)
        wide = np.abs(shifted(light, (2 * dy, 2 * dx)) - shifted(light, (-dy, -dx)))
        result[place] = np.exp(-0.5 * (np.maximum(near, WIDE * wide) / sigma) ** 2)
        result[place][~_within(light.shape, (dy, dx))] = 0
    return result


def _within(shape: tuple[int, ...], offset: tuple[int, int]) -> Array:
    rows = np.arange(shape[0]) + offset[0]
    columns = np.arange(shape[1]) + offset[1]
    valid: Array = ((rows >= 0) & (rows < shape[0]))[:, None] & ((columns >= 0) & (columns < shape[1]))
    return valid
