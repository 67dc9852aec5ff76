"""Ctrl-C during training: finish the step, save, stop; a second Ctrl-C stops at once."""

from __future__ import annotations

import signal
import sys
import threading
import time
from types import FrameType, TracebackType
from typing import Any


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
