"""The options of a training run: one frozen object for the command line and the library."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from colorize_cli.errors import UsageProblem

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
FREE_TO_CHANGE = frozenset(
    {"photos", "output", "resume", "workers", "save_every", "cache_gb", "max_steps", "keep_every"}
)
"""Options that a resumed run may have different: they do not change what the weights become."""


@dataclass(frozen=True)
class TrainOptions:
    """All options of ``colorize train``; None uses the recipe's value.

    ``photos``: folders, .zip archives or single photos. ``output``: the run's folder. ``epochs``: of all stages
    together, shared out in the recipe's proportions; fractions are allowed. ``lr``: learning rate of every stage, its
    groups in proportion. ``size``: pixels of the square each stage ends with. ``accumulate``: parts a batch is worked
    off in. ``stages``: names of the recipe's stages to run, all when empty. ``encoder``: ``scratch``, ``imagenet``,
    ``hub``, a model with bundled weights, or a file.
    ``save_every``: minutes. ``cache_gb``: disk for decoded photos. ``validation_share``: of the photos,
    by content; ``validation_photos``: how many of them are judged at most. ``early_stopping``: a stage ends
    after so many epochs without a better validation PSNR. ``keep_every``: epochs of which the weights are kept.
    """

    photos: tuple[Path, ...]
    output: Path
    model: str = "gan"
    variant: str | None = None
    recipe: str | None = None
    stages: tuple[str, ...] = ()
    epochs: float | None = None
    batch_size: int | None = None
    accumulate: int = 1
    lr: float | None = None
    size: int | None = None
    workers: int | None = None
    resume: bool = False
    init: Path | None = None
    encoder: str | None = None
    validation: Path | None = None
    validation_share: float = 0.03
    validation_photos: int = 512
    save_every: float = 5.0
    max_steps: int | None = None
    cache_gb: float = 4.0
    smoke: bool = False
    early_stopping: int | None = None
    keep_every: int | None = None
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"

    def __post_init__(self) -> None:
        """Reject invalid values before anything is read."""
        if not self.photos:
            raise UsageProblem("No photos to train on.", "Give folders or .zip archives of color photographs.")
        if self.precision not in PRECISIONS:
            raise UsageProblem(f"There is no precision {self.precision!r}.", f"Choose from {', '.join(PRECISIONS)}.")
        for name, least in (("lr", 0), ("save_every", 0), ("epochs", 0)):
            value = getattr(self, name)
            if value is not None and not value > least:
                raise UsageProblem(f"--{name.replace('_', '-')} {value:g} must be above {least}.")
        for name, least in (
            ("batch_size", 1),
            ("accumulate", 1),
            ("size", 32),
            ("workers", 0),
            ("max_steps", 1),
            ("early_stopping", 1),
            ("keep_every", 1),
            ("validation_photos", 1),
        ):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UsageProblem(f"--{name.replace('_', '-')} {value} must be at least {least}.")
        if not 0 < self.validation_share < 1:
            raise UsageProblem(f"--validation-share {self.validation_share:g} must be between 0 and 1.")
        if self.cache_gb < 0:
            raise UsageProblem(
                f"--cache-gb {self.cache_gb:g} cannot be negative.", "Use 0 to decode the photos again in every epoch."
            )
        if self.init is not None and self.encoder is not None:
            raise UsageProblem("--init and --encoder cannot be combined.", "Use one of them.")

    def decisive(self) -> dict[str, object]:
        """Return the options that affect the weights, as JSON values."""
        chosen = {name: value for name, value in asdict(self).items() if name not in FREE_TO_CHANGE}
        result: dict[str, object] = json.loads(json.dumps(chosen, default=str, sort_keys=True))
        return result
