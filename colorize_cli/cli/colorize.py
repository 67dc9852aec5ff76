"""``colorize PHOTO...``: the run itself is in ``batch_run``."""

import difflib
from typing import Annotated, Any

import typer

from colorize_cli.batch.colorize_options import RUNS, ColorizeOptions
from colorize_cli.cli.batch_run import run
from colorize_cli.cli.command_options import with_options
from colorize_cli.cli.options import MessageOptions, Preset
from colorize_cli.errors import UsageProblem
from colorize_cli.option import Option

Photos = Annotated[
    tuple[str, ...],
    Option(
        "Files, folders with their subfolders, quoted wildcards, @LIST, or - for standard input",
        metavar="PHOTO",
        argument=True,
        many=True,
    ),
]
FilesFrom = Annotated[
    str | None,
    Option("File with one photo per line, or NUL-separated; same as @FILE", RUNS, metavar="FILE|-", in_file=False),
]


@with_options
def colorize(
    ctx: typer.Context,
    options: ColorizeOptions,
    messages: MessageOptions,
    photos: Photos = (),
    files_from: FilesFrom = None,
    preset: Preset = None,
) -> None:
    """Colorize photographs at full resolution and keep their tones. The originals are never changed."""
    from colorize_cli.batch.inputs.sources import InputNotFound

    console = messages.console(ctx)
    commands = list(getattr(ctx.parent.command, "commands", ())) if ctx.parent else []
    try:
        words = [*(photos or ()), *([f"@{files_from}"] if files_from is not None else [])]
        code = run(words, options, console, as_json=messages.json)
    except InputNotFound as error:
        raise _with_suggestion(error, commands) from error
    raise typer.Exit(code)


def _with_suggestion(error: Any, commands: list[str]) -> UsageProblem:
    """A word that is no file may be a misspelt command, or a command that does not stand first."""
    near = difflib.get_close_matches(error.word, commands, n=1, cutoff=0.6)
    if not near:
        return UsageProblem(error.message, "`colorize -h` explains what can be given.")
    place = "put it first" if near[0] == error.word else f"`colorize {near[0]} -h` explains it"
    return UsageProblem(error.message, f"There is a command '{near[0]}': {place}.")
