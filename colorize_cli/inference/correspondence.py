"""Which places of two photographs show the same, by what an encoder of gray pictures says of them.

Every cell of an eighth of the working size is described by the encoder's features at 1/8 and at 1/16. The features of
the two photographs are centred and whitened together, so that what sets apart the places of this pair counts, whatever
the encoder, its number of channels and their scale; compare He et al. 2018, "Deep Exemplar-based Colorization", section
3.1, who match VGG features by cosine similarity in both directions.

A match is trusted as far as it holds in both directions, the neighbouring cells have their matches side by side, and
the best candidates agree on the color. Photographs that show different things have few such matches, and those are
scattered: that is how they are told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.imaging.geometry import Placement, resize, unfit
from colorize_cli.inference.hints import SoftHints

STRIDES = (8, 16)
"""Scales of the features that are compared, pixels of the working size per cell. An encoder may have one of them."""

Array = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Rules:
    """How matches are found and judged; see :func:`correspond`.

    ``shrinkage``: share of the mean variance that is added to each when features are whitened. ``temperature``: of the
    softmax over the cells of the reference, in units of cosine similarity. ``lightness``: difference in L* at which a
    candidate counts for exp(-1/2). ``spread``: disagreement of the candidates' colors, Lab units, that halves the
    confidence. ``near``: cells by which a match may miss on the way back, and by which the matches of neighbours may
    differ from neighbours.
    """

    shrinkage: float = 0.1
    temperature: float = 0.05
    lightness: float = 15.0
    spread: float = 8.0
    near: float = 1.5


@dataclass(frozen=True, eq=False)
class Cells:
    """What is known of each cell of a photograph.

    ``features``: float32 (C, rows, columns) for each scale, all at the resolution of the finest. ``lightness``: L*
    (rows, columns), 0..100.
    """

    features: tuple[Array, ...]
    lightness: Array

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.lightness.shape[0], self.lightness.shape[1]


@dataclass(frozen=True, eq=False)
class Correspondence:
    """What a color photograph says of the colors of another, cell by cell.

    ``hints``: the colors, the lightness of the places they come from, and how far each match is trusted. ``agreement``:
    0 to 1, the share of cells, in both photographs, whose matches hold in both directions and side by side; near 0 for
    photographs that show different things.
    """

    hints: SoftHints
    agreement: float


def cells_of(maps: Sequence[Array], placement: Placement, lightness: Array) -> Cells:
    """Describe the cells of a photograph.

    ``maps``: (C, h, w) of several scales, of the canvas of ``placement``, at least one of them at one of
    :data:`STRIDES`. ``lightness``: L* (H, W) of the photograph.
    """
    chosen = [m for m in maps if round(placement.canvas[0] / m.shape[1]) in STRIDES]
    inside = [unfit(m, placement) for m in chosen]
    rows, columns = inside[0].shape[1:]
    features = tuple(np.stack([_enlarged(plane, rows, columns) for plane in m]) for m in inside)
    return Cells(features, resize(lightness.astype(np.float32), rows, columns))


def correspond(target: Cells, reference: Cells, ab: Array, rules: Rules = Rules()) -> Correspondence:
    """Find for each cell of ``target`` the colors of the places of ``reference`` that show the same.

    ``ab``: float32 (rows, columns, 2) of the cells of the reference, Lab units.
    """
    similar = similarity(target, reference, rules.shrinkage)
    there, back = similar.argmax(1), similar.argmax(0)
    held = _held(there, back, target.shape, reference.shape, rules.near)
    held_back = _held(back, there, reference.shape, target.shape, rules.near)
    light, other = target.lightness.ravel(), reference.lightness.ravel()
    weights = np.exp((similar - similar.max(1, keepdims=True)) / rules.temperature)
    weights *= np.exp(-0.5 * ((light[:, None] - other[None]) / rules.lightness) ** 2) + 1e-6
    weights /= weights.sum(1, keepdims=True)
    colors = ab.reshape(-1, 2)
    mean = weights @ colors
    variance = np.maximum((weights @ colors**2).sum(1) - (mean**2).sum(1), 0)
    light_there = weights @ other
    sure = 1 / (1 + variance / rules.spread**2) * np.exp(-0.5 * ((light_there - light) / rules.lightness) ** 2)
    confidence = _smoothed(held) * sure.reshape(target.shape)
    rows, columns = target.shape
    hints = SoftHints(
        mean.reshape(rows, columns, 2).astype(np.float32),
        light_there.reshape(rows, columns).astype(np.float32),
        confidence.astype(np.float32),
    )
    return Correspondence(hints, float(min(held.mean(), held_back.mean())))


def similarity(target: Cells, reference: Cells, shrinkage: float) -> Array:
    """Return the mean cosine similarity over the scales: float32 (cells of the target, cells of the reference)."""
    total = np.zeros((target.lightness.size, reference.lightness.size), np.float32)
    for ours, theirs in zip(target.features, reference.features, strict=True):
        one, other = _whitened(ours.reshape(len(ours), -1).T, theirs.reshape(len(theirs), -1).T, shrinkage)
        total += one @ other.T
    return total / len(target.features)


def _whitened(one: Array, other: Array, shrinkage: float) -> tuple[Array, Array]:
    """Return two sets of vectors (n, C), centred and whitened together, of length 1."""
    both = np.concatenate([one, other]).astype(np.float32)
    both -= both.mean(0)
    values, axes = np.linalg.eigh(both.T @ both / len(both))
    both = both @ (axes / np.sqrt(np.maximum(values, 0) + shrinkage * max(float(values.mean()), 1e-12)))
    both /= np.linalg.norm(both, axis=1, keepdims=True) + 1e-6
    return both[: len(one)], both[len(one) :]


def _held(there: Array, back: Array, here: tuple[int, int], shape: tuple[int, int], near: float) -> Array:
    """Return for each cell how far its match holds: float32 (rows, columns), 0 to 1.

    ``there``: index of the match of each cell, ``back``: of the match of each cell of the other photograph. A match
    counts where the way back ends ``near`` the cell, by the share of the four neighbours whose matches are neighbours.
    """
    rows, columns = np.divmod(np.arange(len(there)), here[1])
    back_rows, back_columns = np.divmod(back[there], here[1])
    returned = (np.hypot(back_rows - rows, back_columns - columns) <= near).reshape(here)
    their_rows, their_columns = np.divmod(there, shape[1])
    moved = np.stack([their_rows - rows, their_columns - columns], -1).reshape(*here, 2).astype(np.float32)
    padded = np.pad(moved, ((1, 1), (1, 1), (0, 0)), constant_values=np.inf)
    together = np.zeros(here, np.float32)
    for row, column in ((0, 1), (2, 1), (1, 0), (1, 2)):
        neighbour = padded[row : row + here[0], column : column + here[1]]
        together += np.hypot(*(neighbour - moved).transpose(2, 0, 1)) <= near
    return np.where(returned, together / 4, 0).astype(np.float32)


def _smoothed(held: Array) -> Array:
    """Return trust that a few good neighbours carry over single cells that lack it."""
    return cv2.blur(held.astype(np.float32), (3, 3), borderType=cv2.BORDER_REPLICATE).astype(np.float32, copy=False)


def _enlarged(plane: Array, rows: int, columns: int) -> Array:
    if plane.shape == (rows, columns):
        return plane
    return np.asarray(cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_LINEAR), np.float32)
