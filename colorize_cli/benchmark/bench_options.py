"""What ``colorize bench`` is asked to time: one frozen object for the command line and the library alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from colorize_cli.compute import PRECISIONS, available_cores
from colorize_cli.entry import DEFAULT_MODEL
from colorize_cli.errors import UsageProblem
from colorize_cli.option import HARDWARE, MODEL, Option, check

LARGEST_MEGAPIXELS = 200.0
PHOTOS, PIPELINE = "Photos", "Batch engine"
"""Headings of the help."""


def split_words(values: Sequence[str] | None) -> tuple[str, ...]:
    """Split values given as ``a,b`` or one by one into single words, without repeats."""
    words = (word.strip() for value in values or () for word in value.split(","))
    return tuple(dict.fromkeys(word for word in words if word))


def split_numbers(values: Sequence[str] | None) -> tuple[float, ...]:
    """Split values given as ``2,12`` or one by one into numbers; raises ValueError for any other word."""
    return tuple(map(float, split_words(values)))


def split_whole_numbers(values: Sequence[str] | None) -> tuple[int, ...]:
    """Split values given as ``1,4`` or one by one into whole numbers; raises ValueError for any other word."""
    return tuple(map(int, split_words(values)))


@dataclass(frozen=True)
class BenchOptions:
    """Every axis of a benchmark; values that cannot be measured raise :class:`ColorizeError` on construction."""

    models: Annotated[
        tuple[str, ...],
        Option(
            "Models, separated by commas",
            MODEL,
            ("--model", "-m"),
            "MODEL[,...]",
            parse=split_words,
            many=True,
            everyday=True,
        ),
    ] = (DEFAULT_MODEL,)
    devices: Annotated[
        tuple[str, ...],
        Option(
            "Devices, separated by commas",
            HARDWARE,
            ("--device",),
            "DEVICE[,...]",
            parse=split_words,
            many=True,
            unset="cpu,cuda; cpu,mps on a Mac",
            everyday=True,
        ),
    ] = ("cpu", "cuda")
    precisions: Annotated[
        tuple[str, ...],
        Option(
            "auto, fp32, bf16, fp16",
            HARDWARE,
            ("--precision",),
            "NAME[,...]",
            parse=split_words,
            many=True,
            choices=PRECISIONS,
        ),
    ] = ("auto",)
    batches: Annotated[
        tuple[int, ...],
        Option(
            "Numbers of photos predicted together",
            PHOTOS,
            ("--batch",),
            "N[,...]",
            parse=split_whole_numbers,
            many=True,
            least=1,
        ),
    ] = (1, 4)
    sizes: Annotated[
        tuple[float, ...],
        Option(
            "Megapixels of the photos",
            PHOTOS,
            ("--sizes",),
            "MP[,...]",
            parse=split_numbers,
            many=True,
            above=0,
            everyday=True,
        ),
    ] = (2.0, 12.0)
    weights: Annotated[
        str | None, Option("Weights to use", MODEL, metavar="FILE|FOLDER|hf://...", unset="the model's own")
    ] = None
    size: Annotated[int | None, Option("Working size of the model", PHOTOS, metavar="PIXELS", unset="the model's")] = (
        None
    )
    threads: Annotated[
        int | None, Option("Threads of torch and OpenCV", HARDWARE, metavar="N", least=1, unset="cores")
    ] = None
    quick: Annotated[bool, Option("Take fewer samples: a rough figure, not one to quote", PHOTOS, everyday=True)] = (
        False
    )
    files: Annotated[int, Option("Number of generated scans", PIPELINE, metavar="N", least=1)] = 24
    rounds: Annotated[int, Option("Number of measurements of each part", PIPELINE, metavar="N", least=1)] = 3

    def __post_init__(self) -> None:
        """Refuse what cannot be measured before anything is loaded."""
        from colorize_cli.registry import get

        for model in self.models:
            get(model)
        check(self)
        if self.weights is not None and len(self.models) > 1:
            raise UsageProblem("--weights belongs to one model, but several are named.", "Name one model with -m.")
        if any(size > LARGEST_MEGAPIXELS for size in self.sizes):
            raise UsageProblem(
                f"--sizes are megapixels of photos, up to {LARGEST_MEGAPIXELS:g}.", "Use for example 2,12,24."
            )

    @property
    def used_threads(self) -> int:
        """Threads given to torch and OpenCV."""
        return self.threads or available_cores()


def check_endings(export: Path | None, plot: Path | None) -> None:
    """Raise :class:`UsageProblem` for a file whose ending does not say what to write, before anything is measured."""
    from colorize_cli.tables import check_export

    if export is not None:
        check_export(export)
    if plot is not None and plot.suffix.lower() != ".png":
        raise UsageProblem(f"--plot {plot} is not a .png file.", "Name a file that ends in .png.")
