"""Chroma from the resolution of a model to that of the scan, following the edges of the scan.

The local linear model of the guided filter (He, Sun, Tang, "Guided Image Filtering", ECCV 2010; He, Sun, "Fast Guided
Filter", arXiv:1505.00996), ab = A L* + B, with A fitted to the prediction in small windows, but with B such that the
prediction itself comes out where lightness has no more detail than it: full-size chroma is the interpolated
prediction plus A times what the interpolated lightness lacks. The guided filter's own B, a mean over windows, blurs
chroma: on photographs it lies further from the truth than plain interpolation, this one nearer by a tenth.

A and B have the resolution of the prediction. All that depends on the full size happens in strips of rows.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.imaging.color import lightness
from colorize_cli.imaging.geometry import resize
from colorize_cli.imaging.recombine.stripwise import Workspace, in_strips

Array = npt.NDArray[Any]

EDGE_LIGHTNESS = 6.0
"""Standard deviation of L* in a window at which chroma follows half of the edges: well above grain."""

PREDICTION_BLUR = 1.0
"""Standard deviation, in cells, by which predicted chroma is taken to be less sharp than its resolution."""

STRIPS_A_TASK = 8
"""Neighboring strips that share the horizontal interpolation of the chroma planes."""

_BORDER = cv2.BORDER_REPLICATE


def _box_mean(plane: Array) -> Array:
    return cv2.boxFilter(plane, -1, (3, 3), borderType=_BORDER)


def guided_slope(guide: Array, chroma: Array, epsilon: float) -> Array:
    """A of the local fit chroma = A guide + B in windows of 3 x 3, averaged over the windows a cell lies in.

    guide, chroma: float32 (h, w). epsilon: variance of the guide, in its units squared, that halves the slope.
    """
    # Moments about the mean: float32 has no digits to spare for E[xy] - E[x] E[y] of large values.
    guide, chroma = guide - guide.mean(), chroma - chroma.mean()
    guide_mean, chroma_mean = _box_mean(guide), _box_mean(chroma)
    variance = np.maximum(_box_mean(guide * guide) - guide_mean**2, 0)
    covariance = _box_mean(guide * chroma) - guide_mean * chroma_mean
    return _box_mean(covariance / (variance + epsilon))


@dataclass(frozen=True)
class ChromaField:
    """Chroma of a whole picture as interpolable planes; `widened` prepares some rows of it.

    planes: float32 (8, h, w): A of a*, A of b*, B of a*, B of b*, lowest a*, b*, highest a*, b* nearby.
    height, width: full size.
    """

    planes: Array
    height: int
    width: int

    def scaled(self, a_factor: float, b_factor: float, slope: float, offset: float) -> "ChromaField":
        """The field that takes guide x, where L* = slope x + offset, and gives a_factor a*, b_factor b*."""
        factors = np.array([a_factor, b_factor], np.float32)[:, None, None]
        A, B, lowest, highest = self.planes.reshape(4, 2, *self.planes.shape[1:])
        ends = np.stack([lowest * factors, highest * factors])
        planes = np.concatenate([A * factors * slope, (A * offset + B) * factors, ends.min(0), ends.max(0)])
        return ChromaField(planes.astype(np.float32), self.height, self.width)

    def shifted(self, a: float, b: float) -> "ChromaField":
        """The field whose chroma is larger by a and b."""
        A, *chroma = self.planes.reshape(4, 2, *self.planes.shape[1:])
        moved = [planes + np.array([a, b], np.float32)[:, None, None] for planes in chroma]
        return ChromaField(np.concatenate([A, *moved]), self.height, self.width)

    def ranges(self) -> tuple[Array, Array]:
        """Lowest and highest chroma that a pixel in each cell can get, float32 (2, h, w) each."""
        window = np.ones((3, 3), np.uint8)
        lowest = [cv2.erode(plane, window) for plane in self.planes[4:6]]
        return np.stack(lowest), np.stack([cv2.dilate(plane, window) for plane in self.planes[6:]])

    @cached_property
    def _rows(self) -> tuple[Array, Array]:
        """For every row of the picture the row of planes above its center, int32, and the weight, float32, of the one
        below that.
        """
        rows = self.planes.shape[1]
        position = np.clip((np.arange(self.height) + 0.5) * (rows / self.height) - 0.5, 0, rows - 1)
        cells = np.floor(position)
        return cells.astype(np.int32), (position - cells).astype(np.float32)

    def widened(self, first: int, last: int) -> "WideRows":
        """Planes at full width, float32 (rows of planes, 8, W), as far as the picture rows first..last-1 need them."""
        cells = self._rows[0]
        top, bottom = int(cells[first]), min(int(cells[last - 1]) + 2, self.planes.shape[1])
        near = np.ascontiguousarray(self.planes[:, top:bottom].transpose(1, 0, 2)).reshape(-1, self.planes.shape[2])
        wide = cv2.resize(near, (self.width, near.shape[0]), interpolation=cv2.INTER_LINEAR)
        return WideRows(wide.reshape(bottom - top, len(self.planes), self.width), top, *self._rows)

    def in_strips(
        self, paint: Callable[[int, int, "WideRows", Array], None], planes: int, strip_pixels: int, threads: int
    ) -> None:
        """Call paint(top, bottom, wide, memory) for strips of rows that cover the picture, on so many threads.

        ``wide`` has the rows of planes they need; ``memory``, float32 (planes, bottom - top, W), is the thread's own.
        """
        workspace = Workspace()
        rows = max(1, strip_pixels // self.width)

        def work(first: int, last: int) -> None:
            wide = self.widened(first, last)
            for top in range(first, last, rows):
                shape = planes, min(rows, last - top), self.width
                paint(top, top + shape[1], wide, workspace.take(math.prod(shape)).reshape(shape))

        in_strips(self.height, rows * STRIPS_A_TASK, work, threads)


@dataclass(frozen=True)
class WideRows:
    """Some rows of a `ChromaField` at full width.

    rows: float32 (n, 8, W). top: number of the first in the field. cells, weights: int32 and float32 (H,), for every
    row of the picture the row of the field above it, and the weight of the next.
    """

    rows: Array
    top: int
    cells: Array
    weights: Array

    @cached_property
    def _steps(self) -> Array:
        """Differences of neighboring rows: float32 (n - 1, 8, W)."""
        return self.rows[1:] - self.rows[:-1]

    def interpolate(self, first: int, out: Array) -> Array:
        """The planes, bilinear, for the picture rows that begin at `first`; written to and returned as out (8, n, W).

        Every row depends on its own position alone, so that strips of any height give the same values. Rounded after
        the product and after the sum, as in ``fused.c``: OpenCV's scaleAdd rounds once on some processors.
        """
        cells = (self.cells[first : first + out.shape[1]] - self.top).tolist()
        for row, cell in enumerate(cells):
            if cell < len(self._steps):
                np.multiply(self._steps[cell], self.weights[first + row], out=out[:, row])
                np.add(out[:, row], self.rows[cell], out=out[:, row])
            else:
                out[:, row] = self.rows[cell]
        return out

    def chroma(self, first: int, guide: Array, planes: Array) -> Array:
        """Chroma, float32 (2 n, W): a of n rows, then b, for the picture rows that begin at `first`.

        guide: float32 (2 n, W), the guide of these rows twice. planes: float32 (8, n, W), overwritten; the result
        lies in it.
        """
        slope, offset, lowest, highest = self.interpolate(first, planes).reshape(4, *guide.shape)
        cv2.multiply(slope, guide, dst=slope)
        cv2.add(slope, offset, dst=slope)
        # The linear fit may shoot past the chroma it was fitted to, as halos beside strong edges and on grain.
        cv2.max(slope, lowest, dst=slope)
        return cv2.min(slope, highest, dst=slope)


def chroma_field(gray: Array, ab: Array) -> ChromaField:
    """Prepare the edge-aware upsampling of ab (2, h, w) float32, Lab units, to the size of gray (H, W) uint8|uint16."""
    guide = lightness(resize(gray, *ab.shape[1:]))
    guide = cv2.GaussianBlur(guide, (0, 0), PREDICTION_BLUR, borderType=_BORDER)
    chroma = [np.ascontiguousarray(plane, np.float32) for plane in ab]
    A = [guided_slope(guide, plane, EDGE_LIGHTNESS**2) for plane in chroma]
    B = [plane - slope * guide for plane, slope in zip(chroma, A, strict=True)]
    window = np.ones((3, 3), np.uint8)
    lowest = [cv2.erode(plane, window) for plane in chroma]
    highest = [cv2.dilate(plane, window) for plane in chroma]
    return ChromaField(np.stack([*A, *B, *lowest, *highest]).astype(np.float32), *gray.shape)
