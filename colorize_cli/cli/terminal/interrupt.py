"""Ctrl-C twice: the first lets what is in flight finish, the second aborts at once.

SIGTERM comes once, from a service manager or a batch system that kills soon: what is in flight then has a while.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

PATIENCE = 30.0
"""Seconds that photographs in flight have after SIGTERM."""
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM") if hasattr(signal, name))


class Interrupt:
    """Whether the user asked to stop: ``stop`` is watched by the work, ``happened`` decides the exit code."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.happened = False
        self._timer: threading.Timer | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle one signal."""
        if self.happened:
            raise KeyboardInterrupt
        self.happened = True
        self.stop.set()
        print(
            "Stopping: finishing the photos in progress. Press Ctrl-C again to abort at once.",
            file=sys.stderr,
            flush=True,
        )
        if number == getattr(signal, "SIGTERM", None):
            self._timer = threading.Timer(PATIENCE, _give_up)
            self._timer.daemon = True
            self._timer.start()

    def close(self) -> None:
        """The run has ended: nothing is waited for any more."""
        if self._timer is not None:
            self._timer.cancel()


def _give_up() -> None:
    """End the program whatever hangs. Results are whole or absent; rows of the report are written as they end."""
    print(f"Aborted: a photo did not end within {PATIENCE:g} seconds.", file=sys.stderr, flush=True)
    os._exit(130)


@contextmanager
def graceful_interrupt() -> Iterator[Interrupt]:
    """Handle SIGINT and SIGTERM that way inside the block; signals that are ignored (nohup) stay ignored."""
    interrupt = Interrupt()
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, interrupt)
    try:
        yield interrupt
    finally:
        interrupt.close()
        for number, handler in before.items():
            signal.signal(number, handler)
