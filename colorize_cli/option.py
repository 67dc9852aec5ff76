"""How an option is declared: once, in the dataclass of its command, as ``Annotated[type, Option(...)]``.

This declaration defines the command-line parameter and its help, the environment variable, the key in
``colorize.toml``, the range check, and the value that a result records.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from colorize_cli.compute import PRECISIONS
from colorize_cli.errors import UsageProblem

MODEL, COLOR, HARDWARE, MESSAGES = "Model", "Color", "Hardware", "Messages"
"""Help headings that several commands share."""


@dataclass(frozen=True)
class Option:
    """One option of a command.

    ``flags``: its names on the command line, by default that of the field. ``between``: its range, both ends included;
    ``least``: its minimum; ``above``: a limit that it must exceed; ``choices``: its only values. ``unset``: the help's
    description of the default. ``parse`` converts the word on the command line, or the list of words with ``many``, to
    the value, and raises ValueError. ``everyday``: shown by ``--help``; all others are shown by ``--help-all``.
    ``in_file``: may be set in ``colorize.toml``; ``everywhere``: set there and in the environment for all commands at
    once. ``argument``: positional. ``records`` converts the value to the text that a result records, under the name
    ``record_as``, by default that of the field.
    """

    help: str
    heading: str = ""
    flags: tuple[str, ...] = ()
    metavar: str | None = None
    between: tuple[float, float] | None = None
    least: float | None = None
    above: float | None = None
    choices: tuple[str, ...] = ()
    unset: str = ""
    parse: Callable[[Any], Any] | None = None
    many: bool = False
    everyday: bool = False
    in_file: bool = True
    everywhere: bool = False
    argument: bool = False
    records: Callable[[Any], str] | None = None
    record_as: str = ""


WEIGHTS = Option(
    "Weights to use: a file, a folder, hf://OWNER/REPO/FILE@REVISION, or the name of a published checkpoint",
    MODEL,
    metavar="FILE|FOLDER|hf://...",
    unset="the model's own",
)
OFFLINE = Option("Never access the network; use cached weights", MODEL, everywhere=True)
ACCEPT_LICENSE = Option("Accept the license of weights that forbid commercial use", MODEL, in_file=False)
DEVICE = Option("auto, cpu, cuda, cuda:N or mps", HARDWARE, metavar="DEVICE", everywhere=True)
PRECISION = Option(
    "Arithmetic: auto, fp32, bf16 or fp16", HARDWARE, metavar="NAME", choices=PRECISIONS, everywhere=True
)
"""Options that several commands share."""


def number(value: float) -> str:
    """Return a number as text for a result's record: ``0.5``, ``1``."""
    return f"{value:g}"


@cache
def declared(options: Any) -> Mapping[str, Option]:
    """Return the options that a dataclass and its bases declare, by field."""
    hints = get_type_hints(options, include_extras=True)
    found = {field.name: option_of(hints[field.name]) for field in fields(options)}
    return {name: option for name, option in found.items() if option is not None}


def option_of(annotation: Any) -> Option | None:
    """Return the declaration in ``Annotated[type, Option(...)]``, None if there is none."""
    extras = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return next((extra for extra in extras if isinstance(extra, Option)), None)


def flag(name: str) -> str:
    """Return the command-line name of a field's option: ``--score-blur``."""
    return f"--{name.replace('_', '-')}"


def check(options: Any, *, but: tuple[str, ...] = ()) -> None:
    """Check every value against its declaration, except those of the fields ``but``. Raises :class:`UsageProblem`."""
    for name, option in declared(options.__class__).items():
        if name not in but:
            check_value(name, option, getattr(options, name))


def check_value(name: str, option: Option, value: Any) -> None:
    """Check one value, or each of several; None is always valid. Raises :class:`UsageProblem`."""
    if isinstance(value, tuple | list):
        for one in value:
            check_value(name, option, one)
    elif value is not None and (rule := _broken_rule(option, value)):
        shown = f"{value:g}" if isinstance(value, float) else f"'{value}'" if isinstance(value, str) else value
        raise UsageProblem(f"{(option.flags or (flag(name),))[0]} must be {rule}, not {shown}.")


def _broken_rule(option: Option, value: Any) -> str:
    if option.between is not None and not option.between[0] <= value <= option.between[1]:
        return f"between {option.between[0]:g} and {option.between[1]:g}"
    if option.least is not None and value < option.least:
        return f"at least {option.least:g}"
    if option.above is not None and not value > option.above:
        return f"above {option.above:g}"
    if option.choices and value not in option.choices:
        return f"one of {', '.join(option.choices)}"
    return ""


def recorded(options: Any, *, beyond: Any = None, but: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the options that results record, as text by name: those that differ from their default.

    ``beyond``: omit the fields of this dataclass; ``but``: omit these fields.
    """
    left_out = {*but, *(declared(beyond) if beyond is not None else ())}
    defaults = {field.name: field.default for field in fields(options)}
    return {
        option.record_as or name: option.records(getattr(options, name))
        for name, option in declared(options.__class__).items()
        if option.records is not None and name not in left_out and getattr(options, name) not in (None, defaults[name])
    }
