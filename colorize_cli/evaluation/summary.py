"""From rows to figures with 95 % intervals: means over photographs, and metrics of the whole set.

Intervals come from resampling photographs, seeded; one matrix product computes all resamples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from colorize_cli.evaluation.metrics.measure import METRICS, Metric
from colorize_cli.evaluation.metrics.pixelwise import rebalancing_weights, total_variation
from colorize_cli.evaluation.protocols import find_protocol
from colorize_cli.evaluation.results import Evaluation

Array = npt.NDArray[Any]

TRUTH = "truth"
RESAMPLES = 2000
_BLOCK = 250


class Interval(NamedTuple):
    """A figure with its 95 % percentile interval and the number of photographs it is based on."""

    value: float
    low: float
    high: float
    n: int


Summary = dict[str, dict[str, Interval]]


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


def ordered_metrics(evaluation: Evaluation) -> list[Metric]:
    """Return all metrics, the protocol's headline metrics first."""
    headline = find_protocol(evaluation.record["protocol"]["name"]).headline
    return sorted(METRICS, key=lambda m: headline.index(m.key) if m.key in headline else len(headline))


def summarize(evaluation: Evaluation, *, seed: int = 0) -> Summary:
    """Return the figures of every contender, and of the truth where defined (colorfulness).

    A photograph that failed for one contender is excluded for all. Intervals come from resampling photographs, the same
    resamples for every figure. Metrics without measurements are left out.
    """
    measured = evaluation.measured
    if not measured:
        return {}
    bootstrap = Bootstrap(len(measured), seed=seed)
    floor = find_protocol(evaluation.record["protocol"]["name"]).colorfulness_above
    true_histograms = np.stack([r.histogram for r in measured]).astype(np.float64)
    weights = rebalancing_weights(true_histograms.sum(axis=0))
    summary: Summary = {}
    for name in evaluation.contenders:
        figures: dict[str, Interval] = {}
        for metric in METRICS:
            if metric.of_set:
                continue
            values = evaluation.values(name, metric.key)
            if metric.key == "colorfulness":
                values = _above(values, floor)
            if np.isfinite(values).any():
                figures[metric.key] = bootstrap.mean(values)
        truth = _above(evaluation.values(name, "colorfulness_true"), floor)
        figures["delta_cf_means"] = _difference_of_means(
            bootstrap, _above(evaluation.values(name, "colorfulness"), floor), truth
        )
        saturations = evaluation.values(name, "saturation"), evaluation.values(name, "saturation_true")
        if np.nansum(saturations[1]) > 0:
            figures["saturation_difference_means"] = _difference_of_means(bootstrap, *saturations, relative=True)
        credits = np.stack([r.measurements[name].credit for r in measured]).astype(np.float64)
        figures["auc_rebalanced"] = bootstrap.ratio(credits @ weights, true_histograms @ weights)
        predicted = np.stack([r.measurements[name].histogram for r in measured]).astype(np.float64)
        figures["histogram_tv"] = _pooled_distance(bootstrap, true_histograms, predicted)
        for key, value in evaluation.record.get("set_figures", {}).get(name, {}).items():
            value, low, high, *_ = value if isinstance(value, Sequence) else (value, math.nan, math.nan)
            figures[key] = Interval(value, low, high, len(measured))
        summary[name] = figures
    first = evaluation.contenders[0]
    summary[TRUTH] = {
        "colorfulness": bootstrap.mean(_above(evaluation.values(first, "colorfulness_true"), floor)),
        "colorfulness_signed": bootstrap.mean(evaluation.values(first, "colorfulness_signed_true")),
    }
    return summary


def _above(values: Array, floor: float | None) -> Array:
    return values if floor is None else np.where(values > floor, values, np.nan)


def _difference_of_means(bootstrap: Bootstrap, predicted: Array, true: Array, *, relative: bool = False) -> Interval:
    """Return |mean(predicted) - mean(true)|, each mean over the photographs that have a value.

    ``relative``: as a share of mean(true).
    """
    columns = np.stack([np.nan_to_num(predicted), np.isfinite(predicted), np.nan_to_num(true), np.isfinite(true)], 1)

    def difference(sums: Array) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = sums[..., 2] / sums[..., 3]
            distance: Array = np.abs(sums[..., 0] / sums[..., 1] - mean)
            return distance / mean if relative else distance

    value = float(difference(columns.sum(axis=0)))
    return interval(value, difference(bootstrap.sums(columns)), int(columns[:, 1].sum()))


def _pooled_distance(bootstrap: Bootstrap, true: Array, predicted: Array) -> Interval:
    """Return the total variation between the ab histograms of the whole set, all photographs weighted equally."""
    value = float(total_variation(true.sum(axis=0), predicted.sum(axis=0)))
    replicates = total_variation(bootstrap.sums(true), bootstrap.sums(predicted))
    return interval(value, replicates, len(true))
