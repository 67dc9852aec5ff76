"""A summary as a terminal table, JSON, CSV or Markdown."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from colorize_cli import tables
from colorize_cli.evaluation.metrics.measure import Metric
from colorize_cli.evaluation.results import Evaluation
from colorize_cli.evaluation.summary import TRUTH, Interval, Summary, ordered_metrics

if TYPE_CHECKING:
    from rich.table import Table

HEADLINE = 6
"""Metrics shown on the terminal; exports and the report have all."""


def export(path: Path, evaluation: Evaluation, summary: Summary) -> None:
    """Write the summary in the format given by the file suffix; raises :class:`UsageProblem`, :class:`OutputError`."""
    tables.export(
        path,
        {
            ".json": lambda: as_json(evaluation, summary),
            ".csv": lambda: as_csv(evaluation, summary),
            ".md": lambda: as_markdown(evaluation, summary),
        },
        parents=True,
    )


def shown_metrics(evaluation: Evaluation, summary: Summary) -> list[Metric]:
    """Return the measured metrics, headline ones first."""
    return [m for m in ordered_metrics(evaluation) if any(m.key in figures for figures in summary.values())]


def cell(metric: Metric, figure: Interval | None, *, with_interval: bool = True) -> str:
    """Return a figure with its metric's digits and its interval in brackets; an empty string for None."""
    if figure is None or not math.isfinite(figure.value):
        return ""
    text = f"{figure.value:.{metric.digits}f}"
    if with_interval and math.isfinite(figure.low):
        text += f" [{figure.low:.{metric.digits}f}, {figure.high:.{metric.digits}f}]"
    return text


def heading(metric: Metric) -> str:
    """Return the title with unit and an arrow for the better direction."""
    arrow = {"higher": " ↑", "lower": " ↓", "none": ""}[metric.better]
    return f"{metric.title}{f' ({metric.unit})' if metric.unit else ''}{arrow}"


def columns(evaluation: Evaluation, summary: Summary) -> list[str]:
    """Return the names of the columns: the contenders, then the truth."""
    return [name for name in (*evaluation.contenders, TRUTH) if name in summary]


def as_rich(
    evaluation: Evaluation, summary: Summary, *, width: int | None = None, everything: bool = False
) -> list[Table]:
    """Return the summary as tables for the terminal: a row per metric, a column per contender.

    They have the first metrics of the protocol, all with ``everything``. Where whole intervals do not fit into
    ``width`` characters, half of each is shown behind a plus-minus sign, and contenders are split over several tables.
    """
    metrics = shown_metrics(evaluation, summary)[: None if everything else HEADLINE]
    names = columns(evaluation, summary)
    titles = [heading(metric) for metric in metrics]
    hidden = len(shown_metrics(evaluation, summary)) - len(metrics)
    whole = [[cell(metric, summary[name].get(metric.key)) for name in names] for metric in metrics]
    halved = [[_plus_minus(metric, summary[name].get(metric.key)) for name in names] for metric in metrics]
    groups = _groups(names, titles, cells := whole, width)
    if len(groups) > 1:
        groups = _groups(names, titles, cells := halved, width)
    drawn: list[Table] = []
    for number, group in enumerate(groups):
        rows = [[title, *row[group]] for title, row in zip(titles, cells, strict=True)]
        title = caption(evaluation, intervals="±" if cells is halved else "[ ]") if number == 0 else ""
        drawn.append(tables.rich_table(["", *names[group]], rows, title=title))
    if hidden and drawn:
        drawn[-1].caption = f"{hidden} more metrics: --all"
        drawn[-1].caption_justify = "left"
    return drawn


def _groups(
    names: Sequence[str], titles: Sequence[str], cells: Sequence[Sequence[str]], width: int | None
) -> list[slice]:
    """Return which contenders go into one table, so that none is wider than ``width``."""
    if width is None:
        return [slice(0, len(names))]
    first = max(map(len, titles), default=0) + 3
    wide = [max(map(len, column)) + 3 for column in zip(names, *cells, strict=True)]
    groups, start, used = [], 0, first
    for place, needed in enumerate(wide):
        if place > start and used + needed > width:
            groups.append(slice(start, place))
            start, used = place, first
        used += needed
    return [*groups, slice(start, len(names))]


def _plus_minus(metric: Metric, figure: Interval | None) -> str:
    """Return a figure with half the width of its interval: ``23.85 ±0.42``."""
    text = cell(metric, figure, with_interval=False)
    if figure is None or not text or not math.isfinite(figure.low):
        return text
    return f"{text} ±{(figure.high - figure.low) / 2:.{metric.digits}f}"


def caption(evaluation: Evaluation, *, intervals: str = "") -> str:
    """Return one line that says what the figures rest on; ``intervals``: the sign that stands for them."""
    record = evaluation.record
    failed = len(evaluation.failures)
    text = f"protocol {record['protocol']['name']} · {len(evaluation.measured)} photographs"
    text += f" ({failed} failed)" if failed else ""
    sign = f"{intervals} = " if intervals else ""
    return f"{text} · list {record['photos']['list_sha256'][:12]} · {sign}95 % bootstrap intervals"


def as_markdown(evaluation: Evaluation, summary: Summary) -> str:
    """Return the summary as a Markdown table, followed by the basis of the figures."""
    names = columns(evaluation, summary)
    rows = [
        [heading(metric), *(cell(metric, summary[name].get(metric.key)) for name in names)]
        for metric in shown_metrics(evaluation, summary)
    ]
    notes = [f"{caption(evaluation)}."]
    for contender in evaluation.record["contenders"]:
        if contender["kind"] == "model":
            notes.append(f"{contender['name']}: {contender['model']}, weights {contender['weights_sha256'][:12]}.")
    versions = evaluation.record["versions"]
    notes.append(", ".join(f"{name} {version}" for name, version in versions.items()) + ".")
    return f"{tables.markdown_text(['', *names], rows)}\n" + "  \n".join(map(tables.escaped, notes)) + "\n"


def as_csv(evaluation: Evaluation, summary: Summary) -> str:
    """Return the summary as CSV, one line per contender and metric, each with protocol and list hash."""
    names = ["contender", "metric", "value", "low", "high", "n", "protocol", "photos_sha256", "weights_sha256"]
    record = evaluation.record
    weights = {c["name"]: c.get("weights_sha256", "") for c in record["contenders"]}
    tail = [record["protocol"]["name"], record["photos"]["list_sha256"]]
    rows = []
    for name in columns(evaluation, summary):
        for key, figure in summary[name].items():
            values = [f"{v:.8g}" if math.isfinite(v) else "" for v in figure[:3]]
            rows.append([name, key, *values, figure.n, *tail, weights.get(name, "")])
    return tables.csv_text(names, rows)


def as_json(evaluation: Evaluation, summary: Summary) -> str:
    """Return record and summary as JSON; figures are objects with value, low, high and n."""
    document = {**evaluation.record, "summary": plain(summary)}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def plain(summary: Summary) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the summary in plain JSON types, NaN as null."""
    return {
        name: {key: dict(zip(Interval._fields, map(_or_none, figure), strict=True)) for key, figure in figures.items()}
        for name, figures in summary.items()
    }


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
