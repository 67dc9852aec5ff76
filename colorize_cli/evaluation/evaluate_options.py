"""What ``colorize evaluate`` is asked to do: frozen objects for the command line and the library alike.

Importing this module imports neither torch nor numpy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from colorize_cli.compute import available_cores
from colorize_cli.entry import DEFAULT_MODEL
from colorize_cli.errors import OutputExists, UsageProblem
from colorize_cli.inference.color_options import DecodingOptions, MachineOptions
from colorize_cli.option import ACCEPT_LICENSE, COLOR, HARDWARE, MODEL, OFFLINE, Option, check

DEFAULT_PROTOCOL = "stretch256"
DEFAULT_TRIALS = 40
KINDS = ("fool", "prefer", "rate")
MEASUREMENT, RESULTS, STUDY = "Measurement", "Results", "User study"
"""Headings of the help."""


def parse_model(word: str) -> tuple[str, str | None]:
    """Split the value of ``-m``, ``NAME`` or ``NAME=WEIGHTS``, into the model and its weights."""
    model, separator, weights = word.partition("=")
    if not model or (separator and not weights):
        raise UsageProblem(f"-m {word} is neither MODEL nor MODEL=WEIGHTS.", "Write for example -m gan.")
    return model, weights or None


def parse_models(words: Sequence[str]) -> list[tuple[str, str | None]]:
    """Split every value of ``-m``."""
    return [parse_model(word) for word in words]


def pair_with_weights(pairs: Sequence[tuple[str, str | None]], weights: Sequence[str]) -> list[tuple[str, str | None]]:
    """Return (model, weights) for every ``-m``, with the ``--weights`` given beside them.

    One ``-m`` may have several ``--weights`` (checkpoints of one model); several ``-m`` need as many ``--weights``, in
    the same order. Raises :class:`UsageProblem` for everything else.
    """
    if not weights:
        return list(pairs)
    if any(own is not None for _, own in pairs):
        raise UsageProblem("-m MODEL=WEIGHTS and --weights both name weights.", "Use only one of them.")
    if len(pairs) == 1:
        return [(pairs[0][0], path) for path in weights]
    if len(pairs) != len(weights):
        raise UsageProblem(
            f"{len(pairs)} models cannot be paired with {len(weights)} --weights.", "Use -m MODEL=WEIGHTS instead."
        )
    return [(model, path) for (model, _), path in zip(pairs, weights, strict=True)]


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(MachineOptions, DecodingOptions):
    """Every choice of an evaluation; values that make no sense raise :class:`UsageProblem` on construction.

    ``models``: (registry name, weights or None), or with ``weights`` beside them. ``vividness``: values to try, each a
    contender of its own. ``limit``: so many photographs, chosen by ``seed``.
    """

    places: Annotated[
        Sequence[Path],
        Option("Color photographs: files, folders and .zip archives", metavar="PHOTO", argument=True, many=True),
    ] = ()
    models: Annotated[
        Sequence[tuple[str, str | None]],
        Option(
            "Model to evaluate; repeat to compare several",
            MODEL,
            ("--model", "-m"),
            "MODEL[=WEIGHTS]",
            parse=parse_models,
            many=True,
            unset=DEFAULT_MODEL,
            everyday=True,
        ),
    ] = ((DEFAULT_MODEL, None),)
    weights: Annotated[
        Sequence[str],
        Option(
            "Weights to use; repeat for several checkpoints of one model",
            MODEL,
            metavar="FILE|FOLDER|hf://...",
            many=True,
            unset="the model's own",
        ),
    ] = ()
    offline: Annotated[bool, OFFLINE] = False
    accept_license: Annotated[bool, ACCEPT_LICENSE] = False
    output: Annotated[
        Path | None,
        Option(
            "Folder for rows, summary and HTML report; an interrupted run resumes in it",
            RESULTS,
            ("--output", "-o"),
            "FOLDER",
            everyday=True,
            in_file=False,
        ),
    ] = None
    overwrite: Annotated[bool, Option("Replace existing results", RESULTS, in_file=False)] = False
    protocol: Annotated[
        str,
        Option(
            "native, stretch256, crop256 or that of a paper; see docs/metrics.md",
            MEASUREMENT,
            metavar="NAME",
            everyday=True,
        ),
    ] = DEFAULT_PROTOCOL
    limit: Annotated[
        int | None,
        Option(
            "Evaluate on this many of the photos, chosen by --seed", MEASUREMENT, metavar="N", least=1, everyday=True
        ),
    ] = None
    vividness: Annotated[
        Sequence[float], Option("Vividness; repeat to compare several values", COLOR, many=True, between=(0, 1))
    ] = ()
    size: Annotated[int | None, Option("Working size of the models", COLOR, metavar="PIXELS", unset="each model's")] = (
        None
    )
    known_pixels: Annotated[
        float | None,
        Option(
            "Give the models the true color of this share of pixels as hints",
            MEASUREMENT,
            metavar="SHARE",
            between=(0, 1),
        ),
    ] = None
    fid: Annotated[bool, Option("Also compute FID (extra `metrics`)", MEASUREMENT)] = False
    kid: Annotated[bool, Option("Also compute KID (extra `metrics`)", MEASUREMENT)] = False
    realism: Annotated[
        bool, Option("Also compute KID and top-1 agreement by an ImageNet network (extra `encoder`)", MEASUREMENT)
    ] = False
    lpips: Annotated[
        Sequence[str],
        Option(
            "Also compute LPIPS (extra `metrics`); may be repeated",
            MEASUREMENT,
            metavar="alex|vgg",
            many=True,
            choices=("alex", "vgg"),
        ),
    ] = ()
    seed: Annotated[int, Option("Seed of --limit, --known-pixels, intervals and studies", MEASUREMENT)] = 0
    batch: Annotated[int, Option("Photos predicted together", HARDWARE, metavar="N", least=1)] = 8
    workers: Annotated[
        int, Option("Photos decoded and measured at the same time", HARDWARE, ("--jobs", "-j"), "N", least=1,
                    unset="cores")
    ] = 0  # fmt: skip

    def __post_init__(self) -> None:
        """Refuse values that make no sense before anything is read or loaded."""
        object.__setattr__(self, "models", pair_with_weights(self.models, self.weights))
        if not self.workers:
            object.__setattr__(self, "workers", available_cores())
        # A precision that does not exist is refused with the device, by its exit code.
        check(self, but=("precision",))
        from colorize_cli.evaluation.protocols import find_protocol
        from colorize_cli.evaluation.results import RECORD

        find_protocol(self.protocol)
        if self.output is not None and (self.output / RECORD).exists() and not self.overwrite:
            raise OutputExists(f"'{self.output}' already holds results.", "Choose another -o, or use --overwrite.")
        if not self.models:
            raise UsageProblem("No model was named.", "Name one with -m.")


@dataclass(frozen=True)
class StudyOptions:
    """A user study; ``exposure``: seconds that the pictures of a trial stay visible, None for no limit."""

    kind: Annotated[
        str,
        Option(
            "fool (real or artificial?), prefer (which of two models?) or rate (1 to 5)",
            STUDY,
            ("--study-kind",),
            "KIND",
            choices=KINDS,
        ),
    ] = "fool"
    trials: Annotated[int, Option("Number of questions", STUDY, ("--study-trials",), "N", least=1)] = DEFAULT_TRIALS
    exposure: Annotated[
        float | None, Option("Hide the pictures after this time", STUDY, metavar="SECONDS", between=(0.05, 600))
    ] = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values out of range. Raises :class:`UsageProblem`."""
        check(self)
