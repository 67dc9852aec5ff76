"""Commands with declared options: settings from files, and plain help in two lengths.

Rich panels would double the time of ``--help``.
"""

import glob
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup

from colorize_cli.cli import settings
from colorize_cli.errors import UsageProblem
from colorize_cli.option import Option

DEFAULT_LABEL = "Colorized"
ARGUMENTS, OPTIONS = "Arguments", "Options"
HEADINGS = (
    ARGUMENTS, "Watching", "Run", "Output", "Results", "Model", "Recipe", "Photos", "Batch engine", "Color",
    "Measurement", "Validation", "Review", "User study", "Large batches", "Hardware", "Messages", OPTIONS,
)  # fmt: skip
"""The headings of all commands in the order in which a help shows them."""
_RECURSIVE = {"-r", "-R", "--recursive"}


class _Converter:
    """Typer's conversion of a parameter's value, imported only for values that are not of its type yet."""

    def __init__(self, descriptor: Any) -> None:
        self._descriptor = descriptor

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value of a parameter in the type it was declared with."""
        kind = self._descriptor.annotation
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        if several and kind == list[str] and isinstance(value, tuple | list) and all(type(v) is str for v in value):
            return list(value)
        if not several and kind in (str, int, float, bool) and type(value) is kind:
            return value
        from typer._coercion import build_runtime_param

        return build_runtime_param(self._descriptor).coerce(value, param=param, ctx=ctx)


def convert_on_demand(parameters: Sequence[Any]) -> None:
    """Spare values that need no conversion from typer's: since 0.29 it uses pydantic, which takes 0.1 s to import."""
    for parameter in parameters:
        if getattr(parameter, "_runtime_param", parameter) is None:
            parameter._runtime_param = _Converter(parameter.type_descriptor)


class CommandGroup(TyperGroup):
    """A group whose help has the first sentence of every command in full."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the options of the group."""
        convert_on_demand(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands to the help."""
        rows = [
            (name, command.get_short_help_str(limit=200))
            for name in self.list_commands(ctx)
            if (command := self.get_command(ctx, name)) is not None and not command.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class OptionsCommand(TyperCommand):
    """A command whose options were declared: ``--help`` shows the everyday ones, ``--help-all`` every one."""

    @property
    def options(self) -> Mapping[str, Option]:
        """The declarations, by parameter."""
        return getattr(self.callback, "options", {})

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse with the values of files and presets as defaults, and with ``--label`` spelt out."""
        args = with_label_text(args) if "label" in self.options else args
        if "photos" in self.options and _RECURSIVE & set(args):
            raise UsageProblem("Folders are always searched with their subfolders.", "Leave out -r.")
        if "--help-all" in args:
            print(self.help_text(ctx, everything=True))
            ctx.exit()
        if self.options and not ctx.resilient_parsing and not {"-h", "--help"} & set(args):
            given, _, _ = self.make_parser(ctx).parse_args(args=list(args))
            ignored = settings.apply_settings(ctx, self.options, given, self._photos(given))
            if ignored is not None and not given.get("quiet"):
                print(f"Note: '{ignored}' is ignored: it is in the folder of the photos.", file=sys.stderr)
        convert_on_demand(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def _photos(self, given: Mapping[str, Any]) -> list[str]:
        names = [parameter.name for parameter in self.params if parameter.param_type_name == "argument"]
        words: list[str] = []
        for name in names:
            value = given.get(name) or ()
            words += [value] if isinstance(value, str) else value
        return words

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Write the usage line; the verb may be left out."""
        words = (word.replace("{", "").replace("}", "") for word in self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path.replace("colorize colorize", "colorize"), " ".join(words))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and the everyday options to the help."""
        self.write_options(ctx, formatter, everything=not any(option.everyday for option in self.options.values()))

    def help_text(self, ctx: Any, *, everything: bool) -> str:
        """Return the help in one of its two lengths."""
        formatter = ctx.make_formatter()
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        self.write_options(ctx, formatter, everything=everything)
        self.format_epilog(ctx, formatter)
        return formatter.getvalue().rstrip("\n")

    def write_options(self, ctx: Any, formatter: Any, *, everything: bool) -> None:
        """Write arguments and options under their headings."""
        groups: dict[str, list[tuple[str, str]]] = {heading: [] for heading in HEADINGS}
        for parameter in self.get_params(ctx):
            option = self.options.get(parameter.name)
            if option is not None and not option.argument and not everything and not option.everyday:
                continue
            record = described(parameter, option) if option is not None else parameter.get_help_record(ctx)
            if record is not None:
                argument = parameter.param_type_name == "argument"
                heading = ARGUMENTS if argument else getattr(parameter, "rich_help_panel", None) or OPTIONS
                groups.setdefault(heading, []).append(record)
        if not everything:
            groups[OPTIONS].append(("--help-all", "Show every option."))
        for heading, records in groups.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)


def described(parameter: Any, option: Option) -> tuple[str, str]:
    """Return the two columns of an option's line in the help: its names with a placeholder, and what it does."""
    names = ", ".join(sorted(parameter.opts, key=len))
    if parameter.param_type_name == "argument":
        names = option.metavar or parameter.name.upper()
    elif not getattr(parameter, "is_flag", False):
        names += f" {parameter.metavar}"
    elif parameter.default is True:
        names = parameter.secondary_opts[0]
    return names, f"{option.help}{_range(option)}.{_default(parameter, option)}"


def _range(option: Option) -> str:
    if option.between is None or "," in (option.metavar or ""):
        return ""
    return f" ({option.between[0]:g} to {option.between[1]:g})"


def _default(parameter: Any, option: Option) -> str:
    default = parameter.default
    if option.unset:
        return f" [default: {option.unset}]"
    if default in (None, (), "") or isinstance(default, bool) or callable(default):
        return ""
    return f" [default: {default:g}]" if isinstance(default, float) else f" [default: {default}]"


def with_label_text(args: Sequence[str]) -> list[str]:
    """Return ``args`` with a bare ``--label`` spelt out as ``--label=Colorized``.

    The next word is its text, unless it is an option or a photo: a file or folder that exists, a wildcard, a list, or
    a name with a slash or the suffix of a picture.
    """
    for number, word in enumerate(args):
        if word == "--":
            break
        if word == "--label" and (number + 1 == len(args) or _is_no_text(args[number + 1])):
            return [*args[:number], f"--label={DEFAULT_LABEL}", *args[number + 1 :]]
    return list(args)


def _is_no_text(word: str) -> bool:
    from colorize_cli.imaging.codecs.formats import READABLE_SUFFIXES

    return (
        word.startswith(("-", "@"))
        or os.path.lexists(word)
        or glob.has_magic(word)
        or "/" in word
        or Path(word).suffix.lower() in READABLE_SUFFIXES
    )
