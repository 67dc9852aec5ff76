"""One line of progress on a terminal, and plain lines now and then elsewhere."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from colorize_cli.errors import printable

if TYPE_CHECKING:
    from rich.table import Table

_BAR_FROM = 100
"""Columns of a terminal from which there is room for a bar."""
_PLAIN_SHARE, _PLAIN_SECONDS = 0.1, 60.0


def clock(seconds: float) -> str:
    """Return a duration as ``0:07``, ``12:30`` or ``3:05:00``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Progress:
    """How far a run is. ``now`` is the clock, in seconds.

    The rate is that of the whole run since its first photo began: photos that are predicted together end in bursts,
    and skipped ones take no time.
    """

    def __init__(self, total: int, unit: str, now: Callable[[], float] = time.monotonic, *, label: str = "") -> None:
        self.total, self.unit = total, unit
        self.label = f"{label} " if label else ""
        self.ended = self.skipped = self.failed = 0
        self.name = ""
        self._now = now
        self._started = now()
        self._first: float | None = None

    def begin(self, name: str) -> None:
        """Name what is worked on. Any thread may call."""
        self.name = printable(name)
        if self._first is None:
            self._first = self._now()

    def loading(self, text: str) -> None:
        """Say what happens before the first photo."""
        self.name = text

    def end(self, status: str = "done") -> None:
        """Count one that ended."""
        if self._first is None:
            self._first = self._started
        self.ended += 1
        self.skipped += status == "skipped"
        self.failed += status == "failed"

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._now() - self._started

    @property
    def rate(self) -> float | None:
        """Items per second that were worked on, None before the first has ended."""
        worked = self.ended - self.skipped
        seconds = self._now() - self._first if self._first is not None else 0.0
        return worked / seconds if worked and seconds > 0 else None

    def parts(self) -> list[str]:
        """Return the parts of the line: counts, rate, time so far and time left."""
        parts = [f"{self.label}{self.ended}/{self.total}"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        rate = self.rate
        if rate is not None:
            parts.append(f"{rate:.1f} {self.unit}/s" if rate >= 0.1 else f"{1 / rate:.0f} s per {self.unit[:-1]}")
        parts.append(clock(self.elapsed))
        if rate is not None and self.ended < self.total:
            parts.append(f"{clock((self.total - self.ended) / rate)} left")
        return parts


@contextmanager
def run_progress(total: int, unit: str, *, shown: bool, plain: bool = False, label: str = "") -> Iterator[Progress]:
    """Show the progress of a run on stderr and yield the object that counts.

    On a terminal it is one line at the bottom, with messages above it. Elsewhere there is none, or with ``plain`` a
    line for every tenth of the run, and for every minute.
    """
    progress = Progress(total, unit, label=label)
    if shown and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _live_line(progress):
            yield progress
    elif shown and plain and total > 1:
        yield PlainProgress(total, unit, label=label)
    else:
        yield progress


class PlainProgress(Progress):
    """Prints a line for every tenth of the run, and for every minute."""

    def __init__(self, total: int, unit: str, now: Callable[[], float] = time.monotonic, *, label: str = "") -> None:
        super().__init__(total, unit, now, label=label)
        self._printed, self._printed_at = 0, self.elapsed

    def end(self, status: str = "done") -> None:
        """Count, and print what is due."""
        super().end(status)
        due = self.ended - self._printed >= _PLAIN_SHARE * self.total
        if due or self.elapsed - self._printed_at >= _PLAIN_SECONDS:
            self._printed, self._printed_at = self.ended, self.elapsed
            count, *rest = self.parts()
            print(f"{count} {self.unit}, {', '.join(rest)}", file=sys.stderr, flush=True)


@contextmanager
def _live_line(progress: Progress) -> Iterator[None]:
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)
    with Live(
        console=console, get_renderable=lambda: _line(progress, console.width), refresh_per_second=4, transient=True,
        redirect_stdout=sys.stdout.isatty(),
    ):  # fmt: skip
        yield


def _line(progress: Progress, width: int) -> "Table":
    """Return the line, as wide as the terminal: a bar where there is room, the figures, and the photo's name."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2), expand=True)
    cells: list[Any] = []
    if width >= _BAR_FROM:
        table.add_column(width=30)
        cells.append(ProgressBar(max(1, progress.total), progress.ended, width=30))
    for part in progress.parts():
        table.add_column(no_wrap=True)
        cells.append(Text(part, style="red" if part.endswith("failed") else ""))
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    cells.append(Text(progress.name, style="dim"))
    table.add_row(*cells)
    return table
