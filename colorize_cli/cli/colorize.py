"""``colorize PHOTO...``: the run itself is in ``batch_run``."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from colorize_cli.batch.colorize_options import REVIEW, RUNS, ColorizeOptions
from colorize_cli.cli.batch_run import run
from colorize_cli.cli.options import MessageOptions, Preset, with_options
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

FromReview = Annotated[
    Path | None,
    Option(
        "Write the photos accepted in `colorize review` to the folder of -o",
        REVIEW,
        metavar="review.jsonl",
        in_file=False,
    ),
]
_MEANT = {
    "help": "Run `colorize --help` for help.",
    "info": "Run `colorize models show MODEL` for a model, `colorize --version` for the version.",
    "version": "Run `colorize --version`.",
}
"""Words that other programs have as commands."""


@with_options
def colorize(
    ctx: typer.Context,
    options: ColorizeOptions,
    messages: MessageOptions,
    photos: Photos = (),
    files_from: FilesFrom = None,
    from_review: FromReview = None,
    preset: Preset = None,
) -> None:
    """Colorize photographs at full resolution and keep their tones. The originals are never changed."""
    from colorize_cli.batch.inputs.sources import InputNotFound

    console = messages.console(ctx)
    commands = list(getattr(ctx.parent.command, "commands", ())) if ctx.parent else []
    try:
        words = [*(photos or ()), *([f"@{files_from}"] if files_from is not None else [])]
        if from_review is not None:
            from colorize_cli.cli.review import run_from_review

            if words:
                raise UsageProblem("--from-review names its photos itself.", "Leave out the photos.")
            code = run_from_review(from_review, options, console, as_json=messages.json)
        else:
            code = run(words, options, console, as_json=messages.json)
    except InputNotFound as error:
        raise _with_suggestion(error, commands) from error
    raise typer.Exit(code)


def _with_suggestion(error: Any, commands: list[str]) -> UsageProblem:
    """Say what was probably meant by a word that is not a file."""
    import difflib

    from colorize_cli.files import nearest_file

    word = error.word
    if re.match(r"[a-z][a-z0-9+.-]*://", word, re.IGNORECASE):
        return UsageProblem(f"'{word}' is a URL.", "Download the photo first, then colorize the file.")
    if word in _MEANT:
        return UsageProblem(error.message, _MEANT[word])
    near_file = nearest_file(word)
    near = difflib.get_close_matches(word, commands, n=1, cutoff=0.6)
    if near and near[0] == word:
        return UsageProblem(error.message, f"There is a command '{word}': put it first.")
    if near and not (near_file and "." in word):
        return UsageProblem(error.message, f"There is a command '{near[0]}': `colorize {near[0]} -h` explains it.")
    return UsageProblem(error.message, f"Did you mean '{near_file}'?" if near_file else "Check the name.")
