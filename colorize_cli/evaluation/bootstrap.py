"""95 % intervals by resampling photographs, seeded; one matrix product computes all resamples."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

RESAMPLES = 2000
_BLOCK = 250


class Interval(NamedTuple):
    """A figure with its 95 % percentile interval and the number of photographs it is based on."""

    value: float
    low: float
    high: float
    n: int


class Bootstrap:
    """Resamples of ``n`` photographs with replacement, the same for every figure.

    Sharing the resamples keeps comparisons of contenders paired.
    """

    def __init__(self, n: int, *, seed: int = 0, resamples: int = RESAMPLES) -> None:
        self.n = n
        rng = np.random.default_rng(seed)
        # How often each photograph occurs in each resample; the counts stay far below 256.
        blocks = [
            rng.multinomial(n, np.full(n, 1 / n), size=min(_BLOCK, resamples - start)).astype(np.uint8)
            for start in range(0, resamples, _BLOCK)
        ]
        self._counts = np.concatenate(blocks)

    def sums(self, values: Array) -> Array:
        """Return, float64 (resamples, K), the sums of values (n, K) over each resample."""
        blocks = [
            self._counts[start : start + _BLOCK].astype(np.float64) @ values
            for start in range(0, len(self._counts), _BLOCK)
        ]
        return np.concatenate(blocks)

    def ratio(self, numerator: Array, denominator: Array) -> Interval:
        """Return sum(numerator) / sum(denominator) over photographs, both (n,), with its interval."""
        total = denominator.sum()
        if total == 0:
            return Interval(float("nan"), float("nan"), float("nan"), 0)
        sums = self.sums(np.stack([numerator, denominator], axis=1))
        replicates = np.divide(sums[:, 0], sums[:, 1], out=np.full(len(sums), np.nan), where=sums[:, 1] != 0)
        return interval(float(numerator.sum() / total), replicates, int(np.count_nonzero(denominator)))

    def mean(self, values: Array) -> Interval:
        """Return the mean of values (n,) with its interval; photographs whose value is NaN are left out."""
        known = np.isfinite(values)
        return self.ratio(np.where(known, values, 0.0), known.astype(np.float64))


def interval(value: float, replicates: Array, n: int) -> Interval:
    """Return a figure with the 2.5 and 97.5 percentiles of its bootstrap replicates."""
    replicates = replicates[np.isfinite(replicates)]
    if not len(replicates):
        return Interval(value, float("nan"), float("nan"), n)
    low, high = np.percentile(replicates, [2.5, 97.5])
    return Interval(value, float(low), float(high), n)
