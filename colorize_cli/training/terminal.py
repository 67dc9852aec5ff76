"""A training run on the terminal: its progress, and Ctrl-C.

Progress is a bar with losses and time left on a terminal, lines elsewhere. After the first Ctrl-C the run finishes the
step, saves and stops; after a second one it stops at once.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Mapping
from types import FrameType, TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from colorize_cli.errors import printable

_LINE_EVERY = 30.0


class TrainingProgress:
    """Shows progress on stderr; ``quiet`` shows nothing but messages of :meth:`note`, if those."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False)
        self._live = self.console.is_terminal and not quiet
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=False),
            TextColumn("{task.fields[losses]}"),
            console=self.console,
            disable=not self._live,
            speed_estimate_period=120,
        )
        self._task: Any = None
        self._kind = ""
        self._began = self._spoken = time.monotonic()
        self._first = 0.0

    def __enter__(self) -> TrainingProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def note(self, text: str) -> None:
        """Show a message."""
        self.console.print(printable(text, lines=True), markup=False, soft_wrap=True)

    def reading(self, done: int, total: int) -> None:
        """Show how many photos have been read."""
        if done % 50 == 0 or done == total:
            self._show("reading", "reading photos", done, total, "")

    def step(self, where: str, done: float, total: float, losses: Mapping[str, float]) -> None:
        """Show how much of the run is done (in units of work) and the recent losses."""
        text = "  ".join(f"{name} {value:.4f}" for name, value in losses.items())
        self._show("training", where, done, total, text)

    def _show(self, kind: str, description: str, done: float, total: float, losses: str) -> None:
        now = time.monotonic()
        if kind != self._kind:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(description, total=total, losses="")
            self._kind, self._began, self._spoken, self._first = kind, now, now, done
        self._bar.update(self._task, description=description, completed=done, total=total, losses=losses)
        if not self._live and now - self._spoken >= _LINE_EVERY:
            self._spoken = now
            left = (total - done) * (now - self._began) / max(done - self._first, 1e-9)
            self.note(f"{description}: {100 * done / total:.0f} %, {left / 60:.0f} min left  {losses}")


class Interruption:
    """Context in which the first Ctrl-C (or termination request) only sets :attr:`requested`.

    ``patience``: seconds within which another signal counts as the same: ``torchrun`` forwards signals that
    the terminal has already sent to its processes. Outside the main thread, signals cannot be handled: nothing changes.
    """

    def __init__(self, patience: float = 0.0) -> None:
        self.requested = False
        self.patience = patience
        self._first = 0.0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) == signal.SIG_IGN:
                    continue  # under nohup
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            if time.monotonic() - self._first < self.patience:
                return
            raise KeyboardInterrupt
        self._first = time.monotonic()
        self.requested = True
        print("Stopping: saving after this step. Press Ctrl-C again to abort immediately.", file=sys.stderr, flush=True)
