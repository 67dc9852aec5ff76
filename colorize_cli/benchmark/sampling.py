"""Repeated timing: warm-up, enough samples for a median, and percentiles that do not depend on a library's default."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Clock = Callable[[], float]


@dataclass(frozen=True)
class Sampling:
    """How often something is timed: at least ``count`` times and for at least ``seconds``, after ``warmup`` untimed."""

    count: int = 10
    seconds: float = 3.0
    warmup: int = 2


THOROUGH = Sampling()
QUICK = Sampling(count=3, seconds=0.3, warmup=1)


def percentile(samples: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` (0..100) per cent of the samples lie, interpolated linearly."""
    return float(np.percentile(np.asarray(samples, np.float64), share))


def median(samples: Sequence[float]) -> float:
    """Return the median of the samples."""
    return percentile(samples, 50)


class StageTimer:
    """Times the stages of one sample: ``with timer("read"): ...`` adds to that stage.

    ``synchronize`` waits for the device, so that a stage ends when its work does, not when it is queued.
    """

    def __init__(self, synchronize: Callable[[], None] = lambda: None, clock: Clock = time.perf_counter) -> None:
        self.seconds: dict[str, float] = {}
        self._synchronize, self._clock = synchronize, clock
        self._stage, self._start = "", 0.0

    def __call__(self, stage: str) -> "StageTimer":
        """Name the stage that the next ``with`` block times."""
        self._stage = stage
        return self

    def __enter__(self) -> None:
        self._synchronize()
        self._start = self._clock()

    def __exit__(self, *_: object) -> None:
        self._synchronize()
        elapsed = self._clock() - self._start
        self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + elapsed


def collect(
    work: Callable[[StageTimer], None],
    sampling: Sampling,
    *,
    synchronize: Callable[[], None] = lambda: None,
    clock: Clock = time.perf_counter,
) -> list[Mapping[str, float]]:
    """Run ``work`` as often as ``sampling`` says; return the seconds of each stage, one mapping a timed run."""
    for _ in range(sampling.warmup):
        work(StageTimer(synchronize, clock))
    samples: list[Mapping[str, float]] = []
    start = clock()
    while len(samples) < sampling.count or clock() - start < sampling.seconds:
        timer = StageTimer(synchronize, clock)
        work(timer)
        samples.append(timer.seconds)
    return samples
