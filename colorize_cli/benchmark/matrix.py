"""The matrix of a benchmark: every model, device, precision, batch and size becomes a row."""

import io
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import torch

from colorize_cli.benchmark import subjects
from colorize_cli.benchmark.bench_options import BenchOptions
from colorize_cli.benchmark.machine import Machine, PeakMemory, describe
from colorize_cli.benchmark.measurements import (
    QUICK,
    STAGES,
    THOROUGH,
    Row,
    Sampling,
    StageTimer,
    collect,
    fill_speedups,
)
from colorize_cli.checkpoints.input_format import InputFormat
from colorize_cli.errors import DeviceError, OutOfMemory
from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.codecs.write import write_photo
from colorize_cli.imaging.color import srgb_to_lab
from colorize_cli.imaging.color_measures import delta_e_2000
from colorize_cli.imaging.geometry import fit
from colorize_cli.imaging.photo import Photo


class Subject(Protocol):
    """What is timed: a :class:`~colorize_cli.inference.colorizer.Colorizer`, or a stand-in for it."""

    input: InputFormat
    compute: Any
    size: int
    weights_sha256: str

    def predict(self, grays: list[np.ndarray]) -> list[np.ndarray]:
        """Return a chroma map (2, h, w) for each gray picture."""
        ...

    def colorize(self, photo: Photo, ab: np.ndarray) -> np.ndarray:
        """Return RGB (H, W, 3) of a photograph."""
        ...

    def provenance(self) -> Any:
        """Return what a result records."""
        ...


Load = Callable[[str, subjects.Weights, str, str, "int | None"], Subject]


@lru_cache(maxsize=2)
def _scan(megapixels: float) -> bytes:
    return subjects.jpeg(subjects.scan(megapixels))


class Bench:
    """Times what the options ask for; ``say`` is told what is being measured."""

    def __init__(
        self, options: BenchOptions, *, load: Load = subjects.load, say: Callable[[str], None] = lambda _: None
    ) -> None:
        self._options, self._load, self._say = options, load, say
        self._sampling: Sampling = QUICK if options.quick else THOROUGH
        self._references: dict[tuple[str, float], np.ndarray] = {}

    def rows(self, folder: Path) -> Iterator[Row]:
        """Yield a row as soon as it is measured; ``folder`` is for random weights. Threads are set back at the end.

        Raises :class:`ModelError` for weights that cannot be used. A device or precision that this machine does not
        have, and memory that does not suffice, become rows that say so.
        """
        threads, opencv_threads = torch.get_num_threads(), cv2.getNumThreads()
        torch.set_num_threads(self._options.used_threads)
        cv2.setNumThreads(self._options.used_threads)
        try:
            for model in self._options.models:
                weights = subjects.find(model, self._options.weights, folder)
                for device, precision in itertools.product(self._options.devices, self._options.precisions):
                    yield from self._on(model, weights, device, precision)
        finally:
            torch.set_num_threads(threads)
            cv2.setNumThreads(opencv_threads)

    def _on(self, model: str, weights: subjects.Weights, device: str, precision: str) -> Iterator[Row]:
        row = Row(self._machine(), model, device, precision, weights="trained" if weights.trained else "untrained")
        self._say(f"Loading {model} on {device} ({precision}).")
        start = time.perf_counter()
        try:
            subject = self._load(model, weights, device, precision, self._options.size)
        except OutOfMemory as error:
            yield replace(row, status="out of memory", note=str(error))
            return
        except DeviceError as error:
            yield replace(row, status="not available", note=str(error))
            return
        _synchronize(subject.compute.device)
        row.load_seconds = time.perf_counter() - start
        row.device, row.precision = str(subject.compute.device), subject.compute.precision
        row.working_size, row.weights_sha256 = subject.size, subject.weights_sha256
        if row.precision == "bf16" and row.device == "cpu" and not row.machine.native_bf16:
            row.note = "bf16 is emulated on this processor"
        row.first_photo_seconds = self._first_photo(subject, self._options.sizes[0])
        for megapixels, batch in itertools.product(self._options.sizes, self._options.batches):
            self._say(f"Timing {model} on {row.device}, {row.precision}, batch {batch}, {megapixels:g} megapixels.")
            yield self._measure(
                subject, replace(row, machine=self._machine(), megapixels=megapixels, asked_batch=batch), weights
            )

    def _machine(self) -> Machine:
        return describe(self._options.used_threads)

    def _first_photo(self, subject: Subject, megapixels: float) -> float | None:
        data = _scan(megapixels)
        start = time.perf_counter()
        try:
            photo = read_photo(data)
            (ab,) = subject.predict([photo.gray])
            write_photo(io.BytesIO(), subject.colorize(photo, ab), photo, provenance=subject.provenance())
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return None
        return time.perf_counter() - start

    def _measure(self, subject: Subject, row: Row, weights: subjects.Weights) -> Row:
        """Time one row; where memory runs out, with half the batch, down to one photograph."""
        batch = row.asked_batch or 1
        while True:
            try:
                measured = self._sample(subject, replace(row, batch=batch, note=row.note), batch)
                break
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            if batch == 1:
                return replace(row, batch=1, status="out of memory", note="not even one photograph fits")
            batch //= 2
            self._say(f"Out of memory: trying a batch of {batch}.")
        if batch != row.asked_batch:
            told = f"batch {row.asked_batch} ran out of memory, measured with {batch}"
            measured.note = f"{row.note}; {told}" if row.note else told
        self._compare(subject, measured, weights)
        return measured

    def _sample(self, subject: Subject, row: Row, batch: int) -> Row:
        device = subject.compute.device
        data = _scan(row.megapixels or 1.0)
        grays = [read_photo(data).gray] * batch
        how = subject.input.fit

        def once(timer: StageTimer) -> None:
            with timer("read"):
                photo = read_photo(data)
            with timer("fit"):
                canvases = [fit(gray, subject.size, how)[0] for gray in grays]
            with timer("predict"):
                subject.predict(canvases)
            with timer("recombine"):
                rgb = subject.colorize(photo, ab)
            with timer("write"):
                write_photo(io.BytesIO(), rgb, photo, provenance=subject.provenance())

        memory = PeakMemory(device)
        (ab,) = subject.predict(grays[:1])
        samples = collect(once, self._sampling, synchronize=lambda: _synchronize(device))
        on_device = memory.cuda_mb()
        row.memory_mb = memory.resident_mb() if on_device is None else on_device
        row.memory_of = "CUDA" if on_device is not None else "process" if memory.own else "process, whole run"
        row.samples = {stage: [sample[stage] for sample in samples] for stage in STAGES}
        return row

    def _compare(self, subject: Subject, row: Row, weights: subjects.Weights) -> None:
        """Fill in how far the result is from that of the CPU in fp32, which is computed where it is not at hand."""
        megapixels = row.megapixels or 1.0
        key = (row.model, megapixels)
        mine = _result(subject, megapixels)
        if key not in self._references:
            plain = (row.device, row.precision) == ("cpu", "fp32")
            reference = subject if plain else self._load(row.model, weights, "cpu", "fp32", self._options.size)
            self._references[key] = mine if plain else _result(reference, megapixels)
        row.delta_e_max, row.delta_e_mean = difference(self._references[key], mine)


def _result(subject: Subject, megapixels: float) -> np.ndarray:
    """Colorize the scan of a size; return every n-th pixel, a quarter of a million at most, RGB (h, w, 3) uint8."""
    photo = read_photo(_scan(megapixels))
    (ab,) = subject.predict([photo.gray])
    step = max(1, int((photo.gray.size / 250_000) ** 0.5))
    return np.ascontiguousarray(subject.colorize(photo, ab)[::step, ::step])


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on the device or, as torch words it, on the CPU."""
    if isinstance(error, OutOfMemory | MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def run(
    options: BenchOptions,
    *,
    load: Load = subjects.load,
    say: Callable[[str], None] = lambda _: None,
    on_row: Callable[[Row], None] = lambda _: None,
) -> list[Row]:
    """Measure every row of the options and return them, with speed-ups; ``on_row`` sees each as it is measured."""
    rows: list[Row] = []
    with subjects.temporary_folder() as folder:
        for row in Bench(options, load=load, say=say).rows(Path(folder)):
            rows.append(row)
            fill_speedups(rows)
            on_row(row)
    return rows


def difference(reference: np.ndarray, result: np.ndarray) -> tuple[float, float]:
    """Return the largest and the mean CIEDE2000 between two RGB pictures (H, W, 3), uint8 or uint16, of one size."""
    if np.array_equal(reference, result):
        return 0.0, 0.0
    delta = delta_e_2000(_lab(reference), _lab(result))
    return float(delta.max()), float(delta.mean())


def _lab(rgb: np.ndarray) -> np.ndarray:
    return srgb_to_lab(rgb / np.iinfo(rgb.dtype).max)
