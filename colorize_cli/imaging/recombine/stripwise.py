"""Process strips of rows in several threads, with reusable memory per thread."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Workspace(threading.local):
    """Memory of one thread, reused from strip to strip."""

    _memory: Array | None = None

    def take(self, size: int) -> Array:
        """Return float32 (size,): zeros, or the values of an earlier strip."""
        if self._memory is None or self._memory.size < size:
            self._memory = np.zeros(size, np.float32)
        return self._memory[:size]


def in_strips(height: int, rows: int, work: Callable[[int, int], None], threads: int) -> None:
    """Call work(top, bottom) for strips of the given number of rows that cover 0..height, on several threads."""
    tops = range(0, height, rows)
    if threads == 1 or len(tops) == 1:
        for top in tops:
            work(top, min(top + rows, height))
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, tops, (min(top + rows, height) for top in tops)):
            pass
