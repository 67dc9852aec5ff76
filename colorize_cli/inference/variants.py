"""``--variants N``: other plausible colors for one photograph, and what the file of each of them records.

The colors are drawn from the distribution that a network predicts for each of its cells.

A photograph is divided into a few regions that the network sees alike. Each alternative pulls every region toward a
direction u of the ab plane, as weak evidence for another hue would: the distribution p of a cell becomes

    q_k ~ p_k exp(s <v, h(c_k)>),    h(c) = c / sqrt(|c|^2 + c0^2),

and its color moves by the difference of the means of q and p. h counts hue, and saturation only among pale colors. With
the agreement r = |E_p c| / E_p |c|, 1 where p knows the hue and 0 where it knows nothing about it, s falls as 1 - r^2,
and v is u without a share r of its component along E_p c: what is sure to be blue stays, and is not bleached by
evidence for red. What is sure to be gray stays as well, because p has no weight elsewhere. The chroma of the mean of q
is limited to halfway between |E_p c| and E_p |c|.

Regions that look alike are pulled alike (a Gaussian process over their centers); the alternatives of one photograph
are one pull turned by equal angles, so that no two are the same anywhere.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.entry import ModelEntry
from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.metadata.xmp import Provenance
from colorize_cli.inference.reference import without_match

Array = npt.NDArray[np.float32]

EVIDENCE = 4.0
"""Largest s; chosen by eye on old photographs."""
PALE = 12.0
"""c0, Lab units: colors of less chroma say little about hue."""
REGIONS = 6
SOFTNESS = 1.0
"""Blur of features and of the boundaries of regions, in cells."""
LIKENESS = 1.8
"""Length, in units of the features, over which regions are pulled alike."""
_FIRMNESS = 8.0
"""How fast membership of a region falls with squared distance, in units of the features."""
_COLOR, _SPREAD, _LIGHTNESS, _PLACE = 12.0, 24.0, 25.0, 3.0
"""What counts as one unit of the features: mean color and its spread in Lab units, L*, place in longer sides."""


def alternative_shifts(probabilities: Array, colors: Array, lightness: Array, count: int, seed: int) -> Array:
    """Return how ``count`` alternatives differ from the color given: a*b* float32 (count, 2, h, w), Lab units.

    ``probabilities``: (K, h, w), summing to 1 over the colors (K, 2), a*b* in Lab units; ``lightness``: L* (h, w) in
    0..100. The same for the same ``seed``.
    """
    mean = np.tensordot(colors.T, probabilities, 1)
    chroma = np.linalg.norm(mean, axis=0)
    expected = np.tensordot(np.linalg.norm(colors, axis=1), probabilities, 1)
    agreement = chroma / np.maximum(expected, 1e-6)
    along = mean / np.maximum(chroma, 1e-6)
    evidence = EVIDENCE * (1 - agreement**2) * expected**2 / (expected**2 + PALE**2)
    limit = (chroma + expected) / 2
    hue = colors / np.sqrt((colors**2).sum(1, keepdims=True) + PALE**2)
    features = _features(mean, probabilities, colors, lightness)
    centers = _centers(features)
    membership = _membership(features, centers, lightness.shape)
    pulls = _pulls(centers, np.random.default_rng(seed))
    shifts = np.empty((count, 2, *lightness.shape), np.float32)
    for number in range(count):
        direction = np.tensordot(_turned(pulls, 2 * np.pi * number / count).T, membership, 1)
        direction -= agreement * (direction * along).sum(0) * along
        tilted = probabilities * np.exp(evidence * np.tensordot(hue, direction, 1))
        pulled = np.tensordot(colors.T, tilted / tilted.sum(0), 1)
        shifts[number] = pulled * np.minimum(1, limit / np.maximum(np.linalg.norm(pulled, axis=0), 1e-6)) - mean
    return shifts


def _turned(vectors: Array, angle: float) -> Array:
    cosine, sine = np.cos(angle), np.sin(angle)
    return vectors @ np.array([[cosine, sine], [-sine, cosine]], np.float32)


def _features(mean: Array, probabilities: Array, colors: Array, lightness: Array) -> Array:
    """Return what cells are compared by, (h * w, 7): mean color, spread of it, lightness, and a little the place."""
    height, width = lightness.shape
    spread = np.sqrt(np.maximum(np.tensordot(colors.T**2, probabilities, 1) - mean**2, 0))
    place = np.mgrid[:height, :width] / (max(height, width) * _PLACE)
    planes = np.concatenate([mean / _COLOR, spread / _SPREAD, lightness[None] / _LIGHTNESS, place])
    return _blurred(planes.astype(np.float32)).reshape(len(planes), -1).T


def _centers(features: Array) -> Array:
    """Return the centers of regions, (R, F), by k-means from the points that lie farthest apart."""
    centers = [features.mean(0)]
    nearest = ((features - centers[0]) ** 2).sum(1)
    for _ in range(REGIONS - 1):
        centers.append(features[nearest.argmax()])
        nearest = np.minimum(nearest, ((features - centers[-1]) ** 2).sum(1))
    found = np.stack(centers)
    for _ in range(10):
        owner = _squared(features, found).argmin(1)
        for number in np.unique(owner):
            found[number] = features[owner == number].mean(0)
    return found


def _membership(features: Array, centers: Array, shape: tuple[int, ...]) -> Array:
    """Return how much cells belong to each region, (R, h, w), in 0..1; boundaries are soft."""
    distance = _squared(features, centers)
    weights = np.exp(-_FIRMNESS * (distance - distance.min(1, keepdims=True)))
    weights /= weights.sum(1, keepdims=True)
    planes = weights.T.reshape(len(centers), *shape).astype(np.float32)
    return _blurred(planes)


def _pulls(centers: Array, rng: np.random.Generator) -> Array:
    """Return a unit vector of the ab plane for each region, (R, 2), alike for regions that are."""
    covariance = np.exp(-_squared(centers, centers) / (2 * LIKENESS**2)) + 1e-3 * np.eye(len(centers))
    pulls = np.linalg.cholesky(covariance) @ rng.standard_normal((len(centers), 2))
    return (pulls / np.linalg.norm(pulls, axis=1, keepdims=True)).astype(np.float32)


def _blurred(planes: Array) -> Array:
    return np.stack([cv2.GaussianBlur(plane, (0, 0), SOFTNESS) for plane in planes])


def _squared(points: Array, others: Array) -> Array:
    return ((points[:, None] - others[None]) ** 2).sum(2)


_WHICH = "variant"


def recorded_variant(count: int | None, seed: int | None) -> dict[str, str]:
    """Return what the provenance of the first of ``count`` variants says about that; nothing where there is one."""
    return {} if count is None else {_WHICH: f"1 of {count}", "seed": str(seed or 0)}


def of_variant(provenance: Provenance, which: int | str) -> Provenance:
    """Return the provenance of variant ``which``, or of the ``"sheet"``, given that of the first."""
    if _WHICH not in provenance.parameters:
        return provenance
    _, _, count = provenance.parameters[_WHICH].partition(" ")
    return replace(provenance, parameters=provenance.parameters | {_WHICH: f"{which} {count}"})


def same_but_for_variant(one: Provenance | None, other: Provenance) -> bool:
    """Whether two files come from the same model, weights and options, whichever variants they are."""
    if one is None:
        return False
    first, second = of_variant(one, 1), of_variant(other, 1)
    return replace(first, parameters=without_match(first.parameters)) == second


def require_distribution(entry: ModelEntry, *, predicted: bool | None = None) -> None:
    """Raise :class:`UsageProblem` for a model that knows one color only.

    ``predicted``: whether the loaded network predicts a distribution, where that is known better than from the entry.
    """
    if entry.distribution if predicted is None else predicted:
        return
    from colorize_cli.registry import ENTRIES

    able = [f"-m {other.name}" for other in ENTRIES.values() if other.distribution]
    what = f"Model {entry.name!r}" if not entry.distribution else f"This architecture of {entry.name!r}"
    raise UsageProblem(
        f"{what} predicts a single color for each pixel, so it has no variants.",
        f"Use {', '.join(able)}.",
    )
