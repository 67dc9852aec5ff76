"""The linear models of Zhou & Zhu 2024, 3.1: a pixel's a*b* from its eight neighbours, solved for all pixels at once.

25 inputs (L*, a*, b* of the eight neighbours, L* of the pixel), 2 outputs. Color hints make some
pixels of a picture known; the others are the unknowns of a sparse linear system, in which each depends on its
neighbours, known or not. The coefficients are buffers: they are not trained by gradient descent.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import block_array, coo_matrix, csr_matrix, identity
from torch import Tensor

from colorize_cli.imaging.affinity import EIGHT, biconjugate, spread
from colorize_cli.models.network import ColorizationNet

Array = npt.NDArray[Any]
Solver = Literal["guided", "paper"]

FEATURES = 25
PAPER_TILE = 100
"""Zhou & Zhu 3.1: 16 tiles of 100x100 pixels make a picture of 400x400."""
PAPER_ITERATIONS = 400
"""Steps of the biconjugate gradient method for the paper's system; the paper gives no number."""
SIGMA = 6.0
"""Difference in L* that color hardly spreads across; 4 to 12 were tested, see docs/lab/reproduction.md."""
LEAK = 1e-5
"""Smallest affinity of neighbours: regions without a hint take surrounding colors, and no system is singular."""


class LinearNeighbours(ColorizationNet):
    """Coefficients of a neighbour regression, and the linear system that colorizes with them.

    ``solver``: ``paper`` solves the regression's own equations in tiles of 100x100 pixels with a border of zeros, by
    the biconjugate gradient method alone (3.1). The paper does not say when that stops; this solver stops after
    :data:`PAPER_ITERATIONS` steps. If most pixels are unknown, the result depends on that number.

    ``guided``, the default, also works with few hints, where the paper's equations fail: the weights of a neighbourhood
    sum to slightly more than 1, so that the system is indefinite, and its solution oscillates if known pixels are far
    apart. The guided solver keeps the weights of the eight neighbours' same channel that are not negative, multiplies
    each by the pair's affinity in lightness, so that color stops at edges, and divides by their sum.
    """

    weight: Tensor
    intercept: Tensor

    def __init__(self, solver: Solver = "guided") -> None:
        super().__init__()
        self.iterations = PAPER_ITERATIONS if solver == "paper" else 0
        self.register_buffer("weight", torch.zeros(2, FEATURES, dtype=torch.float64))
        self.register_buffer("intercept", torch.zeros(2, dtype=torch.float64))

    def chroma(
        self,
        lightness: Tensor,
        hints: Tensor | None = None,
        mask: Tensor | None = None,
        paper_iterations: float | None = None,
    ) -> Tensor:
        """Predict a*b* (N, 2, H, W) in Lab units from L* (N, 1, H, W).

        ``hints``: a*b* (N, 2, H, W) in Lab units, used where ``mask`` (N, 1, H, W) is above 0. Without hints the
        guided solver predicts gray, and the paper's solver solves its equations with every pixel unknown.
        ``paper_iterations`` overrides ``solver``: above 0, that many steps of the paper's solver; 0, the guided one.
        """
        light = lightness.detach().cpu().double().numpy()[:, 0]
        count, height, width = light.shape
        ab = np.zeros((count, 2, height, width)) if hints is None else hints.detach().cpu().double().numpy()
        known = np.zeros((count, height, width), bool) if mask is None else mask.detach().cpu().numpy()[:, 0] > 0
        steps = self.iterations if paper_iterations is None else round(paper_iterations)
        paint = partial(self._paper, iterations=steps) if steps else self._guided
        painted = np.stack([paint(*one) for one in zip(light, ab, known, strict=True)])
        return torch.from_numpy(painted.astype(np.float32)).to(lightness.device)

    def own_choices(self) -> dict[str, float]:
        """Return the number of steps of the paper's solver, 0 for the guided one."""
        return {"paper_iterations": float(self.iterations)}

    def neighbour_weights(self) -> Array:
        """Return the guided solver's weights of the eight neighbours (8,): none negative, with a sum of 1, or all 0."""
        # The weights for a* and b* agree to the third digit, so both use one matrix.
        own = (self.weight[0, 8:16] + self.weight[1, 16:24]).cpu().numpy().clip(0)
        total = own.sum()
        return own / total if total > 0 else own

    def _guided(self, lightness: Array, ab: Array, known: Array) -> Array:
        return spread(lightness, ab, known, weights=self.neighbour_weights().tolist(), sigma=SIGMA, leak=LEAK)

    def _paper(self, lightness: Array, ab: Array, known: Array, iterations: int) -> Array:
        result = np.empty_like(ab)
        height, width = lightness.shape
        for top in range(0, height, PAPER_TILE):
            for left in range(0, width, PAPER_TILE):
                tile = slice(top, top + PAPER_TILE), slice(left, left + PAPER_TILE)
                result[:, *tile] = self._paper_tile(lightness[tile], ab[:, *tile], known[tile], iterations)
        return result

    def _paper_tile(self, lightness: Array, ab: Array, known: Array, iterations: int) -> Array:
        """Solve the regression's equations for the unknown pixels of one tile with a border of zeros."""
        weight, intercept = self.weight.cpu().numpy(), self.intercept.cpu().numpy()
        height, width = lightness.shape
        padded = np.pad(lightness, 1)
        around = np.stack([padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] for dy, dx in EIGHT])
        constant = np.tensordot(weight[:, :8], around, 1) + weight[:, 24, None, None] * lightness
        constant = (constant + intercept[:, None, None]).reshape(-1)
        system = _system(height, width, weight.tobytes())
        values, fixed = ab.reshape(-1).astype(np.float64), np.tile(known.reshape(-1), 2)
        free = ~fixed
        if free.any():
            rows = system[free]
            right = constant[free] - rows[:, fixed] @ values[fixed]
            values[free] = biconjugate(rows[:, free].tocsr(), right, iterations)
        return values.reshape(2, height, width)


@lru_cache(maxsize=4)
def _system(height: int, width: int, weight: bytes) -> csr_matrix:
    """Return I - W for a tile: rows and columns are a* of every pixel, then b* of every pixel."""
    coefficients = np.frombuffer(weight).reshape(2, FEATURES)
    pixels = height * width
    index = np.arange(pixels).reshape(height, width)
    shifts = []
    for dy, dx in EIGHT:
        here = index[max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)].ravel()
        there = here + dy * width + dx
        shifts.append(coo_matrix((np.ones(len(here)), (here, there)), (pixels, pixels)).tocsr())

    def block(row: int, channel: int) -> csr_matrix:
        return sum(c * s for c, s in zip(coefficients[row, 8 + 8 * channel : 16 + 8 * channel], shifts, strict=True))

    blocks = [[block(row, channel) for channel in (0, 1)] for row in (0, 1)]
    return csr_matrix(identity(2 * pixels) - block_array(blocks))
