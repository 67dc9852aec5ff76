"""Agreement between raters, and the interval of a share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Level = Literal["nominal", "interval"]


def wilson(successes: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927), valid for few trials and for shares near 0 or 1."""
    if trials == 0:
        return math.nan, math.nan
    share = successes / trials
    scale = 1 + z**2 / trials
    middle = (share + z**2 / (2 * trials)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def fleiss_kappa(counts: Array) -> float:
    """Return Fleiss' kappa (1971) of counts (items, categories): how many raters chose each category for each item.

    Every item must have the same number of raters, two or more. 1 is perfect agreement, 0 is chance; NaN where
    all answers are in one category, or nothing can be compared.
    """
    raters = counts.sum(axis=1)
    if len(counts) == 0 or raters[0] < 2 or (raters != raters[0]).any():
        return math.nan
    n = float(raters[0])
    observed = float((((counts**2).sum(axis=1) - n) / (n * (n - 1))).mean())
    expected = float(((counts.sum(axis=0) / counts.sum()) ** 2).sum())
    return math.nan if expected == 1 else (observed - expected) / (1 - expected)


def krippendorff_alpha(units: Sequence[Sequence[float]], level: Level) -> float:
    """Return Krippendorff's alpha of the values given to each unit; raters may skip units.

    Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability": 1 - observed / expected disagreement, with the
    squared difference of values (``interval``) or 1 for different values (``nominal``). NaN where no unit has two
    values or all values are equal.
    """
    paired = [np.asarray(unit, np.float64) for unit in units if len(unit) > 1]
    if not paired:
        return math.nan
    everything = np.concatenate(paired)
    total = len(everything)

    def disagreement(values: Array) -> float:
        gaps = values[:, None] - values[None, :]
        return float((gaps**2).sum() if level == "interval" else (gaps != 0).sum())

    observed = sum(disagreement(unit) / (len(unit) - 1) for unit in paired) / total
    # Counted by value, not by answer: thousands of answers have few values.
    values, counts = np.unique(everything, return_counts=True)
    gaps = values[:, None] - values[None, :]
    delta = gaps**2 if level == "interval" else (gaps != 0).astype(np.float64)
    expected = float(counts @ delta @ counts) / (total * (total - 1))
    return math.nan if expected == 0 else 1 - observed / expected


def category_counts(units: Sequence[Sequence[str]], categories: Sequence[str]) -> Array:
    """Return counts (items, categories) of the answers to each unit."""
    place: Mapping[str, int] = {category: i for i, category in enumerate(categories)}
    counts = np.zeros((len(units), len(categories)))
    for row, unit in enumerate(units):
        for answer in unit:
            counts[row, place[answer]] += 1
    return counts
