"""``colorize config show``: the value of every option, and where it was set."""

import json as json_module
import os
from typing import Annotated, Any

import typer

from colorize_cli.cli import settings
from colorize_cli.cli.options import Json, with_options
from colorize_cli.cli.terminal.console import Results
from colorize_cli.cli.terminal.help_groups import CommandGroup, OptionsCommand
from colorize_cli.errors import UsageProblem
from colorize_cli.option import Option

app = typer.Typer(
    cls=CommandGroup,
    help="Show the options from colorize.toml, the environment and presets.",
    rich_markup_mode=None,
    add_completion=False,
)
_SOURCES = {"COMMANDLINE": "command line", "DEFAULT": "default"}


@app.callback(invoke_without_command=True)
def config(ctx: typer.Context) -> None:
    """Show the options from colorize.toml, the environment and presets."""
    if ctx.invoked_subcommand is not None:
        return
    if os.path.lexists("config"):
        raise UsageProblem(
            "'config' is a command.", "Write `colorize ./config` to colorize the folder or file 'config'."
        )
    print(ctx.get_help())


@app.command("show", cls=OptionsCommand, context_settings={"ignore_unknown_options": True})
@with_options
def show(
    ctx: typer.Context,
    words: Annotated[
        tuple[str, ...],
        Option(
            "Command and options to explain, for example: train --device cuda", metavar="WORDS", argument=True,
            many=True, unset="colorize",
        ),
    ] = (),
    json: Json = False,
) -> None:  # fmt: skip
    """Show the value of every option of a command, and where it was set."""
    group: Any = ctx.find_root().command
    command = group.commands["colorize"]
    arguments = list(words or ())
    if arguments and isinstance(group.commands.get(arguments[0]), OptionsCommand):
        command = group.commands[arguments.pop(0)]
    parsed = _parsed(command, arguments, ctx.find_root())
    rows = [
        (settings.key(name, option), _shown(name, parsed, option), _source(name, parsed))
        for name, option in command.options.items()
        if not option.argument
    ]
    results = Results()
    if json:
        found = {key: {"value": value, "source": source} for key, value, source in rows}
        results.line((json_module.dumps(found, indent=2, default=str) + "\n").encode())
        return
    values = [_in_words(value) for _, value, _ in rows]
    widths = max(len(key) for key, _, _ in rows), max(map(len, values))
    for (key, _, source), value in zip(rows, values, strict=True):
        results.line(f"{key:<{widths[0]}}  {value:<{widths[1]}}  {source}\n".encode(errors="surrogateescape"))
    results.line(f"\nFiles: ./{settings.FILE}, {settings.user_file()}\n".encode(errors="surrogateescape"))


def _parsed(command: Any, arguments: list[str], parent: Any) -> Any:
    """Parse the words as those of a command, of which nothing is required now."""
    required = [parameter for parameter in command.params if parameter.required]
    try:
        for parameter in required:
            parameter.required = False
        return command.make_context(command.name, arguments, parent=parent)
    finally:
        for parameter in required:
            parameter.required = True


def _shown(name: str, parsed: Any, option: Option) -> Any:
    value = parsed.params[name]
    return option.unset or None if value in (None, (), []) else value


def _in_words(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _source(name: str, parsed: Any) -> str:
    found = settings.origin(parsed, name)
    return found.replace("'", "") or _SOURCES.get(parsed.get_parameter_source(name).name, "default")
