"""What a run says at its end: how many photos, how long, where the results are and how large, what was skipped."""

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from colorize_cli.cli.terminal.progress import clock

if TYPE_CHECKING:
    from colorize_cli.batch.colorize_options import ColorizeOptions
    from colorize_cli.batch.reports.outcome import Outcome, Report


def in_units(count: int) -> str:
    """Return a number of bytes as ``812 kB``, ``12.3 MB`` or ``4.1 GB``."""
    for unit, size in (("GB", 10**9), ("MB", 10**6)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{max(1, round(count / 1000))} kB" if count else "0 kB"


def names_of(outcome: "Outcome") -> list[Path]:
    """Return the results that one photo gave: itself, or its variants."""
    if outcome.status != "done" or outcome.target is None:
        return []
    return [outcome.target.with_name(name) for name in outcome.details.get("variants", [outcome.target.name])]


class RunSummary:
    """Adds up what a run has written and why photos were skipped."""

    def __init__(self, options: "ColorizeOptions") -> None:
        self._options = options
        self._bytes = 0
        self._folders: set[Path] = set()
        self._only: Path | None = None
        self._results = 0
        self._skipped: Counter[str] = Counter()
        self._guided: Counter[str] = Counter()

    def add(self, outcome: "Outcome") -> None:
        """Count one photo that ended."""
        if outcome.status == "skipped":
            self._skipped[_category(outcome.reason)] += 1
        if "reference" in outcome.details:
            self._guided[outcome.details["reference"]] += 1
        for path in names_of(outcome):
            self._results += 1
            self._only = path
            if len(self._folders) < 2:
                self._folders.add(path.parent)
            try:
                self._bytes += path.stat().st_size
            except OSError:  # moved away meanwhile
                continue

    def lines(self, report: "Report", elapsed: float, working: float) -> list[str]:
        """Return the summary; ``elapsed``, ``working``: seconds of the whole run, and of it without loading."""
        rate = f" ({report.done / working:.1f} photos/s)" if report.done > 1 and working > 0 else ""
        lines = [f"{_capital(report.summary())} in {clock(elapsed) if elapsed >= 60 else f'{elapsed:.1f} s'}{rate}."]
        if self._results:
            lines.append(f"Results: {self._place()} ({in_units(self._bytes)})")
        if self._guided:
            unused = self._guided["not used"]
            without = f", not for {unused} that show{'s' if unused == 1 else ''} other things" if unused else ""
            lines.append(f"Reference: used for {self._guided['used']} of {self._guided.total()}{without}")
        if self._skipped:
            lines.append("Skipped: " + ", ".join(f"{count} {why}" for why, count in self._skipped.most_common()))
        if line := report.not_read_line():
            lines.append(line)
        return lines

    def _place(self) -> str:
        if self._results == 1:
            return os.fspath(self._only or "")
        if self._options.output is not None:
            return self._options.output
        (folder, *more) = self._folders
        return "beside the photos" if more or folder == Path() else f"{folder}{os.sep}"


def _category(reason: str) -> str:
    """Return in a few words why a photo was skipped."""
    from colorize_cli.batch.reports.outcome import ALREADY_DONE, IN_COLOR

    if reason == ALREADY_DONE:
        return "already done"
    if reason == IN_COLOR:
        return "already in color (--force colorizes them)"
    if reason.startswith("It is "):
        return "results of colorize"
    return "left alone, as listed above"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
