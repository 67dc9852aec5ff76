"""``--retry``: what failed in an earlier run, found again from its report."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.inputs.kinds import is_folder
from colorize_cli.batch.inputs.sources import STANDARD_STREAM
from colorize_cli.batch.reports.final_rows import FinalRows
from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.codecs.formats import output_suffix

Entry = tuple[Path, Path | None, Literal["todo", "failed"], str]
"""The fields of an item of the plan: source, target, state and reason."""


def failed_names(report: Path) -> Iterator[tuple[bytes, bool]]:
    """Yield the names of what failed in ``report``, as written and with links resolved, and whether each is a folder
    (one that could not be read then). Raises :class:`UsageProblem` where the file is no report.
    """
    for row in _failed(report):
        folder = is_folder(row["input"])
        yield os.fsencode(row["input"]), folder
        yield os.fsencode(os.path.realpath(row["input"])), folder


def failed_items(report: Path, options: ColorizeOptions) -> Iterator[Entry]:
    """Yield what failed in ``report`` with the place where its result was to go, in another format if the options say.

    Raises :class:`UsageProblem` where the file is no report, or the options ask for another place.
    """
    for row in _failed(report):
        source, target = Path(row["input"]), row.get("target")
        if not isinstance(target, str) or is_folder(source):
            yield source, None, "failed", "The report does not say where its result goes: name the photos and -o too."
            continue
        place = Path(target)
        if options.output is not None:
            _refuse_other_place(place, options.output)
        if options.format is not None:
            place = place.with_name(place.stem + output_suffix(source, options.format))
        yield source, place, "todo", ""


def _failed(report: Path) -> Iterator[dict[str, Any]]:
    return (row for row in FinalRows([report]).failed() if row["input"] != STANDARD_STREAM)


def _refuse_other_place(target: Path, output: str) -> None:
    """``-o`` without photos says nothing new; it must name the place of the earlier run, or be left out."""
    if not target.resolve().is_relative_to(Path(output).resolve()):
        raise UsageProblem(
            f"In the report, results go to '{target}', not to '{output}'.",
            "Leave -o out, or name the photos too: colorize PHOTO... -o OUT --retry REPORT.",
        )
