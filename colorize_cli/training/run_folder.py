"""The folder of a training run: its description, training state, weights, figures and pictures.

::

    run/run.json           options, recipe, data and versions at the start
    run/last.pt            state to resume from; read with weights_only=True
    run/last.safetensors   weights of the newest validated epoch, run/best.safetensors those of the best one
    run/metrics.jsonl      one line per epoch
    run/strips/            gray | prediction | truth of the same photos, one picture per epoch
    run/curves.png         losses and PSNR over epochs
    run/tensorboard/       event files, if tensorboard is installed
    run/cache/             decoded photos; removed when the run is finished
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from colorize_cli.errors import OutputError, OutputExists, UsageProblem, WeightsInvalid
from colorize_cli.files import atomic_file, parse_json, write_text
from colorize_cli.training.record import check_record


class RunFolder:
    """Reads and writes the files of one run; every file is replaced atomically."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record = path / "run.json"
        self.state = path / "last.pt"
        self.last = path / "last.safetensors"
        self.best = path / "best.safetensors"
        self.metrics = path / "metrics.jsonl"
        self.strips = path / "strips"
        self.curves = path / "curves.png"
        self.cache = path / "cache"
        self.events = path / "tensorboard"

    def open(self, resume: bool) -> bool:
        """Create the folder, or use the existing one; returns whether there is a run to resume.

        Raises :class:`OutputExists` if the folder contains a run and ``resume`` is off, :class:`UsageProblem` if
        there is none to resume, :class:`OutputError` if the folder cannot be written.
        """
        if resume and not self.record.is_file():
            raise UsageProblem(f"There is no training run in '{self.path}'.", "Omit --resume to start one.")
        if not resume and self.path.exists() and (not self.path.is_dir() or self._occupied()):
            raise OutputExists(
                f"'{self.path}' exists and is not empty.", "Add --resume to continue that run, or choose another -o."
            )
        try:
            self.strips.mkdir(parents=True, exist_ok=True)
            self.cache.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"'{self.path}' cannot be created: {error.strerror}.", "Choose another -o.") from error
        return resume

    def _occupied(self) -> bool:
        # A cache without a record is left over from a run that stopped while reading photos.
        return any(entry.name not in ("cache", "strips") for entry in self.path.iterdir())

    def write_record(self, record: Mapping[str, Any]) -> None:
        """Write ``run.json``."""
        text = json.dumps(record, indent=2, sort_keys=True, default=str)
        write_text(self.record, text + "\n")

    def note_early_stop(self, stage: str, epoch: int, best: float | None) -> None:
        """Record in ``run.json`` that a stage ended early, after which epoch, and its best PSNR (dB)."""
        record = self.read_record()
        ends = [end for end in record.get("early_stopping", []) if end["epoch"] < epoch]
        self.write_record({**record, "early_stopping": [*ends, {"stage": stage, "epoch": epoch, "best_psnr": best}]})

    def read_record(self) -> dict[str, Any]:
        """Return ``run.json``; raises :class:`WeightsInvalid` if it is damaged."""
        try:
            record: dict[str, Any] = parse_json(self.record.read_text(encoding="utf-8"))
            check_record(record)
        except (OSError, ValueError) as error:
            raise WeightsInvalid(f"{self.record} is damaged ({error}).", "Start a new run with another -o.") from error
        return record

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Replace ``last.pt``; the old one stays until the new one is on disk."""
        with atomic_file(self.state, overwrite=True) as file:
            torch.save(dict(state), file)

    def load_state(self) -> dict[str, Any] | None:
        """Return the training state on the CPU, None if none has been saved yet.

        Raises :class:`WeightsInvalid` when it cannot be read, :class:`UsageProblem` when it was there and is gone.
        """
        if not self.state.is_file():
            # Figures without weights: the disk was full, or the run killed, before anything was kept.
            if weights := next((path for path in (self.best, self.last) if path.is_file()), None):
                raise UsageProblem(
                    f"'{self.state}' is missing, so that the run cannot go on where it stopped.",
                    f"Restore it, or start a new run from its weights: -o FOLDER --init {weights}.",
                )
            return None
        try:
            state: dict[str, Any] = torch.load(self.state, map_location="cpu", weights_only=True)
        except Exception as error:
            raise WeightsInvalid(
                f"{self.state} is damaged ({error}).", f"Start a new run with --init {self.best}."
            ) from error
        if not isinstance(state, dict) or not isinstance(state.get("position"), dict):
            raise WeightsInvalid(
                f"{self.state} is not the state of a training run.", f"Start a new run with --init {self.best}."
            )
        return state

    def add_metrics(self, row: Mapping[str, Any]) -> None:
        """Append a line to ``metrics.jsonl``."""
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def read_metrics(self) -> list[dict[str, Any]]:
        """Return the lines of ``metrics.jsonl``; one cut off by a crash is left out."""
        rows: list[dict[str, Any]] = []
        if self.metrics.is_file():
            for line in self.metrics.read_bytes().splitlines():
                with contextlib.suppress(ValueError):
                    row = parse_json(line)
                    if isinstance(row, dict) and isinstance(row.get("step"), int):
                        rows.append(row)
        return rows

    def forget_metrics_after(self, step: int) -> None:
        """Drop the lines written after the resumed state, and those of partial epochs: they will be written again."""
        rows = [row for row in self.read_metrics() if row["step"] <= step and not row.get("partial")]
        write_text(self.metrics, "".join(json.dumps(row) + "\n" for row in rows))

    def write_strip(self, epoch: int, strip: npt.NDArray[np.uint8]) -> None:
        """Write the pictures of an epoch, RGB (H, W, 3)."""
        with atomic_file(self.strips / f"epoch-{epoch:04d}.png", overwrite=True) as file:
            Image.fromarray(strip).save(file, "PNG")

    def remove_cache(self) -> None:
        """Delete the decoded photos: a finished run no longer needs them."""
        shutil.rmtree(self.cache, ignore_errors=True)


def curves_available() -> bool:
    """Whether matplotlib, the ``curves`` extra, is installed."""
    from importlib.util import find_spec

    return find_spec("matplotlib") is not None


def draw_curves(rows: Sequence[Mapping[str, Any]], target: Path) -> None:
    """Draw the lines of ``metrics.jsonl`` into a PNG: losses left, PSNR with the gray baseline right.

    Modelled on figures 5, 6, 9 and 10 of Brown et al.
    """
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
