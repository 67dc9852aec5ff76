"""What ``colorize bench`` is asked to time: one frozen object for the command line and the library alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from colorize_cli.compute import PRECISIONS, available_cores
from colorize_cli.errors import UsageProblem
from colorize_cli.registry import DEFAULT_MODEL, get
from colorize_cli.tables import check_export

LARGEST_MEGAPIXELS = 200.0


@dataclass(frozen=True)
class BenchOptions:
    """Every axis of a benchmark; values that make no sense raise :class:`ColorizeError` on construction.

    ``sizes``: megapixels of the photographs; ``size``: working size of the network, the model's own where None.
    ``threads``: given to torch and OpenCV, the cores at hand where None. ``quick``: fewer samples than a figure to
    quote needs. ``files``: how many scans the pipeline generates. ``rounds``: how often it measures each of its parts.
    """

    models: tuple[str, ...] = (DEFAULT_MODEL,)
    devices: tuple[str, ...] = ("cpu", "cuda")
    precisions: tuple[str, ...] = ("auto",)
    batches: tuple[int, ...] = (1, 4)
    sizes: tuple[float, ...] = (2.0, 12.0)
    weights: str | None = None
    size: int | None = None
    threads: int | None = None
    quick: bool = False
    files: int = 24
    rounds: int = 3

    def __post_init__(self) -> None:
        """Refuse what cannot be measured before anything is loaded."""
        for model in self.models:
            get(model)
        if self.weights is not None and len(self.models) > 1:
            raise UsageProblem("--weights belongs to one model, and several are asked for.", "Give one -m.")
        for precision in self.precisions:
            if precision not in PRECISIONS:
                raise UsageProblem(f"There is no precision '{precision}'.", f"Choose from {', '.join(PRECISIONS)}.")
        if any(batch < 1 for batch in self.batches):
            raise UsageProblem("A batch has at least 1 photo.", "Give for example --batch 1,4,16.")
        if any(not 0 < size <= LARGEST_MEGAPIXELS for size in self.sizes):
            raise UsageProblem(
                f"--sizes are megapixels of photographs, up to {LARGEST_MEGAPIXELS:g}.", "Give for example 2,12,24."
            )
        if self.threads is not None and self.threads < 1:
            raise UsageProblem(f"--threads {self.threads} computes nothing.", "Give 1 or more.")
        if self.files < 1 or self.rounds < 1:
            raise UsageProblem("--files and --rounds are at least 1.")

    @property
    def used_threads(self) -> int:
        """Threads given to torch and OpenCV."""
        return self.threads or available_cores()


def split_words(values: Sequence[str] | None) -> tuple[str, ...]:
    """Split values given as ``a,b`` or one by one into single words, without repeats."""
    words = (word.strip() for value in values or () for word in value.split(","))
    return tuple(dict.fromkeys(word for word in words if word))


def split_numbers(values: Sequence[str] | None, option: str) -> tuple[float, ...]:
    """Split values given as ``1,4`` or one by one into numbers; raises :class:`UsageProblem` for any other word."""
    numbers = []
    for word in split_words(values):
        try:
            numbers.append(float(word))
        except ValueError:
            raise UsageProblem(f"{option} takes numbers, not '{word}'.", f"Give for example {option} 1,4.") from None
    return tuple(numbers)


def check_endings(export: Path | None, plot: Path | None) -> None:
    """Raise :class:`UsageProblem` for a file whose ending does not say what to write, before anything is measured."""
    if export is not None:
        check_export(export)
    if plot is not None and plot.suffix.lower() != ".png":
        raise UsageProblem(f"--plot {plot} is no .png file.", "Name a file that ends in .png.")
