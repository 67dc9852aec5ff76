"""Set-up of data worker processes."""

import os
import signal

import cv2


def quiet_worker(_: int) -> None:
    """Leave Ctrl-C to the main process, which saves and stops the workers, and keep OpenCV to one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A forked worker inherits the handler that lets the main process save first, but must end when told to.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    cv2.setNumThreads(0)


def default_workers() -> int:
    """Return the default number of worker processes: one per core, at most 8; the main process mostly waits."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(8, cores))
