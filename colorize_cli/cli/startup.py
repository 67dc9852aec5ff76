"""How the program starts and ends in little time: torch creates and frees hundreds of thousands of Python objects.

Importing this module imports nothing heavy.
"""

import atexit
import contextlib
import gc
import os
import sys
from collections.abc import Callable, Iterator

_WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
_SPIN = "10000"


@contextlib.contextmanager
def without_collections() -> Iterator[None]:
    """Import and load inside without the garbage collector, and never look through what that leaves behind."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def wait_briefly() -> None:
    """Let OpenMP's threads, which torch computes with, sleep soon while they wait for each other.

    By default they occupy their core meanwhile, so that on a busy machine they keep each other from working: a photo
    took three times as long. To be called before torch is imported; a choice of the user's stays.
    """
    if not any(name in os.environ for name in _WAITING):
        os.environ["GOMP_SPINCOUNT"] = _SPIN


def run_and_leave(main: Callable[[], int]) -> int:
    """Return the exit code of ``main``, and end the process soon after without freeing what it has loaded.

    The functions that libraries registered with ``atexit`` are called first, and the standard streams are flushed.
    Where that fails, or something watches the program (a debugger, a profiler, coverage), Python ends as usual.
    """
    code: list[int] = []

    def leave() -> None:
        # Registered first, it is called last.
        if not code or sys.gettrace() is not None or "coverage" in sys.modules:
            return
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code[0])

    atexit.register(leave)
    code.append(main())
    return code[0]
