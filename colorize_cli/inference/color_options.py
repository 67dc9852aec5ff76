"""What a :class:`~colorize_cli.inference.colorizer.Colorizer` can be asked for, in groups that commands inherit.

Importing this module imports neither torch nor numpy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from colorize_cli.entry import DEFAULT_MODEL, ModelEntry
from colorize_cli.errors import UsageProblem
from colorize_cli.option import (
    ACCEPT_LICENSE,
    COLOR,
    DEVICE,
    MODEL,
    OFFLINE,
    PRECISION,
    WEIGHTS,
    Option,
    check,
    check_value,
    declared,
    flag,
    number,
    recorded,
)

SMALLEST_SIZE, LARGEST_SIZE = 32, 2048
"""Limits of the working size, in pixels."""


def parse_sizes(text: str) -> tuple[int, ...]:
    """Return the working sizes that ``256`` or ``256,384`` stand for; raises ValueError."""
    return tuple(int(part) for part in text.split(","))


def _digest(hints: Any) -> str:
    from colorize_cli.inference.hints import hints_digest, read_hints

    return hints_digest(read_hints(hints))


def _reference(reference: Any) -> str:
    from colorize_cli.inference.reference import read_reference

    return read_reference(reference).recorded


@dataclass(frozen=True, kw_only=True)
class ColorOptions:
    """What a photograph looks like in color."""

    vividness: Annotated[
        float | None,
        Option(
            "How strongly to favor vivid but less likely colors",
            COLOR,
            between=(0, 1),
            unset="the model's",
            everyday=True,
            records=number,
        ),
    ] = None
    strength: Annotated[
        float,
        Option("How much of the predicted color to apply", COLOR, between=(0, 1), everyday=True, records=number),
    ] = 1.0
    size: Annotated[
        int | tuple[int, ...] | None,
        Option(
            "Working size of the model, 32 to 2048; the median of several sizes is more stable",
            COLOR,
            metavar="PIXELS[,...]",
            between=(SMALLEST_SIZE, LARGEST_SIZE),
            unset="the model's",
            parse=parse_sizes,
            everyday=True,
        ),
    ] = None
    hints: Annotated[
        Any,  # a path or a PIL image
        Option(
            "Image with strokes of the right colors, transparent or gray elsewhere; FOLDER or beside: NAME-hints.png "
            "for each photo",
            COLOR,
            metavar="IMAGE|FOLDER|beside",
            everyday=True,
            records=_digest,
        ),
    ] = None
    reference: Annotated[
        Any,  # a path, a PIL image or a Reference
        Option(
            "Color photo of the same people, clothes or place; its colors guide those of photos that show the same",
            COLOR,
            metavar="PHOTO",
            everyday=True,
            records=_reference,
        ),
    ] = None
    keep_borders: Annotated[
        bool,
        Option(
            "Do not crop black or white scan borders before prediction",
            COLOR,
            records=lambda _: "kept",
            record_as="borders",
        ),
    ] = False

    @property
    def sizes(self) -> tuple[int, ...]:
        """The working sizes asked for; empty for the model's own."""
        return (self.size,) if isinstance(self.size, int) else self.size or ()


@dataclass(frozen=True, kw_only=True)
class DecodingOptions:
    """How a prediction becomes a color, for the models that have a choice (:attr:`ModelEntry.decoding`)."""

    temperature: Annotated[
        float | None,
        Option(
            "Softmax temperature: 0 takes the most likely color, 1 the mean of all (classifying models)",
            COLOR,
            between=(0, 10),
            unset="the model's",
            records=number,
        ),
    ] = None
    fallback: Annotated[
        float | None,
        Option(
            "Average similar colors where no color is more likely than this; 0 never does (-m classifier)",
            COLOR,
            metavar="PROBABILITY",
            between=(0, 1),
            unset="the model's",
            records=number,
        ),
    ] = None
    score_blur: Annotated[
        float | None,
        Option(
            "Blur of the color scores, in pixels of the working size (classifying models)",
            COLOR,
            metavar="SIGMA",
            between=(0, 100),
            unset="the model's",
            records=number,
        ),
    ] = None
    smoothing: Annotated[
        float | None,
        Option(
            "Weight of total-variation smoothing, for models that offer it",
            COLOR,
            metavar="WEIGHT",
            between=(0, 1000),
            unset="the model's",
            records=number,
        ),
    ] = None

    paper_iterations: Annotated[
        int | None,
        Option(
            "Solve the paper's own equations with at most N solver steps instead of spreading hints along lightness "
            "(-m ols, ridge, lasso, elasticnet)",
            COLOR,
            metavar="N",
            between=(0, 100_000),
            records=number,
        ),
    ] = None

    @property
    def decoding(self) -> dict[str, float]:
        """The choices that were made, by the names that networks know."""
        return {name: getattr(self, name) for name in DECODING if getattr(self, name) is not None}


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Which model, and where its weights come from."""

    model: Annotated[
        str,
        Option("Model; `colorize models list` shows all", MODEL, ("--model", "-m"), "MODEL", everyday=True),
    ] = DEFAULT_MODEL
    weights: Annotated[str | Path | None, WEIGHTS] = None
    offline: Annotated[bool, OFFLINE] = False
    accept_license: Annotated[bool, ACCEPT_LICENSE] = False


@dataclass(frozen=True, kw_only=True)
class MachineOptions:
    """What to compute on."""

    device: Annotated[str, replace(DEVICE, everyday=True)] = "auto"
    precision: Annotated[str, PRECISION] = "auto"


@dataclass(frozen=True, kw_only=True)
class ColorizerOptions(MachineOptions, ModelOptions, DecodingOptions, ColorOptions):
    """Every choice of a :class:`~colorize_cli.inference.colorizer.Colorizer`.

    ``hints``, ``reference``: the path of a picture or a PIL image. ``size``: one working size, or several for their
    median.
    """

    def __post_init__(self) -> None:
        """Refuse values out of range. Raises :class:`UsageProblem`."""
        check(self)


DECODING: tuple[str, ...] = tuple(declared(DecodingOptions))
"""The names of the decoding options, as a network's ``chroma`` knows them."""


def check_decoding_values(decoding: Mapping[str, float]) -> None:
    """Raise :class:`UsageProblem` for a decoding option that does not exist or a value out of range."""
    options = declared(DecodingOptions)
    for name, value in decoding.items():
        if name not in options:
            raise UsageProblem(f"There is no decoding option '{name}'.", f"Choose from {', '.join(DECODING)}.")
        check_value(name, options[name], value)


def recorded_parameters(options: ColorizerOptions, size: int, *, but: tuple[str, ...] = ()) -> dict[str, str]:
    """Return what a result records of the options: always the working size, by default ``size``, the checkpoint's own.

    ``but``: fields to leave out.
    """
    return {"size": ",".join(map(str, options.sizes or (size,)))} | recorded(options, but=but)


def default_parameters(
    options: ColorizerOptions, entry: ModelEntry, own: Mapping[str, float], *, but: Mapping[str, str]
) -> dict[str, str]:
    """Return the values in effect of the options that were not given, as text by name.

    ``own``: what the checkpoint takes for its decoding options; ``but``: what was given, see
    :func:`recorded_parameters`.
    """
    names = (*entry.decoding, *(("vividness",) if entry.vividness else ()))
    values = {"strength": number(options.strength), "borders": "cropped"}
    values |= {name: number(round(own[name], 6)) for name in names if name in own}
    return {name: value for name, value in values.items() if name not in but}


def check_decoding(entry: ModelEntry, decoding: Mapping[str, float]) -> None:
    """Raise :class:`UsageProblem` for a decoding option that this model does not have, or a value out of range."""
    from colorize_cli import registry

    check_decoding_values(decoding)
    for name in decoding:
        if name not in entry.decoding:
            others = [other.name for other in registry.ENTRIES.values() if name in other.decoding]
            known = f" Models that take it: {', '.join(others)}." if others else ""
            raise UsageProblem(f"Model '{entry.name}' does not take {flag(name)}.", f"Leave it out.{known}")
