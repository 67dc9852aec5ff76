"""The batch engine against its limits, measured in one run: codecs alone, prediction alone, and the real thing.

With a CPU, colorizing a folder can at best take as long as (a) decoding and encoding its photographs plus (b)
predicting them, each with all cores busy; with a GPU, which predicts meanwhile, as long as (a). (a) is nothing but the
codecs: bytes already read, no metadata changed on disk, no fsync. What the engine takes beyond that is reducing and
recombining at full size, files, and waiting.
"""

import io
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.engine import Batch
from colorize_cli.batch.inputs.make_plan import make_plan
from colorize_cli.batch.reports.outcome import Outcome
from colorize_cli.batch.resume import Predictor, make_predictor
from colorize_cli.benchmark import subjects
from colorize_cli.benchmark.bench_options import BenchOptions
from colorize_cli.benchmark.machine import describe
from colorize_cli.benchmark.measurements import median
from colorize_cli.checkpoints.input_format import input_format_of
from colorize_cli.checkpoints.locate import find_weights
from colorize_cli.compute import available_cores, choose
from colorize_cli.errors import ColorizeError
from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.codecs.write import write_photo
from colorize_cli.imaging.geometry import Fit, fit
from colorize_cli.imaging.metadata.xmp import Provenance
from colorize_cli.imaging.photo import Photo
from colorize_cli.inference.hints import Hints
from colorize_cli.inference.prediction import Prediction
from colorize_cli.registry import get

CHUNK_PIXELS = 120_000_000
"""Results held in memory at a time while the codecs are timed: 360 MB."""


@dataclass(frozen=True)
class Spent:
    """Wall seconds, and seconds of processor time of this process."""

    wall: float
    cores: float


class Stopwatch:
    """``with Stopwatch() as watch: ...``; then ``watch.spent``."""

    def __enter__(self) -> "Stopwatch":
        self._wall, self._cores = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.spent = Spent(time.perf_counter() - self._wall, time.process_time() - self._cores)


class TimedPredictor:
    """The predictor of a batch run, adding up the seconds its callers spend in predict and in recombine."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self.batch_size, self.description = predictor.batch_size, predictor.description
        self.provenance, self.has_confidence = predictor.provenance, predictor.has_confidence
        self.variants = predictor.variants
        self.seconds = {"predict": 0.0, "recombine": 0.0}
        self._adding = threading.Lock()

    def predict(self, grays: Sequence[np.ndarray], hints: Sequence[Hints | None] | None = None) -> list[np.ndarray]:
        """Predict, and add up the seconds."""
        start = time.perf_counter()
        try:
            return self._predictor.predict(grays, hints)
        finally:
            self._add("predict", time.perf_counter() - start)

    def predict_with_confidence(
        self, grays: Sequence[np.ndarray], hints: Sequence[Hints | None] | None = None
    ) -> list[Prediction]:
        """Predict chroma and confidence, and add up the seconds."""
        start = time.perf_counter()
        try:
            return self._predictor.predict_with_confidence(grays, hints)
        finally:
            self._add("predict", time.perf_counter() - start)

    def colorize(self, photo: Photo, ab: np.ndarray) -> np.ndarray:
        """Recombine, and add up the seconds."""
        start = time.perf_counter()
        try:
            return self._predictor.colorize(photo, ab)
        finally:
            self._add("recombine", time.perf_counter() - start)

    def _add(self, stage: str, seconds: float) -> None:
        with self._adding:
            self.seconds[stage] += seconds


@dataclass(frozen=True)
class BatchRun:
    """A timed run of the batch engine: the time, its predictor, and the result of every photograph it colorized."""

    spent: Spent
    predictor: TimedPredictor
    results: dict[Path, Path]


def batch_run(sources: Sequence[Path], options: ColorizeOptions) -> BatchRun:
    """Run the real batch engine over ``sources``; loading the model is not timed.

    Raises :class:`ColorizeError` where a photograph fails or none is colorized: such a run times nothing.
    """
    plan = make_plan([str(source) for source in sources], options)
    predictor = TimedPredictor(make_predictor(plan, options))
    results: dict[Path, Path] = {}

    def keep(outcome: Outcome) -> None:
        if outcome.status == "done" and outcome.source is not None and outcome.target is not None:
            results[outcome.source] = outcome.target

    with Stopwatch() as watch:
        report = Batch(predictor, options).run(plan, keep)
    if report.stopped_by is not None:
        raise report.stopped_by
    if report.failed:
        raise ColorizeError(f"The pipeline cannot be timed: {report.failures[0].reason}", "Leave that photo out.")
    if not results:
        raise ColorizeError("The pipeline cannot be timed: no photo was colorized.", "Name a folder of gray photos.")
    return BatchRun(watch.spent, predictor, results)


def codec_run(results: Mapping[Path, Path], provenance: Provenance, workers: int) -> Spent:
    """Time decoding every source and encoding its result, on ``workers`` threads, and nothing else.

    ``results``: the file of the color result of every source; its pixels are loaded before the clock runs, some
    photographs at a time.
    """

    def work(task: tuple[bytes, np.ndarray]) -> None:
        write_photo(io.BytesIO(), task[1], read_photo(task[0]), provenance=provenance)

    wall = cores = 0.0
    with ThreadPoolExecutor(workers) as pool:
        for chunk in _chunks(results):
            with Stopwatch() as watch:
                list(pool.map(work, chunk))
            wall, cores = wall + watch.spent.wall, cores + watch.spent.cores
    return Spent(wall, cores)


def _chunks(results: Mapping[Path, Path]) -> Iterator[list[tuple[bytes, np.ndarray]]]:
    """Yield sources with their results as far as memory allows, the largest first, so that no thread waits long."""
    chunk: list[tuple[bytes, np.ndarray]] = []
    held = 0
    for source, result in results.items():
        with Image.open(result) as picture:
            rgb = np.asarray(picture.convert("RGB"))
        chunk.append((source.read_bytes(), rgb))
        held += rgb.size // 3
        if held >= CHUNK_PIXELS:
            yield sorted(chunk, key=lambda task: -task[1].size)
            chunk, held = [], 0
    if chunk:
        yield sorted(chunk, key=lambda task: -task[1].size)


def predict_run(predictor: Predictor, canvases: Sequence[np.ndarray], workers: int) -> Spent:
    """Time predicting pictures already fitted to the model: in the batches of the engine, or one by one in threads."""
    size = predictor.batch_size
    batches = [canvases[first : first + size] for first in range(0, len(canvases), size)]
    with ThreadPoolExecutor(workers if size == 1 else 1) as pool, Stopwatch() as watch:
        list(pool.map(predictor.predict, batches))
    return watch.spent


def measure(
    options: BenchOptions, photographs: Path | None, *, say: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Measure the pipeline over the photographs of a folder, or over generated scans; return its figures.

    Each round measures c, a and b one after another; figures are medians over the rounds, ``rounds`` has all of them.
    ``ratio`` is c / (a + b) on a CPU and c / a on anything else, in wall seconds; ``cpu_ratio`` the same in processor
    seconds, which other programs on the machine disturb less. Raises :class:`ColorizeError`.
    """
    entry = get(options.models[0])
    device = choose(options.devices[0] if len(options.devices) == 1 else "auto", options.precisions[0])
    with subjects.temporary_folder() as name:
        folder = Path(name)
        sources = _sources(options, photographs, folder, say)
        weights = subjects.find(entry.name, options.weights, folder)
        how = input_format_of(entry, find_weights(entry, weights.path))
        hints = None
        if entry.needs_hints:
            hints = str(folder / "hints.png")
            subjects.scattered_hints().save(hints)
        chosen = ColorizeOptions(
            model=entry.name, weights=str(weights.path), output=f"{folder / 'results'}/", overwrite=True,
            device=str(device.device), precision=device.precision, size=options.size, jobs=options.threads,
            hints=hints,
        )  # fmt: skip
        threads = torch.get_num_threads()
        torch.set_num_threads(options.used_threads)
        try:
            say(f"Warming up {entry.name} on {device}.")
            batch_run(sources[:2], chosen)
            rounds = []
            for number in range(1, (1 if options.quick else options.rounds) + 1):
                say(f"Round {number}.")
                rounds.append(_round(sources, chosen, options.size or how.size, how.fit))
        finally:
            torch.set_num_threads(threads)
    figures: dict[str, Any] = {key: median([r[key] for r in rounds]) for key in rounds[0]}
    machine = describe(options.used_threads)
    figures |= {
        "model": entry.name,
        "weights": "trained" if weights.trained else "untrained",
        "device": str(device.device),
        "precision": device.precision,
        "workers": options.used_threads,
        "limit": "c / (a + b)" if device.device.type == "cpu" else "c / a",
    }
    return figures | machine.row() | {"machine_line": str(machine), "rounds": rounds}


def _round(sources: Sequence[Path], options: ColorizeOptions, size: int, how: Fit) -> dict[str, float]:
    run = batch_run(sources, options)
    workers = options.jobs or available_cores()
    codec = codec_run(run.results, run.predictor.provenance(), workers)
    canvases, pixels = [], 0
    for source in run.results:
        gray = read_photo(source).gray
        canvases.append(fit(gray, size, how)[0])
        pixels += gray.size
    # Before prediction alone adds to them.
    seconds = {f"{stage}_seconds_a_photo": spent / len(canvases) for stage, spent in run.predictor.seconds.items()}
    predict = predict_run(run.predictor, canvases, workers)
    counted = predict if options.device == "cpu" else Spent(0.0, 0.0)
    return seconds | {
        "files": len(canvases),
        "megapixels": pixels / 1e6,
        "codec_seconds": codec.wall,
        "codec_cpu_seconds": codec.cores,
        "predict_seconds": predict.wall,
        "predict_cpu_seconds": predict.cores,
        "batch_seconds": run.spent.wall,
        "batch_cpu_seconds": run.spent.cores,
        "ratio": run.spent.wall / (codec.wall + counted.wall),
        "cpu_ratio": run.spent.cores / (codec.cores + counted.cores),
    }


def _sources(options: BenchOptions, photographs: Path | None, folder: Path, say: Callable[[str], None]) -> list[Path]:
    if photographs is None:
        count = 4 if options.quick else options.files
        say(f"Generating {count} scans of {subjects.SIZES[0]:g} to {subjects.SIZES[-1]:g} megapixels.")
        place = folder / "scans"
        place.mkdir()
        sources = list(subjects.write_scans(place, count))
    else:
        plan = make_plan([str(photographs)], ColorizeOptions(output=f"{folder}/unused/"))
        sources = [item.source for item in plan if item.source is not None and item.state == "todo"]
    return sources
