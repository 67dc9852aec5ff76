"""Going on where an earlier run stopped: what exists is recognised by its provenance, not by its name."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from colorize_cli._version import __version__
from colorize_cli.checkpoints.locate import find_weights
from colorize_cli.errors import ColorizeError
from colorize_cli.imaging.metadata import Provenance, read_provenance
from colorize_cli.imaging.photo import Photo
from colorize_cli.inference.hints import hints_digest, read_hints
from colorize_cli.inference.options import ColorizeOptions
from colorize_cli.inference.plan import Plan
from colorize_cli.inference.report import Outcome
from colorize_cli.registry import get

ALREADY_DONE = "Its output exists already, made by the same model and weights."
"""The reason of a skip that needs nobody's attention."""


class Predictor(Protocol):
    """What a batch needs: a :class:`~colorize_cli.inference.colorizer.Colorizer`, and how many photos to give it."""

    batch_size: int
    description: str

    def predict(self, grays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return one chroma map a gray picture: float32 (2, h, w), Lab units."""
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

    def __init__(self, options: ColorizeOptions) -> None:
        self._provenance = expected_provenance(options)

    def predict(self, grays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Never called, unless a result vanished since the plan was made."""
        raise ColorizeError("Its output vanished during the run.", "Run again.")

    def colorize(self, photo: Photo, ab: np.ndarray) -> np.ndarray:
        """Never called."""
        raise ColorizeError("Its output vanished during the run.", "Run again.")

    def provenance(self) -> Provenance:
        """Return what the model would record."""
        return self._provenance


class _Loaded:
    """A colorizer with the batch size that suits its device: one forward pays on accelerators, hardly on a CPU."""

    def __init__(self, options: ColorizeOptions, *, alone: bool = False) -> None:
        from colorize_cli.inference.colorizer import Colorizer

        self._colorizer = Colorizer(
            options.model,
            weights=options.weights,
            device=options.device,
            precision=options.precision,
            vividness=options.vividness,
            size=options.sizes or None,
            strength=options.strength,
            hints=options.hints,
            offline=options.offline,
            accept_license=options.accept_license,
        )
        self.description = str(self._colorizer.compute)
        self.batch_size = 2 if self._colorizer.compute.device.type == "cpu" else 16
        self.predict = self._colorizer.predict
        # Many photographs are recombined side by side already: threads within one would only wait for each other.
        self.colorize = partial(self._colorizer.colorize, threads=None if alone else 1)
        self.provenance = self._colorizer.provenance


def make_predictor(plan: Plan, options: ColorizeOptions) -> Predictor:
    """Load the model, unless nothing is left to do. Raises :class:`ModelError` and :class:`DeviceError`."""
    remaining = (item for item in plan if item.state == "todo")
    if options.skip_existing and all(item.target and os.path.lexists(item.target) for item in remaining):
        return _NothingToPredict(options)
    return _Loaded(options, alone=plan.todo == 1)


def expected_provenance(options: ColorizeOptions) -> Provenance:
    """Return what results of these options record, without loading the model; raises :class:`ModelError`."""
    entry = get(options.model)
    path = find_weights(entry, options.weights, offline=options.offline, accept_license=options.accept_license)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    parameters = {"size": ",".join(map(str, options.sizes or (entry.input_size,)))}
    if options.vividness is not None:
        parameters["vividness"] = f"{options.vividness:g}"
    if options.strength != 1.0:
        parameters["strength"] = f"{options.strength:g}"
    if options.hints is not None:
        parameters["hints"] = hints_digest(read_hints(options.hints))
    return Provenance(options.model, digest, __version__, parameters)


def foresee(plan: Plan, options: ColorizeOptions) -> Iterator[Outcome]:
    """Yield for each photograph what a run would do (``--dry-run``), as far as it can be known without reading it."""
    expected = expected_provenance(options) if options.skip_existing else None
    for item in plan:
        if item.state != "todo":
            yield Outcome(item.source, item.target, item.state, item.reason)
        elif expected is not None and item.target is not None and os.path.lexists(item.target):
            yield Outcome(item.source, item.target, "skipped", skip_reason(item.target, expected))
        else:
            yield Outcome(item.source, item.target, "done")


def skip_reason(target: Path, expected: Provenance) -> str:
    """Return why an existing ``target`` is left alone on resuming: it is this very result, or something else."""
    try:
        found = read_provenance(target)
    except (ColorizeError, OSError):
        found = None
    if found is None:
        return f"'{target}' exists and bears no record of colorize; it was left alone."
    if found.model != expected.model:
        return f"'{target}' exists, made by model '{found.model}'; it was left alone."
    if found.weights_sha256 != expected.weights_sha256:
        return f"'{target}' exists, made by other weights; it was left alone."
    if found.parameters != expected.parameters:
        return f"'{target}' exists, made with other options; it was left alone."
    return ALREADY_DONE
