"""Compare two results folders: paired differences on the photographs they share, and how often each wins."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from colorize_cli.errors import UsageProblem
from colorize_cli.evaluation.contenders import BASELINES
from colorize_cli.evaluation.metrics.measure import BY_KEY, METRICS
from colorize_cli.evaluation.report.metric_tables import HEADLINE
from colorize_cli.evaluation.results import Evaluation, PhotoResult
from colorize_cli.evaluation.summary import Bootstrap
from colorize_cli.tables import csv_text, markdown_text, rich_table

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Difference:
    """One metric of two contenders on the same photographs.

    ``a``, ``b``: means; ``difference``: b - a with its 95 % interval ``low``..``high``; ``wins_a``, ``wins_b``,
    ``ties``: photographs on which each is better, None for metrics without a better direction.
    """

    contender_a: str
    contender_b: str
    metric: str
    n: int
    a: float
    b: float
    difference: float
    low: float
    high: float
    wins_a: int | None
    wins_b: int | None
    ties: int | None


def pairs_to_compare(a: Evaluation, b: Evaluation) -> list[tuple[str, str]]:
    """Return the pairs of contenders of A and B: those with equal names, else the only model of each.

    Baselines are compared only with each other. Raises :class:`UsageProblem` when there are no pairs.
    """
    same = [(name, name) for name in a.contenders if name in b.contenders and name not in BASELINES]
    if same:
        return same
    models_a = [name for name in a.contenders if name not in BASELINES]
    models_b = [name for name in b.contenders if name not in BASELINES]
    if len(models_a) == 1 and models_b:
        return [(models_a[0], name) for name in models_b]
    if len(models_b) == 1 and models_a:
        return [(name, models_b[0]) for name in models_a]
    raise UsageProblem(
        f"No model in the first results ({', '.join(models_a) or 'none'}) has a counterpart in the second "
        f"({', '.join(models_b) or 'none'}).",
        "Compare folders that share a model's name, or one of which has a single model.",
    )


def compare(a: Evaluation, b: Evaluation, *, seed: int = 0) -> list[Difference]:
    """Return the paired differences of all per-photograph metrics; photographs are matched by file hash.

    Raises :class:`UsageProblem` for different protocols, or when the lists share no photograph.
    """
    protocols = a.record["protocol"]["name"], b.record["protocol"]["name"]
    if protocols[0] != protocols[1]:
        raise UsageProblem(
            f"The protocols differ: {protocols[0]} and {protocols[1]}.", "Evaluate both with the same --protocol."
        )
    of_b = {result.sha256: result for result in b.measured}
    shared = [(result, of_b[result.sha256]) for result in a.measured if result.sha256 in of_b]
    if not shared:
        raise UsageProblem("The two results have no photograph in common.", "Evaluate both on the same photographs.")
    bootstrap = Bootstrap(len(shared), seed=seed)
    differences = []
    for name_a, name_b in pairs_to_compare(a, b):
        for metric in METRICS:
            if metric.of_set:
                continue
            values_a = _values([left for left, _ in shared], name_a, metric.key)
            values_b = _values([right for _, right in shared], name_b, metric.key)
            if np.isfinite(values_a - values_b).any():
                differences.append(_difference(name_a, name_b, metric.key, values_a, values_b, bootstrap))
    return differences


def _values(results: list[PhotoResult], contender: str, key: str) -> Array:
    return np.array([result.measurements[contender].values.get(key, math.nan) for result in results])


def _difference(name_a: str, name_b: str, key: str, a: Array, b: Array, bootstrap: Bootstrap) -> Difference:
    gap = b - a
    known = np.isfinite(gap)
    figure = bootstrap.mean(gap)
    better = BY_KEY[key].better
    wins_a = wins_b = ties = None
    if better != "none":
        gain = gap[known] if better == "higher" else -gap[known]
        wins_b, wins_a = int((gain > 0).sum()), int((gain < 0).sum())
        ties = int(known.sum()) - wins_a - wins_b
    means = float(a[known].mean()), float(b[known].mean())
    return Difference(
        name_a, name_b, key, figure.n, *means, figure.value, figure.low, figure.high, wins_a, wins_b, ties
    )


def as_table(differences: list[Difference], *, everything: bool = False) -> Any:
    """Return the differences as a rich table: of each pair the first six metrics, all with ``everything``."""
    rows = []
    shown: Counter[tuple[str, str]] = Counter()
    for d in differences:
        pair = (d.contender_a, d.contender_b)
        shown[pair] += 1
        if shown[pair] > HEADLINE and not everything:
            continue
        metric = BY_KEY[d.metric]
        numbers = [f"{value:.{metric.digits}f}" for value in (d.a, d.b)]
        gap = f"{d.difference:+.{metric.digits}f} [{d.low:+.{metric.digits}f}, {d.high:+.{metric.digits}f}]"
        wins = "" if d.wins_a is None else f"{d.wins_a}:{d.wins_b}"
        rows.append([*pair, metric.title, *numbers, gap, wins])
    titles = ["A", "B", "metric", "mean A", "mean B", "B - A", "wins"]
    title = f"{differences[0].n} photographs in common · B - A with 95 % bootstrap interval · wins A:B"
    if len(shown) == 1:
        (first, second), title = next(iter(shown)), f"{title}\nA: {differences[0].contender_a}"
        title += f" · B: {second}" if second != first else " in both"
        rows, titles = [row[2:] for row in rows], titles[2:]
    table = rich_table(titles, rows, title=title)
    if not everything and max(shown.values()) > HEADLINE:
        table.caption, table.caption_justify = f"{max(shown.values()) - HEADLINE} more metrics: --all", "left"
    return table


def as_json(differences: list[Difference]) -> str:
    """Return the differences as a JSON list."""
    return json.dumps([asdict(d) for d in differences], indent=2) + "\n"


def as_csv(differences: list[Difference]) -> str:
    """Return the differences as CSV."""
    return csv_text(list(asdict(differences[0])), [list(asdict(difference).values()) for difference in differences])


def as_markdown(differences: list[Difference]) -> str:
    """Return the differences as a Markdown table."""
    rows = []
    for d in differences:
        metric = BY_KEY[d.metric]
        digits = metric.digits
        gap = f"{d.difference:+.{digits}f} [{d.low:+.{digits}f}, {d.high:+.{digits}f}]"
        wins = ["" if w is None else str(w) for w in (d.wins_a, d.wins_b)]
        cells = [d.contender_a, d.contender_b, metric.title, str(d.n), f"{d.a:.{digits}f}", f"{d.b:.{digits}f}", gap]
        rows.append([*cells, *wins])
    columns = ["A", "B", "metric", "n", "mean A", "mean B", "B - A", "wins A", "wins B"]
    return markdown_text(columns, rows, left=3)
