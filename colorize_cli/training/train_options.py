"""The options of a training run: one frozen object for the command line and the library."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from colorize_cli.entry import DEFAULT_MODEL
from colorize_cli.errors import UsageProblem
from colorize_cli.inference.color_options import MachineOptions
from colorize_cli.option import HARDWARE, MODEL, Option, check

RECIPE, VALIDATION, RUN = "Recipe", "Validation", "Run"
"""Headings of the help."""
FREE_TO_CHANGE = frozenset(
    {"photos", "output", "resume", "workers", "save_every", "cache_gb", "max_steps", "keep_every"}
)
"""Options that may change when a run is resumed: they do not affect the weights."""


def parse_names(text: str) -> tuple[str, ...]:
    """Return the names in ``a,b``."""
    return tuple(name.strip() for name in text.split(","))


@dataclass(frozen=True)
class TrainOptions(MachineOptions):
    """Every option of ``colorize train``; None takes the recipe's value.

    ``photos``: folders, .zip archives or single photos. ``output``: the run's folder. ``epochs``: total of all
    stages, divided among them as in the recipe. ``validation_photos``: maximum number of validation photos.
    """

    photos: Annotated[
        tuple[Path, ...],
        Option("Folders and .zip archives of color photographs", metavar="PHOTOS", argument=True, many=True),
    ]
    output: Annotated[
        Path, Option("Folder of the run", RUN, ("--output", "-o"), "FOLDER", everyday=True, in_file=False)
    ]
    model: Annotated[
        str,
        Option("Model to train; `colorize models list` shows all", MODEL, ("--model", "-m"), "MODEL", everyday=True),
    ] = DEFAULT_MODEL
    variant: Annotated[str | None, Option("Architecture of the model", MODEL, metavar="NAME", unset="its first")] = None
    recipe: Annotated[
        str | None, Option("Training recipe", RECIPE, metavar="NAME", unset="the variant's first", everyday=True)
    ] = None
    stages: Annotated[
        tuple[str, ...],
        Option("Stages of the recipe to run", RECIPE, metavar="NAME,...", unset="all", parse=parse_names),
    ] = ()
    epochs: Annotated[
        float | None,
        Option(
            "Total epochs of all stages; fractions are allowed", RECIPE, above=0, unset="the recipe's", everyday=True
        ),
    ] = None
    batch_size: Annotated[int | None, Option("Batch size", RECIPE, least=1, unset="the recipe's", everyday=True)] = None
    accumulate: Annotated[
        int, Option("Gradient accumulation steps; more steps need less memory", RECIPE, metavar="N", least=1)
    ] = 1
    lr: Annotated[
        float | None,
        Option("Learning rate; layers with their own rates keep the ratio", RECIPE, above=0, unset="the recipe's"),
    ] = None
    size: Annotated[
        int | None,
        Option("Side of the training crops, in pixels", RECIPE, metavar="PIXELS", least=32, unset="the recipe's"),
    ] = None
    workers: Annotated[
        int | None, Option("Decoding processes", HARDWARE, metavar="N", least=0, unset="cores, at most 8")
    ] = None
    resume: Annotated[bool, Option("Resume the interrupted run in the folder", RUN, everyday=True, in_file=False)] = (
        False
    )
    init: Annotated[Path | None, Option("Start from these weights", MODEL, metavar="FILE")] = None
    encoder: Annotated[
        str | None,
        Option(
            "Initial weights of the encoder",
            MODEL,
            metavar="pretrained|scratch|imagenet|hub|MODEL|FILE",
            unset="the recipe's",
        ),
    ] = None
    validation: Annotated[
        Path | None,
        Option("Validation photos", VALIDATION, metavar="FOLDER|ZIP", unset="a share of PHOTOS, chosen by content"),
    ] = None
    validation_share: Annotated[
        float, Option("Share of PHOTOS to validate on, without --validation", VALIDATION, metavar="SHARE")
    ] = 0.03
    validation_photos: int = 512
    save_every: Annotated[float, Option("Interval between saved states", RUN, metavar="MINUTES", above=0)] = 5.0
    max_steps: Annotated[
        int | None, Option("Stop after this many steps in total; --resume continues", RUN, metavar="N", least=1)
    ] = None
    cache_gb: Annotated[
        float, Option("Disk space for decoded photos, in GB; 0 decodes them again every epoch", HARDWARE, least=0)
    ] = 4.0
    smoke: Annotated[
        bool, Option("Smoke test: a few steps of every stage; the weights are unusable", RUN, in_file=False)
    ] = False
    early_stopping: Annotated[
        int | None,
        Option(
            "End a stage after this many epochs without a better validation PSNR", VALIDATION, metavar="EPOCHS", least=1
        ),
    ] = None
    keep_every: Annotated[
        int | None,
        Option("Keep the weights every N epochs, as epoch-0001.safetensors and so on", RUN, metavar="N", least=1),
    ] = None
    seed: Annotated[int, Option("Random seed", RUN)] = 0

    def __post_init__(self) -> None:
        """Refuse values out of range before anything is read."""
        if not self.photos:
            raise UsageProblem("No training photos were given.", "Name folders or .zip archives of color photographs.")
        check(self)
        if self.validation_photos < 1:
            raise UsageProblem(f"validation_photos must be at least 1, not {self.validation_photos}.")
        if not 0 < self.validation_share < 1:
            raise UsageProblem(f"--validation-share must be between 0 and 1, not {self.validation_share:g}.")
        if self.init is not None and self.encoder is not None:
            raise UsageProblem("--init and --encoder both set the initial weights.", "Use only one of them.")

    def decisive(self) -> dict[str, object]:
        """Return the options that affect the weights, as JSON values."""
        chosen = {name: value for name, value in asdict(self).items() if name not in FREE_TO_CHANGE}
        result: dict[str, object] = json.loads(json.dumps(chosen, default=str, sort_keys=True))
        return result
