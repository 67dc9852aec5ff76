"""Set-up of data worker processes, and how many of them the shared memory has room for."""

import contextlib
import os
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
from torch.utils.data import DataLoader, Dataset

from colorize_cli.errors import DeviceError

SHARED_MEMORY = Path("/dev/shm")
PREFETCHED = (4, 2, 1)
"""Batches that each worker prepares, the wanted number first."""
_USED_SHARE = 0.9


@contextlib.contextmanager
def loading(dataset: Dataset[Any], *, workers: int, prefetched: int, **options: Any) -> Iterator[Iterator[Any]]:
    """Give what a DataLoader with these ``options`` delivers; its worker processes, 0 for none, have ended afterwards.

    ``prefetched``: what each worker prepares. Without the end being asked for, workers whose iterator was not exhausted
    live until the program ends, and torch then reports them as killed.
    """
    with warnings.catch_warnings():
        # Whoever asks for more workers than cores gets them.
        warnings.filterwarnings("ignore", message="This DataLoader will create", category=UserWarning)
        stream = iter(
            DataLoader(
                dataset,
                num_workers=workers,
                worker_init_fn=quiet_worker,
                prefetch_factor=prefetched if workers else None,
                **options,
            )
        )
    try:
        yield stream
    finally:
        getattr(stream, "_shutdown_workers", lambda: None)()


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


def free_shared_memory() -> int | None:
    """Return the free bytes of the shared memory through which workers hand over batches, None where nobody knows."""
    try:
        status = os.statvfs(SHARED_MEMORY)
    except (OSError, AttributeError):
        return None
    return status.f_bavail * status.f_frsize


def workers_that_fit(
    wanted: int, batch_bytes: int, processes: int = 1, free: Callable[[], int | None] = free_shared_memory
) -> tuple[int, int]:
    """Return how many workers each of ``processes`` training processes may have, and the batches each of them prepares.

    A batch lies in shared memory from the worker that prepared it to the step that used it. Where that is too small,
    workers wait for good or are killed. Raises :class:`DeviceError` where not even one fits.
    """
    room = free()
    if not wanted or room is None:
        return wanted, PREFETCHED[0]
    # One batch is in use, and one is on its way to the device.
    batches = int(room * _USED_SHARE) // processes // max(1, batch_bytes) - 2
    for prepared in PREFETCHED:
        if wanted * prepared <= batches:
            return wanted, prepared
    fitting = batches // PREFETCHED[-1]
    if fitting < 1:
        raise DeviceError(
            f"The shared memory ({SHARED_MEMORY}) has {_mb(room)} free; one worker needs "
            f"{_mb(int((PREFETCHED[-1] + 2) * batch_bytes * processes / _USED_SHARE))}.",
            "Start the container with more (docker run --shm-size 1g), or use --workers 0 or a larger --accumulate.",
        )
    return fitting, PREFETCHED[-1]


def _mb(count: int) -> str:
    return f"{count / 1e6:.0f} MB"
