"""Where the time of a run goes: seconds of each step, and how far the run is from its limit."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, get_args

Stage = Literal["read", "predict", "recombine", "write"]


class StageTimes:
    """Processor seconds of every stage, added up over all threads of a run; a stage within another is not part of it.

    They are those of the threads that run the stages: what an accelerator does meanwhile is not in them.
    """

    def __init__(self) -> None:
        self.seconds: dict[Stage, float] = dict.fromkeys(get_args(Stage), 0.0)
        self.elapsed = 0.0
        self._adding = threading.Lock()
        self._thread = threading.local()

    @contextmanager
    def measure(self, stage: Stage) -> Iterator[None]:
        """Count what happens inside, in this thread, as this stage."""
        outer: Stage | None = getattr(self._thread, "stage", None)
        self._switch(outer, stage)
        try:
            yield
        finally:
            self._switch(stage, outer)

    def _switch(self, ending: Stage | None, beginning: Stage | None) -> None:
        now = time.thread_time()
        if ending is not None:
            with self._adding:
                self.seconds[ending] += now - self._thread.since
        self._thread.stage, self._thread.since = beginning, now

    @contextmanager
    def run(self) -> Iterator[None]:
        """Take the wall time of the run."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.elapsed = time.perf_counter() - start

    def summary(self, cores: int, photos: int) -> str:
        """Return one line: seconds, photographs per second, and the processor seconds of each stage."""
        total = sum(self.seconds.values())
        if not total or not self.elapsed:
            return "Nothing was timed."
        stages = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.seconds.items())
        busy = min(1.0, total / (self.elapsed * cores))
        rate = photos / self.elapsed
        return (
            f"Time: {self.elapsed:.1f} s for {photos} photos, {rate:.2f} photos/s; processor time: {stages}; "
            f"{cores} cores {busy:.0%} busy."
        )
