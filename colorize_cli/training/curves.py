"""Training curves: one picture modelled on figures 5, 6, 9 and 10 of Brown et al., and TensorBoard event files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from colorize_cli.files import atomic_file


def curves_available() -> bool:
    """Whether matplotlib, the ``curves`` extra, is installed."""
    from importlib.util import find_spec

    return find_spec("matplotlib") is not None


def draw_curves(rows: Sequence[Mapping[str, Any]], target: Path) -> None:
    """Draw the lines of ``metrics.jsonl`` into a PNG: losses left, PSNR with the gray baseline right."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4))
    FigureCanvasAgg(figure)
    losses, quality = figure.subplots(1, 2)
    names = sorted({name for row in rows for name in row["losses"]})
    for name in names:
        points = [(row["epoch"], row["losses"][name]) for row in rows if name in row["losses"]]
        losses.plot(*zip(*points, strict=True), marker=".", label=name)
    losses.set(xlabel="epoch", title="training losses", yscale="log")
    judged = [(row["epoch"], row["validation"]["loss"]) for row in rows if "loss" in row["validation"]]
    if judged:
        losses.plot(*zip(*judged, strict=True), "--", marker=".", color="black", label="loss on validation photos")
    epochs = [row["epoch"] for row in rows]
    quality.plot(epochs, [row["validation"]["psnr"] for row in rows], marker=".", label="prediction")
    quality.plot(epochs, [row["validation"]["gray_psnr"] for row in rows], "--", color="gray", label="gray")
    quality.set(xlabel="epoch", ylabel="dB", title="validation PSNR")
    for axes in (losses, quality):
        axes.legend(fontsize="small")
        axes.grid(alpha=0.3)
        for before, after in pairwise(rows):
            if before["stage"] != after["stage"]:
                axes.axvline((before["epoch"] + after["epoch"]) / 2, color="black", linewidth=0.5)
    figure.subplots_adjust(0.05, 0.12, 0.98, 0.92)
    with atomic_file(target, overwrite=True) as file:
        figure.savefig(file, format="png", dpi=110)


def tensorboard_available() -> bool:
    """Whether tensorboard, the extra of that name, is installed."""
    from importlib.util import find_spec

    return find_spec("tensorboard") is not None


def write_events(folder: Path, row: Mapping[str, Any], strip: npt.NDArray[np.uint8]) -> None:
    """Add a line of ``metrics.jsonl`` and its strip, uint8 RGB (H, W, 3), to the event files in ``folder``.

    A row with an earlier step than an existing one hides the later ones, as after resuming.
    """
    from torch.utils.tensorboard import SummaryWriter

    step = int(row["step"])
    with SummaryWriter(str(folder), purge_step=step) as writer:
        for group in ("losses", "validation"):
            for name, value in row[group].items():
                if isinstance(value, int | float):
                    writer.add_scalar(f"{group}/{name}", value, step)
        writer.add_scalar("learning rate", row["lr"], step)
        writer.add_image("gray, prediction, truth", strip, step, dataformats="HWC")
