"""From rows to figures with 95 % intervals: means over photographs, and metrics of the whole set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from colorize_cli.evaluation.bootstrap import Bootstrap, Interval, interval
from colorize_cli.evaluation.metrics.measure import METRICS, Metric
from colorize_cli.evaluation.metrics.pixelwise import rebalancing_weights, total_variation
from colorize_cli.evaluation.protocols import find_protocol
from colorize_cli.evaluation.results import Evaluation

Array = npt.NDArray[Any]
Summary = dict[str, dict[str, Interval]]
TRUTH = "truth"


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
