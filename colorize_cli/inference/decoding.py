"""Choices of how a prediction becomes a color, for the models that have them: temperature, fallback and others.

An entry of the registry names those its network's ``chroma`` takes (:attr:`ModelEntry.decoding`); what the user chose
is passed on under the same names. Importing this module imports no torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from colorize_cli.entry import ModelEntry
from colorize_cli.errors import UsageProblem
from colorize_cli.registry import ENTRIES


@dataclass(frozen=True)
class DecodingOption:
    """One choice: its range (both ends included) and what the value does, for error messages."""

    lowest: float
    highest: float
    effect: str


DECODING: Mapping[str, DecodingOption] = {
    "temperature": DecodingOption(0, 10, "0 takes the likeliest color, 1 the mean of all"),
    "fallback": DecodingOption(0, 1, "a probability under which similar colors are averaged; 0 never does"),
    "score_blur": DecodingOption(0, 100, "0 leaves scores as they are; the unit is a pixel of the working size"),
    "smoothing": DecodingOption(0, 1000, "0 leaves colors as they are; the unit is that of a*b*"),
    "paper_iterations": DecodingOption(0, 100_000, "0 spreads hints along lightness instead"),
}
"""Every choice there is, by the name that ``chroma`` knows it under; the command line writes ``--score-blur``."""


def check_values(decoding: Mapping[str, float]) -> None:
    """Raise :class:`UsageProblem` for a name there is not or a value out of range."""
    for name, value in decoding.items():
        if name not in DECODING:
            raise UsageProblem(f"There is no decoding option {name!r}.", f"There are: {', '.join(DECODING)}.")
        option = DECODING[name]
        if not option.lowest <= value <= option.highest:
            raise UsageProblem(
                f"{flag(name)} {value:g} is outside {option.lowest:g} to {option.highest:g}.",
                f"{option.effect[:1].upper()}{option.effect[1:]}.",
            )


def check_decoding(entry: ModelEntry, decoding: Mapping[str, float]) -> None:
    """Raise :class:`UsageProblem` for a choice that this model does not have, or whose value makes no sense."""
    check_values(decoding)
    for name in decoding:
        if name not in entry.decoding:
            others = [other.name for other in ENTRIES.values() if name in other.decoding]
            known = f" Models that take it: {', '.join(others)}." if others else ""
            raise UsageProblem(f"Model {entry.name!r} takes no {flag(name)}.", f"Leave it out.{known}")


def flag(name: str) -> str:
    """Return the option as the command line writes it."""
    return f"--{name.replace('_', '-')}"


def recorded(decoding: Mapping[str, float]) -> dict[str, str]:
    """Return the choices as a result's provenance records them, in a fixed order."""
    return {name: f"{decoding[name]:g}" for name in DECODING if name in decoding}
