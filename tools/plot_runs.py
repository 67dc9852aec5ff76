"""Plot figures of training runs over epochs into one PNG: one panel per figure, one color per run.

python tools/plot_runs.py paper=run/ light=other-run/ --show loss --show psnr --show accuracy -o docs/images/curves.png

A figure available for both training and validation photos is drawn twice, dashed for training. The folders of
tools/train_on_device.py have figures of training only, which are drawn over steps.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def read_rows(run: Path) -> list[dict[str, Any]]:
    """Return the lines of a run's ``metrics.jsonl``, or the like from the ``log.jsonl`` of tools/train_on_device.py."""
    file = run / "metrics.jsonl"
    on_device = not file.exists()
    rows = [json.loads(line) for line in (run / "log.jsonl" if on_device else file).read_text("utf-8").splitlines()]
    if not on_device:
        return rows
    return [{"epoch": row["step"], "losses": row, "validation": {}} for row in rows if "step" in row]


def plot_runs(
    runs: Annotated[list[str], typer.Argument(metavar="LABEL=FOLDER...", help="Runs of `colorize train`.")],
    show: Annotated[list[str], typer.Option(help="Names of figures in metrics.jsonl, such as loss or psnr.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The PNG to write.")],
) -> None:
    """Draw the panels."""
    found = {label: read_rows(Path(folder)) for label, _, folder in (run.partition("=") for run in runs)}
    figure = Figure(figsize=(4.6 * len(show), 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, name in zip(figure.subplots(1, len(show), squeeze=False)[0], show, strict=True):
        for number, (label, rows) in enumerate(found.items()):
            for part, style in (("losses", "--"), ("validation", "-")):
                points = [(row["epoch"], row[part][name]) for row in rows if name in row[part]]
                if points:
                    which = " (training)" if part == "losses" else ""
                    axes.plot(*zip(*points, strict=True), style, color=f"C{number}", label=label + which)
        rows = next(iter(found.values()))
        if name == "psnr":
            axes.axhline(rows[0]["validation"]["gray_psnr"], color="gray", linestyle=":", label="gray")
        axes.set(xlabel="epoch" if rows[0]["validation"] else "step", title=name)
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=100)
    print(output)


if __name__ == "__main__":
    typer.run(plot_runs)
