"""Plot figures of `colorize evaluate` against the number of training photographs, into one PNG.

python tools/plot_counts.py results/summary.json --show ab_mse --show colorfulness -o docs/images/methods.png

The numbers are the suffixes of the run folders: `-m unet=run-unet-71 -m unet=run-unet-286` make one line.
"""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import typer
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

Interval = dict[str, float]
GRAY = "gray"


def read_lines(summary: dict[str, dict[str, Interval]], metric: str) -> dict[str, list[tuple[int, Interval]]]:
    """Return for every model the numbers of photographs, ascending, and the figure for each.

    Raises :class:`typer.BadParameter` if no run folder ends with a number.
    """
    lines = defaultdict(list)
    for name, figures in summary.items():
        found = re.fullmatch(r"(.+):.*?(\d+)", name)
        if found:
            lines[found[1]].append((int(found[2]), figures[metric]))
    if not lines:
        raise typer.BadParameter("No run folder ends with a number of photographs.")
    return {model: sorted(points, key=lambda point: point[0]) for model, points in lines.items()}


def plot_counts(
    results: Annotated[Path, typer.Argument(help="summary.json of `colorize evaluate`.")],
    show: Annotated[list[str], typer.Option(help="Keys of metrics, such as ab_mse or psnr.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The PNG to write.")],
) -> None:
    """Draw one panel per metric, with 95 % intervals, and a table of the values."""
    summary = json.loads(results.read_text(encoding="utf-8"))["summary"]
    figure = Figure(figsize=(4.2 * len(show) + 1.4, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, metric in zip(figure.subplots(1, len(show), squeeze=False)[0], show, strict=True):
        ticks: set[int] = set()
        for shift, (model, points) in enumerate(read_lines(summary, metric).items()):
            counts = [count * 1.02**shift for count, _ in points]  # intervals beside each other
            ticks.update(count for count, _ in points)
            values = [interval["value"] for _, interval in points]
            reach = [
                [value - interval["low"] for value, (_, interval) in zip(values, points, strict=True)],
                [interval["high"] - value for value, (_, interval) in zip(values, points, strict=True)],
            ]
            axes.errorbar(counts, values, reach, marker=".", capsize=2, label=model)
            print(metric, model, *(f"{count}: {interval['value']:.2f}" for count, interval in points))
        axes.axhline(summary[GRAY][metric]["value"], color="gray", linestyle=":", label=GRAY)
        axes.set(xlabel="photographs trained on", title=metric, xscale="log")
        axes.set_xticks(sorted(ticks), [str(count) for count in sorted(ticks)])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right center", fontsize="small")
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=100)
    print(output)


if __name__ == "__main__":
    typer.run(plot_counts)
