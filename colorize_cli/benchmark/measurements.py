"""Measurements: repeated timing, one row for each model on a device, and what follows from comparing rows."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from colorize_cli.benchmark.machine import Machine

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


Status = Literal["measured", "not available", "out of memory"]
STAGES = ("read", "fit", "predict", "recombine", "write")
MODEL_STAGES = ("fit", "predict")


@dataclass
class Row:
    """A model on a device at one precision, batch and size, and what was measured.

    ``weights``: "trained" or "untrained" (random weights: good for timing only). ``batch``: photographs predicted
    together, less than ``asked_batch`` where memory did not hold that many. ``load_seconds``: from nothing to a model
    on its device. ``first_photo_seconds``: the first photograph after loading, from the bytes of its file to the bytes
    of the result. ``samples``: seconds of every timed run by stage; ``fit`` and ``predict`` are those of a whole
    batch, ``read``, ``recombine`` and ``write`` those of one photograph. ``memory_mb``: peak of the process, or on
    CUDA of the device, in 2^20 bytes. ``speedup``: photos per second over those of the CPU row. ``delta_e_max``,
    ``delta_e_mean``: CIEDE2000 between this row's result and that of the CPU in fp32.
    """

    machine: Machine
    model: str
    device: str
    precision: str
    weights: str = ""
    weights_sha256: str = ""
    asked_batch: int | None = None
    batch: int | None = None
    megapixels: float | None = None
    working_size: int | None = None
    status: Status = "measured"
    note: str = ""
    load_seconds: float | None = None
    first_photo_seconds: float | None = None
    memory_mb: float | None = None
    memory_of: str = ""
    delta_e_max: float | None = None
    delta_e_mean: float | None = None
    speedup: float | None = None
    samples: dict[str, list[float]] = field(default_factory=dict)

    @property
    def latencies(self) -> list[float]:
        """Seconds that a batch took through fit and predict, a value a sample."""
        return [sum(stages) for stages in zip(*(self.samples[s] for s in MODEL_STAGES), strict=True)]

    @property
    def latency_p50(self) -> float | None:
        """Median seconds of a batch through fit and predict."""
        return median(self.latencies) if self.samples else None

    @property
    def latency_p95(self) -> float | None:
        """The seconds that 95 per cent of the batches stay below."""
        return percentile(self.latencies, 95) if self.samples else None

    @property
    def photos_per_second(self) -> float | None:
        """Photographs predicted a second, from the median latency."""
        return self.batch / self.latency_p50 if self.batch and self.latency_p50 else None

    @property
    def stage_seconds(self) -> dict[str, float]:
        """Median seconds of each stage for one photograph."""
        share = dict.fromkeys(MODEL_STAGES, self.batch or 1)
        return {stage: median(self.samples[stage]) / share.get(stage, 1) for stage in STAGES if stage in self.samples}

    @property
    def whole_per_second(self) -> float | None:
        """Photographs a second through all stages, one after another; the batch engine overlaps them."""
        total = sum(self.stage_seconds.values())
        return 1 / total if total else None

    def columns(self) -> dict[str, Any]:
        """Return the row as flat columns, without raw samples, the machine among them."""
        plain = {name: value for name, value in asdict(self).items() if name not in {"machine", "samples"}}
        figures = {
            "latency_p50_seconds": self.latency_p50,
            "latency_p95_seconds": self.latency_p95,
            "photos_per_second": self.photos_per_second,
            "whole_photos_per_second": self.whole_per_second,
        }
        stages = {f"{stage}_seconds": self.stage_seconds.get(stage) for stage in STAGES}
        return plain | figures | stages | {"sample_count": len(self.samples.get("predict", ()))} | self.machine.row()


def fill_speedups(rows: Sequence[Row]) -> None:
    """Set ``speedup`` of every measured row: over the CPU row of its model, batch and size, fp32 where there is one."""
    for row in rows:
        alike = [
            other
            for other in rows
            if other.device == "cpu"
            and (other.model, other.asked_batch, other.megapixels) == (row.model, row.asked_batch, row.megapixels)
            and other.photos_per_second
        ]
        alike.sort(key=lambda other: other.precision != "fp32")
        if alike and row.photos_per_second:
            row.speedup = row.photos_per_second / (alike[0].photos_per_second or 1)
