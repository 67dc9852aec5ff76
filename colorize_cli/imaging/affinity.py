"""Affinity of neighbouring pixels by lightness, and the sparse systems by which color spreads where it is high.

The weighting function is that of Levin, Lischinski, Weiss, "Colorization using Optimization", SIGGRAPH 2004 (equation
2): exp(-dL^2 / 2 sigma^2). Scans and photographs spread an edge over several pixels, each step of which is small, so
the difference over three pixels counts as well.

The systems are solved by the biconjugate gradient method in overlapping tiles, from coarse to fine. Zhou & Zhu 2024,
3.1, use it in independent tiles. In this module the surroundings of a tile are its real neighbours, tiles overlap, and
each starts from the solution at half the size, so that color from a few strokes reaches every corner. If the method
does not converge, a sparse factorization is used. SciPy is imported when a system is solved: it takes a tenth of the
start-up time, and few photographs have hints.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from scipy.sparse.linalg import LinearOperator


Array = npt.NDArray[Any]

EIGHT = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""(row, column) offsets from a pixel to its eight neighbours, row by row."""

WIDE = 0.6
"""Share of the difference over three pixels that counts as the difference of the middle pair."""

TILE = 96
"""Side of the square tile in pixels; it limits the memory for pictures of any size."""
OVERLAP = 16
"""Pixels by which a tile extends into its neighbours on every side."""
_TOLERANCE = 1e-5
_ITERATIONS = 400


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


def biconjugate(matrix: csr_matrix, right: Array, iterations: int) -> Array:
    """Return x (n,) after at most ``iterations`` steps of the biconjugate gradient method, starting at 0.

    It stops earlier if the residual falls to a hundred-thousandth of the right side (n,). If the method breaks down,
    the last finite x is returned. No preconditioner and no other method is used.
    """
    from scipy.sparse.linalg import bicg

    last = np.zeros(len(right))

    def keep(x: Array) -> None:
        if np.isfinite(x).all():
            last[:] = x

    bicg(matrix, right, rtol=_TOLERANCE, atol=0.0, maxiter=iterations, callback=keep)
    return last


def solve(matrix: csr_matrix, right: Array, guess: Array) -> tuple[Array, bool]:
    """Solve ``matrix`` x = ``right`` (n, k), starting at ``guess`` (n, k), by the biconjugate gradient method.

    With an incomplete LU factorization as preconditioner it needs a tenth of the steps. Returns x (n, k), and whether
    the method converged; if it did not, x comes from a sparse LU factorization.
    """
    from scipy.sparse.linalg import bicg, splu

    helper = _incomplete(matrix)
    columns = []
    for side, start in zip(right.T, guess.T, strict=True):
        x, info = bicg(matrix, side, x0=start, rtol=_TOLERANCE, atol=1e-6, maxiter=_ITERATIONS, M=helper)
        if info != 0 or not np.isfinite(x).all():
            return np.asarray(splu(matrix.tocsc()).solve(np.ascontiguousarray(right))), False
        columns.append(x)
    return np.stack(columns, 1), True


def _incomplete(matrix: csr_matrix) -> LinearOperator | None:
    from scipy.sparse.linalg import LinearOperator, spilu

    try:
        # In its natural order and without pivoting: diagonally dominant rows need neither, and it takes half the time.
        factors = spilu(matrix.tocsc(), drop_tol=1e-2, fill_factor=3, permc_spec="NATURAL", diag_pivot_thresh=0)
    except RuntimeError:  # exactly singular: the method runs without a preconditioner, or falls back
        return None
    return LinearOperator(matrix.shape, matvec=factors.solve, rmatvec=lambda x: factors.solve(x, "T"), dtype=np.float64)


def spread(
    lightness: Array,
    values: Array,
    mask: Array,
    *,
    weights: Sequence[float],
    sigma: float,
    leak: float,
    decay: float = 0.0,
) -> Array:
    """Return values for all pixels: known ones as given, each other one the weighted mean of its eight neighbours.

    ``lightness``: L* (H, W), 0..100. ``values``: float (C, H, W), used where ``mask`` (H, W) is above 0. ``weights``:
    of the eight neighbours, none below 0; each is multiplied by the pair's affinity in lightness (see
    :mod:`colorize_cli.imaging.affinity`; ``sigma``), at least ``leak``. ``decay``: weight of the value 0 in each mean,
    so that values fade over sqrt(sum of weights / (4 decay)) pixels. Results are between the smallest and the largest
    known value (and 0 with a decay). Returns float64 (C, H, W); zeros where nothing is known.
    """
    known = mask > 0
    if not known.any():
        return np.zeros(values.shape)
    height, width = known.shape
    if known.all():
        return values.astype(np.float64)
    start = _coarse(lightness, values, known, weights=weights, sigma=sigma, leak=leak, decay=decay)
    solution = np.where(known, values, start).astype(np.float64)
    links = np.maximum(affinities(lightness, sigma), leak) * np.asarray(weights, np.float64)[:, None, None]
    for place, (dy, dx) in enumerate(EIGHT):
        links[place][_edge(height, dy), :] = 0
        links[place][:, _edge(width, dx)] = 0
    for rows, columns in _tiles(height, width):
        _solve_tile(solution, links, known, rows, columns, decay)
    return solution


def _edge(length: int, step: int) -> slice:
    """Rows (or columns) whose neighbour at ``step`` is outside."""
    return slice(0, 0) if step == 0 else slice(0, 1) if step < 0 else slice(length - 1, length)


def _coarse(lightness: Array, values: Array, known: Array, **how: Any) -> Array:
    """Return the solution at half the size, enlarged: the starting point at full size."""
    height, width = known.shape
    if max(height, width) <= TILE:
        return np.zeros(values.shape)
    size = (max(1, (width + 1) // 2), max(1, (height + 1) // 2))
    share = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(lightness.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    means = [
        cv2.resize((plane * known).astype(np.float32), size, interpolation=cv2.INTER_AREA) / np.maximum(share, 1e-6)
        for plane in values
    ]
    # A pixel of twice the size fades four times as much.
    found = spread(small, np.stack(means), share, **{**how, "decay": 4 * how["decay"]})
    return np.stack([cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR) for plane in found])


def _tiles(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    def cuts(length: int) -> list[slice]:
        count = max(1, round(length / TILE))
        edges = [length * i // count for i in range(count + 1)]
        return [slice(max(0, a - OVERLAP), min(length, b + OVERLAP)) for a, b in pairwise(edges)]

    yield from ((rows, columns) for rows in cuts(height) for columns in cuts(width))


def _solve_tile(solution: Array, links: Array, known: Array, rows: slice, columns: slice, decay: float) -> None:
    """Solve for the unknown pixels of one tile, in place; pixels outside it are fixed."""
    from scipy.sparse import coo_matrix

    free = np.zeros(known.shape, bool)
    free[rows, columns] = ~known[rows, columns]
    unknown_rows, unknown_columns = np.nonzero(free[rows, columns])
    unknown_rows, unknown_columns = unknown_rows + rows.start, unknown_columns + columns.start
    count = len(unknown_rows)
    if not count:
        return
    number = np.full((rows.stop - rows.start, columns.stop - columns.start), -1)
    number[unknown_rows - rows.start, unknown_columns - columns.start] = np.arange(count)
    right = np.zeros((count, len(solution)))
    diagonal = np.full(count, decay)
    entries: list[tuple[Array, Array, Array]] = []
    for place, (dy, dx) in enumerate(EIGHT):
        link = links[place][unknown_rows, unknown_columns]
        diagonal += link
        used = np.flatnonzero(link)
        there, across = unknown_rows[used] + dy, unknown_columns[used] + dx
        is_free = free[there, across]
        fixed = ~is_free
        np.add.at(right, used[fixed], (link[used] * solution[:, there, across]).T[fixed])
        neighbour = number[there[is_free] - rows.start, across[is_free] - columns.start]
        entries.append((used[is_free], neighbour, -link[used[is_free]]))
    # Rows are divided by their diagonal: every unknown is a mean of its neighbours, even beside edges.
    scale = 1 / np.maximum(diagonal, 1e-300)
    row = np.concatenate([np.arange(count), *(e[0] for e in entries)])
    column = np.concatenate([np.arange(count), *(e[1] for e in entries)])
    data = np.concatenate([np.ones(count), *(e[2] * scale[e[0]] for e in entries)])
    matrix = coo_matrix((data, (row, column)), (count, count)).tocsr()
    guess = solution[:, unknown_rows, unknown_columns].T
    found, _ = solve(matrix, right * scale[:, None], guess)
    solution[:, unknown_rows, unknown_columns] = found.T
