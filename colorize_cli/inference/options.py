"""What a colorizing run is asked to do: one frozen object for the command line and the library alike."""

import os
from dataclasses import dataclass
from pathlib import Path

from colorize_cli.errors import UsageProblem

PRECISIONS = ("auto", "fp32", "bf16", "fp16")


def available_cores() -> int:
    """Return how many processor cores this process may use (a container or ``taskset`` may allow fewer than exist)."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


@dataclass(frozen=True)
class ColorizeOptions:
    """Every choice of ``colorize``; fields that contradict each other raise :class:`UsageProblem` on construction.

    ``output`` keeps the string the user wrote, because a trailing ``/`` means a folder; ``None`` is beside the input.
    ``strength`` is the share of the predicted chroma that is applied, 0 to 1. ``vividness`` and ``size`` (side of the
    model's working square in pixels) are the model's own default where ``None``; several sizes make a consensus.
    ``quality`` is 1 to 100.
    """

    model: str = "gan"
    output: str | None = None
    overwrite: bool = False
    skip_existing: bool = False
    format: str | None = None
    quality: int | None = None
    max_megapixels: float = 500.0
    device: str = "auto"
    precision: str = "auto"
    weights: str | None = None
    seed: int | None = None
    strength: float = 1.0
    vividness: float | None = None
    size: int | tuple[int, ...] | None = None
    hints: str | None = None
    offline: bool = False
    accept_license: bool = False
    jobs: int | None = None
    dry_run: bool = False
    report: Path | None = None
    failed_list: Path | None = None

    def __post_init__(self) -> None:
        """Refuse combinations and values that make no sense, before anything is read or loaded."""
        if self.overwrite and self.skip_existing:
            raise UsageProblem("--overwrite and --skip-existing contradict each other.", "Give one of them.")
        if self.precision not in PRECISIONS:
            raise UsageProblem(f"There is no precision '{self.precision}'.", f"Choose from {', '.join(PRECISIONS)}.")
        if not 0.0 <= self.strength <= 1.0:
            raise UsageProblem(f"--strength {self.strength:g} is outside 0 to 1.", "0 leaves gray, 1 is full color.")
        if self.vividness is not None and not 0.0 <= self.vividness <= 1.0:
            raise UsageProblem(f"--vividness {self.vividness:g} is outside 0 to 1.", "0 is safe and pale, 1 is vivid.")
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise UsageProblem(f"--quality {self.quality} is outside 1 to 100.")
        if not self.max_megapixels > 0:
            raise UsageProblem(f"--max-megapixels {self.max_megapixels:g} leaves nothing to colorize.")
        if self.sizes and min(self.sizes) < 32:
            raise UsageProblem(f"--size {min(self.sizes)} is too small.", "The working size is at least 32 pixels.")
        if self.jobs is not None and self.jobs < 1:
            raise UsageProblem(f"--jobs {self.jobs} makes no progress.", "Give 1 or more.")
        if self.output == "":
            raise UsageProblem("-o is empty.", "Give a file, a folder, or - for standard output.")

    @property
    def sizes(self) -> tuple[int, ...]:
        """The working sizes asked for; empty for the model's own."""
        return (self.size,) if isinstance(self.size, int) else self.size or ()

    @property
    def workers(self) -> int:
        """How many threads read, and how many recombine and write: ``--jobs``, or the cores at hand."""
        return self.jobs or available_cores()
