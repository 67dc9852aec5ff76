"""Ctrl-C twice: the first lets what is in flight finish, the second aborts at once."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM") if hasattr(signal, name))


class Interrupt:
    """Whether the user asked to stop: ``stop`` is watched by the work, ``happened`` decides the exit code."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.happened = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle one signal."""
        if self.happened:
            raise KeyboardInterrupt
        self.happened = True
        self.stop.set()
        print("Stopping: finishing the photos in flight. Ctrl-C again aborts at once.", file=sys.stderr, flush=True)


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
        for number, handler in before.items():
            signal.signal(number, handler)
