"""Throughput as a picture: over batch size, and over the size of the photographs."""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from colorize_cli.benchmark.rows import Row
from colorize_cli.errors import LibraryMissing, UsageProblem
from colorize_cli.files import atomic_file


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
