"""Plain help in groups: the headings of ``rich_help_panel`` without rich, which would double the time --help takes."""

import glob
import os
from pathlib import Path
from typing import Any

from typer.core import TyperCommand

DEFAULT_LABEL = "Colorized"


class GroupedCommand(TyperCommand):
    """A command whose help lists arguments first, then its options under their headings, in the order of appearance."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give options whose value may be left out their default one; see :func:`with_label_text`."""
        return super().parse_args(ctx, with_label_text(args))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and options to the help."""
        groups: dict[str, list[tuple[str, str]]] = {"Arguments": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                argument = parameter.param_type_name == "argument"
                heading = "Arguments" if argument else getattr(parameter, "rich_help_panel", None) or "Options"
                groups.setdefault(heading, []).append(record)
        for heading, records in groups.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)


def with_label_text(args: list[str]) -> list[str]:
    """Return ``args`` with a bare ``--label`` spelt out as ``--label=Colorized``.

    The next word is its text, unless it is an option or a photo: a file or folder that exists, a wildcard, a list, or
    a name with a slash or the suffix of a picture.
    """
    for number, word in enumerate(args):
        if word == "--":
            break
        if word == "--label" and (number + 1 == len(args) or _is_no_text(args[number + 1])):
            return [*args[:number], f"--label={DEFAULT_LABEL}", *args[number + 1 :]]
    return args


def _is_no_text(word: str) -> bool:
    from colorize_cli.imaging.codecs.formats import READABLE_SUFFIXES

    return (
        word.startswith(("-", "@"))
        or os.path.lexists(word)
        or glob.has_magic(word)
        or "/" in word
        or Path(word).suffix.lower() in READABLE_SUFFIXES
    )
