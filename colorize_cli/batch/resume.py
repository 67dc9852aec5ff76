"""Going on where an earlier run stopped: what exists is recognised by its provenance, not by its name."""

import os
import stat
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from colorize_cli._version import __version__
from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.inputs.companions import missing
from colorize_cli.batch.inputs.hint_files import HintFiles
from colorize_cli.batch.inputs.plan import Item, Plan
from colorize_cli.batch.reports.outcome import ALREADY_DONE, Outcome
from colorize_cli.checkpoints.digest import digest_ahead, digest_of
from colorize_cli.checkpoints.input_format import input_format_of
from colorize_cli.checkpoints.locate import bundled_path, find_weights
from colorize_cli.compute import available_cores
from colorize_cli.errors import ColorizeError
from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from colorize_cli.imaging.metadata.xmp import Provenance
from colorize_cli.imaging.photo import Photo
from colorize_cli.imaging.recombine.color_table import COLOR_TABLE
from colorize_cli.inference.color_options import ColorizerOptions, check_decoding, recorded_parameters
from colorize_cli.inference.hints import Hints, require_hints
from colorize_cli.inference.prediction import Prediction
from colorize_cli.inference.reference import without_match
from colorize_cli.inference.variants import recorded_variant, require_distribution
from colorize_cli.option import recorded
from colorize_cli.registry import get


class Predictor(Protocol):
    """What a batch needs: a :class:`~colorize_cli.inference.colorizer.Colorizer`, and how many photos to give it.

    With a ``batch_size`` of 1 it is called from several threads at once.
    """

    batch_size: int
    description: str
    has_confidence: bool
    """Whether confidence costs nothing beyond the prediction."""

    def predict(self, grays: Sequence[np.ndarray], hints: Sequence[Hints | None] | None = None) -> list[np.ndarray]:
        """Return one chroma map per gray picture, float32 (2, h, w), Lab units; ``hints``: those of each."""
        ...

    def predict_with_confidence(
        self, grays: Sequence[np.ndarray], hints: Sequence[Hints | None] | None = None
    ) -> list[Prediction]:
        """Return chroma and confidence of each gray picture."""
        ...

    def variants(
        self, grays: Sequence[np.ndarray], predictions: Sequence[np.ndarray], count: int, seed: int
    ) -> list[np.ndarray]:
        """Return plausible chroma maps of each gray picture, float32 (count, 2, h, w), its answer first."""
        ...

    def colorize(self, photo: Photo, ab: np.ndarray) -> np.ndarray:
        """Return RGB (H, W, 3) at the photo's depth, from its tones and its chroma."""
        ...

    def provenance(self) -> Provenance:
        """Return the model, the sha256 of its weights and the version of the program."""
        ...


class _NothingToPredict:
    """Stands in for the model when every result exists, so that a finished batch is confirmed without loading torch."""

    batch_size = 1
    description = ""
    has_confidence = False

    def __init__(self, options: ColorizeOptions) -> None:
        self._provenance = expected_provenance(options)

    def predict(self, grays: Sequence[np.ndarray], hints: Sequence[Hints | None] | None = None) -> list[np.ndarray]:
        """Never called, unless a result vanished since the plan was made."""
        raise ColorizeError("Its result disappeared during the run.", "Run again.")

    def predict_with_confidence(
        self, grays: Sequence[np.ndarray], hints: Sequence[Hints | None] | None = None
    ) -> list[Prediction]:
        """Never called."""
        raise ColorizeError("Its result disappeared during the run.", "Run again.")

    def variants(
        self, grays: Sequence[np.ndarray], predictions: Sequence[np.ndarray], count: int, seed: int
    ) -> list[np.ndarray]:
        """Never called."""
        raise ColorizeError("Its result disappeared during the run.", "Run again.")

    def colorize(self, photo: Photo, ab: np.ndarray) -> np.ndarray:
        """Never called."""
        raise ColorizeError("Its result disappeared during the run.", "Run again.")

    def provenance(self) -> Provenance:
        """Return what the model would record."""
        return self._provenance


class _Loaded:
    """A colorizer with what suits its device: batches for an accelerator, a photograph a thread for a CPU.

    With many photographs on a CPU, torch and OpenCV are set to share its cores among those under way: threads within
    one would only wait for each other, and torch's do so at full load.
    """

    def __init__(self, options: ColorizeOptions, *, alone: bool = False) -> None:
        load_ahead(options)
        import torch

        from colorize_cli.inference.colorizer import Colorizer

        require_hints(get(options.model), options.hints is not None)
        self._colorizer = Colorizer(
            options.model,
            weights=options.weights,
            device=options.device,
            precision=options.precision,
            vividness=options.vividness,
            size=options.sizes or None,
            strength=options.strength,
            keep_borders=options.keep_borders,
            hints=None if options.hints_per_photo else options.hints,
            reference=options.reference,
            decoding=options.decoding,
            offline=options.offline,
            accept_license=options.accept_license,
        )
        if options.variants is not None:
            require_distribution(self._colorizer.entry, predicted=self._colorizer.predicts_distribution)
        self.description = str(self._colorizer.compute)
        cpu = self._colorizer.compute.device.type == "cpu"
        self.batch_size = 1 if cpu else 16
        self.has_confidence = self._colorizer.has_confidence
        self.predict = self._colorizer.predict
        self.predict_with_confidence = self._colorizer.predict_with_confidence
        self.variants = self._colorizer.variants
        threads = None if alone else max(1, available_cores() // options.workers)
        if threads is not None:
            cv2.setNumThreads(min(threads, cv2.getNumThreads()))
            if cpu:
                torch.set_num_threads(min(threads, torch.get_num_threads()))
        self.colorize = partial(self._colorizer.colorize, threads=threads)
        self.provenance = self._colorizer.provenance


def load_ahead(options: ColorizeOptions) -> None:
    """Use the other cores while this thread imports torch: read and hash the weights, and compute the usual colors."""
    if available_cores() < 2:
        return
    path = bundled_path(get(options.model)) if options.weights is None else Path(options.weights)
    if path is not None and path.is_file():
        digest_ahead(path)
    threading.Thread(target=COLOR_TABLE.prepare_usual, daemon=True).start()


def make_predictor(plan: Plan, options: ColorizeOptions) -> Predictor:
    """Load the model, unless nothing is left to do. Raises :class:`ModelError` and :class:`DeviceError`."""
    remaining = (item for item in plan if item.state == "todo")
    if options.resumes and all(item.target and _is_complete(item.target, options) for item in remaining):
        nothing = _NothingToPredict(options)
        if not _due_again(plan, options, nothing.provenance()):
            return nothing
    return _Loaded(options, alone=plan.todo == 1)


def load_predictor(options: ColorizeOptions) -> Predictor:
    """Load the model for photographs that come one by one. Raises :class:`ModelError` and :class:`DeviceError`."""
    return _Loaded(options)


def expected_provenance(options: ColorizeOptions) -> Provenance:
    """Return what results of these options record, without loading the model; raises :class:`ModelError`."""
    entry = get(options.model)
    check_decoding(entry, options.decoding)
    path = find_weights(entry, options.weights, offline=options.offline, accept_license=options.accept_license)
    digest = digest_of(path)
    own = ("hints",) if options.hints_per_photo else ()
    size = input_format_of(entry, path).size
    parameters = recorded_parameters(options, size, but=own) | recorded_storage(options)
    return Provenance(options.model, digest, __version__, parameters)


def recorded_storage(options: ColorizeOptions) -> dict[str, str]:
    """Return the parameters of the provenance that say how results are stored, whatever model made them."""
    return recorded(options, beyond=ColorizerOptions) | recorded_variant(options.variants, options.seed)


def dry_run(plan: Plan, options: ColorizeOptions) -> Iterator[Outcome]:
    """Yield for each photograph what a run would do (``--dry-run``), as far as it can be known without reading it."""
    expected = expected_provenance(options) if options.resumes else None
    files = HintFiles(options)
    for item in plan:
        if item.state != "todo":
            yield Outcome(item.source, item.target, item.state, item.reason, kind=item.kind)
        elif expected and (reason := left_alone(item, files.recorded(item, expected), options)):
            yield Outcome(item.source, item.target, "skipped", reason)
        else:
            yield Outcome(item.source, item.target, "done")


def _due_again(plan: Plan, options: ColorizeOptions, provenance: Provenance) -> bool:
    files = HintFiles(options)
    return files.watches and any(files.changed(item, provenance) for item in plan if item.state == "todo")


def _is_complete(target: Path, options: ColorizeOptions) -> bool:
    return os.path.lexists(target) and not is_empty_file(target) and not missing(target, options)


def is_empty_file(target: Path) -> bool:
    """Whether a file without a single byte has the name of a result: what a full disk or a crash of others left."""
    try:
        status = os.lstat(target)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == 0


def left_alone(item: Item, expected: Provenance, options: ColorizeOptions) -> str:
    """Return why nothing is done for a photograph on resuming.

    "" where its result, or a file beside that, is still to be made, or is due again because its hints or the reference
    changed.
    """
    target = item.target
    if (
        target is None
        or not os.path.lexists(target)
        or is_empty_file(target)
        or HintFiles(options).changed(item, expected)
    ):
        return ""
    reason = skip_reason(target, expected)
    return "" if reason == ALREADY_DONE and missing(target, options) else reason


def skip_reason(target: Path, expected: Provenance) -> str:
    """Return why an existing ``target`` is left alone on resuming: it is this very result, or something else."""
    try:
        found = read_provenance(target)
    except (ColorizeError, OSError):
        found = None
    if found is None:
        return f"'{target}' exists and was not made by colorize; it was left alone."
    if found.model != expected.model:
        return f"'{target}' exists, made by model '{found.model}'; it was left alone."
    if found.weights_sha256 != expected.weights_sha256:
        return f"'{target}' exists, made by other weights; it was left alone."
    if without_match(found.parameters) != without_match(expected.parameters):
        return f"'{target}' exists, made with other options; it was left alone."
    return ALREADY_DONE
