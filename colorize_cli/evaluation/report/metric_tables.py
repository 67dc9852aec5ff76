"""A summary as a table on the terminal, as JSON, CSV and Markdown."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from colorize_cli.errors import UsageProblem
from colorize_cli.evaluation.bootstrap import Interval
from colorize_cli.evaluation.metrics.measure import Metric
from colorize_cli.evaluation.results import Evaluation, write_text
from colorize_cli.evaluation.summary import TRUTH, Summary, ordered_metrics

if TYPE_CHECKING:
    from rich.table import Table

EXPORTS = (".json", ".csv", ".md")


def check_export(path: Path) -> None:
    """Raise :class:`UsageProblem` unless the file's ending names a format."""
    if path.suffix.lower() not in EXPORTS:
        raise UsageProblem(f"--export {path} has no known ending.", f"Endings: {', '.join(EXPORTS)}.")


def export(path: Path, evaluation: Evaluation, summary: Summary) -> None:
    """Write the summary in the format of the file's ending; raises :class:`UsageProblem`, :class:`OutputError`."""
    check_export(path)
    writers = {".json": as_json, ".csv": as_csv, ".md": as_markdown}
    write_text(path, writers[path.suffix.lower()](evaluation, summary))


def shown_metrics(evaluation: Evaluation, summary: Summary) -> list[Metric]:
    """Return the metrics that were measured, headline ones first."""
    return [m for m in ordered_metrics(evaluation) if any(m.key in figures for figures in summary.values())]


def cell(metric: Metric, figure: Interval | None, *, with_interval: bool = True) -> str:
    """Return a figure in its metric's digits, with its interval in brackets; an empty string for none."""
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


def as_rich(evaluation: Evaluation, summary: Summary) -> Table:
    """Return the summary as a table for the terminal: a row per metric, a column per contender."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(caption(evaluation)), title_justify="left", title_style="")
    table.add_column("")
    names = columns(evaluation, summary)
    for name in names:
        table.add_column(Text(name), justify="right")
    for metric in shown_metrics(evaluation, summary):
        cells = [_two_lines(cell(metric, summary[name].get(metric.key))) for name in names]
        table.add_row(Text(heading(metric)), *map(Text, cells))
    return table


def _two_lines(text: str) -> str:
    """Put the interval below its figure, so that several models fit side by side."""
    return text.replace(" [", "\n[")


def caption(evaluation: Evaluation) -> str:
    """Return one line that says what the figures rest on."""
    record = evaluation.record
    failed = len(evaluation.failures)
    text = f"protocol {record['protocol']['name']} · {len(evaluation.measured)} photographs"
    text += f" ({failed} failed)" if failed else ""
    return f"{text} · list {record['photos']['list_sha256'][:12]} · 95 % bootstrap intervals"


def as_markdown(evaluation: Evaluation, summary: Summary) -> str:
    """Return the summary as a Markdown table with what it rests on."""
    names = columns(evaluation, summary)
    lines = [f"| | {' | '.join(map(_escape, names))} |", f"|---|{'---:|' * len(names)}"]
    for metric in shown_metrics(evaluation, summary):
        cells = (cell(metric, summary[name].get(metric.key)) for name in names)
        lines.append(f"| {heading(metric)} | {' | '.join(cells)} |")
    notes = [f"{caption(evaluation)}."]
    for contender in evaluation.record["contenders"]:
        if contender["kind"] == "model":
            notes.append(f"{contender['name']}: {contender['model']}, weights {contender['weights_sha256'][:12]}.")
    versions = evaluation.record["versions"]
    notes.append(", ".join(f"{name} {version}" for name, version in versions.items()) + ".")
    return "\n".join(lines) + "\n\n" + "  \n".join(map(_escape, notes)) + "\n"


def _escape(text: str) -> str:
    return text.replace("|", "\\|")


def as_csv(evaluation: Evaluation, summary: Summary) -> str:
    """Return the summary as CSV, a line per contender and metric, with protocol and list hash in each."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["contender", "metric", "value", "low", "high", "n", "protocol", "photos_sha256", "weights_sha256"])
    record = evaluation.record
    weights = {c["name"]: c.get("weights_sha256", "") for c in record["contenders"]}
    tail = [record["protocol"]["name"], record["photos"]["list_sha256"]]
    for name in columns(evaluation, summary):
        for key, figure in summary[name].items():
            values = [f"{v:.8g}" if math.isfinite(v) else "" for v in figure[:3]]
            writer.writerow([name, key, *values, figure.n, *tail, weights.get(name, "")])
    return stream.getvalue()


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


def simple_table(titles: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "") -> Table:
    """Return a plain rich table, the first column left, the others right; cells are taken as text, not as markup."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title) if title else None, title_justify="left", title_style="")
    for i, name in enumerate(titles):
        table.add_column(Text(name), justify="left" if i == 0 else "right")
    for row in rows:
        table.add_row(*map(Text, row))
    return table
