"""Options of commands: those of the command line alone, and how declared ones become parameters.

Those of the command line alone are messages, presets, and options of commands without a dataclass of their own; for
declared ones see :mod:`colorize_cli.option`.
"""

import functools
import inspect
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import typer

from colorize_cli.cli.settings import described_presets, origin, variables
from colorize_cli.cli.terminal.console import LOG, Console
from colorize_cli.errors import UsageProblem
from colorize_cli.option import (
    ACCEPT_LICENSE,
    DEVICE,
    MESSAGES,
    MODEL,
    OFFLINE,
    PRECISION,
    WEIGHTS,
    Option,
    declared,
    flag,
    option_of,
)

Command = TypeVar("Command", bound=Callable[..., Any])

JSON = Option("Print results as JSON on standard output", MESSAGES, in_file=False)
QUIET = Option("Print warnings and errors only", MESSAGES, ("--quiet", "-q"), everywhere=True)

Json = Annotated[bool, JSON]
Quiet = Annotated[bool, QUIET]
Model = Annotated[str, Option("Model; `colorize models list` shows all", MODEL, ("--model", "-m"), "MODEL")]
Weights = Annotated[str | None, WEIGHTS]
Offline = Annotated[bool, OFFLINE]
AcceptLicense = Annotated[bool, ACCEPT_LICENSE]
Device = Annotated[str, DEVICE]
Precision = Annotated[str, PRECISION]
Overwrite = Annotated[bool, Option("Replace existing files", in_file=False)]
Preset = Annotated[str | None, Option(f"Set of options ({described_presets()})", "Output", metavar="NAME")]


@dataclass(frozen=True, kw_only=True)
class MessageOptions:
    """What a run of several photographs prints, and where."""

    json: Annotated[bool, JSON] = False
    quiet: Annotated[bool, QUIET] = False
    verbose: Annotated[
        bool,
        Option("Print every path, skipped photos, timings and tracebacks", MESSAGES, ("--verbose", "-v"),
               everywhere=True),
    ] = False  # fmt: skip
    log_file: Annotated[
        Path | None, Option("Append every message, with its time, to this file", MESSAGES, metavar="FILE")
    ] = None

    def console(self, ctx: typer.Context) -> Console:
        """Return the console that these options ask for; the log file is closed with the program."""
        if self.log_file is not None:
            LOG.open(self.log_file)
            ctx.find_root().call_on_close(LOG.close)
        return Console(quiet=self.quiet, verbose=self.verbose)


def complete_model(incomplete: str) -> list[str]:
    """Complete the names of the models."""
    from colorize_cli.registry import ENTRIES

    return [name for name in ENTRIES if name.startswith(incomplete)]


_PLACEHOLDERS = {int: "N", float: "NUMBER", str: "TEXT", Path: "FILE"}
_COMPLETIONS = {"model": complete_model, "models": complete_model}


def with_options(command: Command) -> Command:
    """Give ``command`` a parameter of the command line for every field of its dataclasses of options.

    Parameters annotated with a dataclass are replaced by its fields and passed as an object; those annotated with an
    :class:`Option` become one parameter; all others are left to typer. The result has the declarations as its attribute
    ``options``, by parameter.
    """
    parameters, options, groups = [], {}, {}
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        if is_dataclass(parameter.annotation):
            group: Any = parameter.annotation
            groups[parameter.name] = group
            hints, defaults = get_type_hints(group), {field.name: field.default for field in fields(group)}
            for name, option in declared(group).items():
                names = variables(command.__name__, name, option)
                parameters.append(_parameter(name, option, hints[name], defaults[name], names))
                options[name] = _with_default(option, defaults[name])
        elif (single := option_of(parameter.annotation)) is not None:
            annotated, names = get_args(parameter.annotation)[0], variables(command.__name__, parameter.name, single)
            parameters.append(_parameter(parameter.name, single, annotated, parameter.default, names))
            options[parameter.name] = single
        else:
            parameters.append(parameter)
    takes_context = "ctx" in {parameter.name for parameter in parameters}
    if not takes_context:
        parameters.insert(0, inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context))

    @functools.wraps(command)
    def run(ctx: typer.Context, **values: Any) -> Any:
        try:
            for name, option in options.items():
                values[name] = _parsed(name, option, values[name])
            for name, group in groups.items():
                given = {field: values.pop(field) for field in declared(group)}
                # What was not given is left to the dataclass.
                values[name] = group(**{field: value for field, value in given.items() if value is not None})
        except UsageProblem as problem:
            raise _with_origin(problem, ctx, options) from problem
        return command(**({"ctx": ctx} if takes_context else {}), **values)

    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.options = options  # type: ignore[attr-defined]
    return run  # type: ignore[return-value]


def _parameter(name: str, option: Option, annotation: Any, default: Any, environment: list[str]) -> inspect.Parameter:
    """Return the parameter that typer makes an option of."""
    kind = _word(annotation, option)
    optional: Any = kind if default is MISSING or kind is bool else kind | None
    if option.argument:
        info = typer.Argument(help=option.help, metavar=option.metavar, show_default=False)
    else:
        words = option.flags or (flag(name),)
        if kind is bool and not words[0].startswith("--no-"):
            words = (f"{words[0]}/--no-{words[0][2:]}", *words[1:])
        info = typer.Option(
            *words,
            help=option.help,
            metavar=option.metavar or _PLACEHOLDERS.get(kind),
            show_default=False,
            autocompletion=_COMPLETIONS.get(name),
            rich_help_panel=option.heading or None,
            envvar=environment or None,
            show_envvar=False,
        )
    unset = inspect.Parameter.empty if default in (MISSING, inspect.Parameter.empty) else default
    if option.many or option.parse:
        unset = inspect.Parameter.empty if unset is inspect.Parameter.empty else None
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[optional, info], default=unset)


def _with_default(option: Option, default: Any) -> Option:
    """Return the option with its default in words, where the parameter itself cannot have it."""
    if option.unset or not (option.many or option.parse) or not isinstance(default, tuple) or not default:
        return option
    shown = (f"{value:g}" if isinstance(value, float) else str(value) for value in default)
    return replace(option, unset=",".join(shown))


def _word(annotation: Any, option: Option) -> Any:
    """Return the type that the words of the command line are turned into."""
    if option.many:
        (inner, *_) = get_args(annotation) or (str,)
        return list[str] if option.parse or inner not in (int, float, Path) else list[inner]  # type: ignore[valid-type]
    if option.parse is not None:
        return str
    kinds = [kind for kind in _members(annotation) if kind is not NoneType]
    return kinds[0] if len(kinds) == 1 and kinds[0] in (bool, int, float, Path) else str


def _members(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) is UnionType else (annotation,)


def _parsed(name: str, option: Option, value: Any) -> Any:
    """Return the value that the words of one option stand for."""
    if not option.argument:
        value = [_at_home(option, one) for one in value] if isinstance(value, list) else _at_home(option, value)
    if value is None or option.parse is None:
        return tuple(value) if option.many and value is not None else value
    try:
        return option.parse(value)
    except ValueError:
        shown = ",".join(value) if option.many else value
        raise UsageProblem(
            f"{(option.flags or (flag(name),))[0]} cannot be '{shown}'.", f"Expected {option.metavar}."
        ) from None


def _at_home(option: Option, value: Any) -> Any:
    """Return a path with a leading ``~`` expanded; the shell does so only at the start of a word."""
    is_path = isinstance(value, Path) or (isinstance(value, str) and option.metavar not in (None, "TEXT"))
    if not is_path or not str(value).startswith("~"):
        return value
    text = str(value)
    whole = os.path.expanduser(text)  # noqa: PTH111 - it keeps a / at the end
    if whole == text and text.partition("/")[0] == "~":
        raise UsageProblem(f"'{text}': this user has no home folder.", "Write the whole path.")
    return type(value)(whole)


def _with_origin(problem: UsageProblem, ctx: Any, options: Mapping[str, Option]) -> UsageProblem:
    """Add where a refused value was set, unless on the command line."""
    remedy = problem.remedy
    for name, option in options.items():
        word = (option.flags or (flag(name),))[0]
        if re.search(rf"{word}(?![\w-])", problem.message) and (place := origin(ctx, name)):
            remedy = f"{remedy} {word} is set by {place}.".lstrip()
    return UsageProblem(problem.message, remedy)
