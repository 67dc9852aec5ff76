"""Benchmarks as tables, shown by rich on a terminal and written as Markdown, and as a picture."""

import importlib.util
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from colorize_cli.benchmark.machine import Machine
from colorize_cli.benchmark.measurements import STAGES, Row
from colorize_cli.errors import LibraryMissing, UsageProblem, printable
from colorize_cli.files import atomic_file
from colorize_cli.tables import escaped, markdown_text, rich_table

BUSY = 1.5
"""Load a core above which a table warns."""


@dataclass(frozen=True)
class Table:
    """A title, the names of the columns, rows of text, and remarks below.

    ``optional``: columns that a narrow terminal does not get, the least important first.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    def without(self, index: int) -> "Table":
        """Return the table without one of its columns."""
        return replace(
            self,
            columns=self.columns[:index] + self.columns[index + 1 :],
            rows=tuple(row[:index] + row[index + 1 :] for row in self.rows),
        )

    @property
    def width(self) -> int:
        """Characters of a line, with three between columns."""
        cells = zip(*(self.columns, *self.rows), strict=True)
        return sum(max(map(len, column)) + 3 for column in cells) - 1


IDENTITY = ("model", "device", "precision", "batch", "MP")
"""Columns that say what was measured: one value for all rows goes into the title where room is short."""


def fitted(table: Table, width: int) -> Table:
    """Return the table in at most ``width`` characters, as far as columns can be left out; remarks say which are."""
    for index in reversed(range(len(table.columns))):
        if not any(row[index] for row in table.rows):
            table = table.without(index)
    common: list[str] = []
    for name in reversed(IDENTITY):
        index = table.columns.index(name) if name in table.columns else -1
        values = {row[index] for row in table.rows} if index >= 0 else set()
        if table.width > width and len(values) == 1 and values != {""}:
            common.insert(0, f"{name} {values.pop()}")
            table = table.without(index)
    hidden: list[str] = []
    for name in table.optional:
        if table.width > width and name in table.columns:
            hidden.append(name)
            table = table.without(table.columns.index(name))
    remarks = table.remarks
    if hidden:
        remarks = (*remarks, f"Not shown in {width} columns: {', '.join(hidden)}; --export FILE has them.")
    title = f"{table.title} ({', '.join(common)})" if common else table.title
    return replace(table, title=title, remarks=remarks)


def _number(value: float | None, digits: int = 3) -> str:
    """Return a number to that many significant digits, without exponent; an empty string for None."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    shown = float(f"{value:.{digits}g}")
    return f"{shown:.0f}" if abs(shown) >= 10 ** (digits - 1) else f"{shown:g}"


def _ms(seconds: float | None) -> str:
    return _number(None if seconds is None else seconds * 1000)


def _what(row: Row) -> tuple[str, ...]:
    batch = "" if row.batch is None and row.asked_batch is None else str(row.batch or row.asked_batch)
    return row.model, row.device, row.precision, batch, _number(row.megapixels)


def speeds(rows: Sequence[Row], *, quick: bool) -> Table:
    """Return the table of loading, latency, throughput, memory and agreement, one line per row."""
    lines = []
    for row in rows:
        agreement = ""
        if row.delta_e_max is not None and row.delta_e_mean is not None:
            agreement = f"{_number(row.delta_e_mean, 2)} / {_number(row.delta_e_max, 2)}"
        told = [word for word in (_status(row), row.weights == "untrained" and "untrained") if word]
        figures = (
            _number(row.load_seconds), _number(row.first_photo_seconds), _ms(row.latency_p50), _ms(row.latency_p95),
            _number(row.photos_per_second), _number(row.speedup), _number(row.memory_mb), agreement,
        )  # fmt: skip
        lines.append((*_what(row), *figures, ", ".join(told)))
    titles = (
        "model", "device", "precision", "batch", "MP", "load s", "first photo s", "p50 ms", "p95 ms", "photos/s",
        "x CPU", "peak MB", "dE mean / max", "",
    )  # fmt: skip
    notes = dict.fromkeys(f"{row.model} on {row.device}, {row.precision}: {row.note}" for row in rows if row.note)
    remarks = [*dict.fromkeys(str(row.machine) for row in rows), *notes]
    remarks += _busy(row.machine for row in rows)
    if quick:
        remarks.append("Measured with --quick: too few samples for a figure to quote.")
    if any(row.weights == "untrained" for row in rows):
        remarks.append("untrained: random weights, for timing only.")
    optional = ("first photo s", "p95 ms", "load s", "peak MB", "dE mean / max")
    return Table("Prediction: one batch, fitted and predicted", titles, tuple(lines), tuple(remarks), optional)


def _busy(machines: Iterable[Machine]) -> list[str]:
    """Return a warning where other programs used the cores too, which makes every time longer."""
    shares = [(machine.load / machine.cores, machine) for machine in machines if machine.load is not None]
    most, machine = max(shares, key=lambda share: share[0], default=(0.0, None))
    if machine is None or most <= BUSY:
        return []
    return [f"Other programs were running (load {machine.load:.1f} on {machine.cores} cores): the times are too long."]


def _status(row: Row) -> str:
    return "" if row.status == "measured" else row.status


def stages(rows: Sequence[Row]) -> Table:
    """Return the table of milliseconds per photograph in each stage, and in all of them one after another."""
    lines = []
    for row in rows:
        if row.samples:
            seconds = row.stage_seconds
            cells = (*(_ms(seconds.get(stage)) for stage in STAGES), _ms(sum(seconds.values())))
            lines.append((*_what(row), *cells, _number(row.whole_per_second)))
    titles = ("model", "device", "precision", "batch", "MP", *STAGES, "sum", "photos/s")
    return Table("Stages: ms per photo, one after another", titles, tuple(lines), optional=("fit", "write", "read"))


def pipeline(figures: Mapping[str, Any]) -> Table:
    """Return the table of the batch engine against its limits."""
    rows = [
        ("a: decode and encode alone", figures["codec_seconds"], figures["codec_cpu_seconds"]),
        ("b: prediction alone", figures["predict_seconds"], figures["predict_cpu_seconds"]),
        ("c: the batch engine", figures["batch_seconds"], figures["batch_cpu_seconds"]),
    ]
    lines = [(name, _number(wall), _number(cpu), _number(figures["files"] / wall)) for name, wall, cpu in rows]
    limit = figures["limit"]
    lines.append((f"ratio {limit}", _number(figures["ratio"]), _number(figures["cpu_ratio"]), ""))
    inside = ", ".join(f"{stage} {_ms(figures[f'{stage}_seconds_a_photo'])}" for stage in ("predict", "recombine"))
    remarks = (
        f"{figures['files']:.0f} photos, {_number(figures['megapixels'])} megapixels; medians of "
        f"{len(figures['rounds'])} round(s); {figures['workers']} workers; {figures['model']} "
        f"({figures['weights']}) on {figures['device']}, {figures['precision']}.",
        f"Inside c, ms per photo of one thread: {inside}.",
        "Core seconds exclude other programs.",
        figures["machine_line"],
    )
    return Table("Pipeline", ("", "wall s", "core s", "photos/s"), tuple(lines), remarks)


def as_markdown(table: Table) -> str:
    """Return a table as Markdown, its remarks below."""
    remarks = "\n".join(f"{escaped(remark)}  " for remark in table.remarks)
    return f"### {table.title}\n\n{markdown_text(table.columns, table.rows)}\n{remarks}\n"


def as_text(table: Table, width: int | None) -> str:
    """Return a table for a terminal of this width; None for as wide as it needs."""
    from rich.console import Console
    from rich.text import Text

    table = table if width is None else fitted(table, width)
    stream = io.StringIO()
    console = Console(file=stream, width=width or 400, color_system=None)
    console.print(rich_table(table.columns, table.rows, title=table.title, no_wrap=width is None))
    for remark in table.remarks:
        console.print(Text(printable(remark)), soft_wrap=width is None)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def require_matplotlib() -> None:
    """Raise :class:`LibraryMissing` where matplotlib is not installed."""
    if importlib.util.find_spec("matplotlib") is None:
        raise LibraryMissing("--plot needs matplotlib.", "`pip install matplotlib`.")


def plot(path: Path, rows: Sequence[Row]) -> None:
    """Write a PNG of the measured rows: photographs a second over batch (prediction) and over megapixels (all stages).

    Raises :class:`UsageProblem` where nothing was measured, :class:`LibraryMissing` without matplotlib,
    :class:`OutputError`.
    """
    measured = [row for row in rows if row.samples]
    if not measured:
        raise UsageProblem("Nothing was measured, so there is nothing to plot.", "Choose a device of this machine.")
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    small, single = min(r.megapixels or 0 for r in measured), min(r.batch or 0 for r in measured)
    _lines(left, [r for r in measured if r.megapixels == small], lambda r: r.batch, lambda r: r.photos_per_second)
    left.set(xlabel="batch", ylabel="photos/s", title=f"Prediction, photographs of {small:g} megapixels")
    _lines(right, [r for r in measured if r.batch == single], lambda r: r.megapixels, lambda r: r.whole_per_second)
    right.set(xlabel="megapixels", ylabel="photos/s", title=f"All stages one after another, batch {single}")
    figure.suptitle(str(measured[0].machine), fontsize=7)
    with atomic_file(path, overwrite=True) as file:
        figure.savefig(file, dpi=120, format="png")


def _lines(axes: Any, rows: Sequence[Row], x: Callable[[Row], Any], y: Callable[[Row], Any]) -> None:
    """Draw a line for every model, device and precision; both axes logarithmic, ticks where something was measured."""
    from matplotlib.ticker import LogLocator

    names = dict.fromkeys((row.model, row.device, row.precision) for row in rows)
    for name in names:
        points = sorted((x(row), y(row)) for row in rows if (row.model, row.device, row.precision) == name)
        axes.plot(*zip(*points, strict=True), marker="o", label=", ".join(name))
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    ticks = sorted({x(row) for row in rows})
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    values = sorted(y(row) for row in rows)
    axes.set_ylim(values[0] / 1.5, values[-1] * 1.5)
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 5.0, 7.0)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
