"""``--retry``: what failed in an earlier run, found again from its report."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeGuard

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.inputs.kinds import is_folder
from colorize_cli.batch.inputs.sources import RESULT_MARK, STANDARD_STREAM
from colorize_cli.batch.reports.final_rows import FinalRows
from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.codecs.formats import output_suffix

Entry = tuple[Path, Path | None, Literal["todo", "failed"], str]
"""The fields of an item of the plan: source, target, state and reason."""

_TRIED_AT_MOST = 20
"""Results of one folder that are looked at before it counts as another's."""


def failed_names(report: Path) -> Iterator[tuple[bytes, bool]]:
    """Yield the names of what failed in ``report``, as written and with links resolved, and whether each is a folder
    (one that could not be read then). Raises :class:`UsageProblem` where the file is no report.
    """
    for row in _failed(report):
        folder = is_folder(row["input"])
        yield os.fsencode(row["input"]), folder
        yield os.fsencode(os.path.realpath(row["input"])), folder


def failed_items(
    report: Path, options: ColorizeOptions, is_our_result: Callable[[Path], bool] = lambda _: False
) -> Iterator[Entry]:
    """Yield what failed in ``report`` with the place where its result was to go, in another format if the options say.

    A report is a file that anybody may have written: without ``-o`` results go only beside their photographs and below
    folders where this report names results that are there and pass ``is_our_result``. Raises :class:`UsageProblem`
    where the file is no report, names another place, or the options ask for one.
    """
    rows = FinalRows([report])
    own: set[Path] | None = None
    for row in _named(rows.failed()):
        source, target = Path(row["input"]), row.get("target")
        if not _is_name(target) or is_folder(source):
            yield source, None, "failed", "The report does not say where its result goes: name the photos and -o too."
            continue
        place = Path(target)
        if options.output is not None:
            _refuse_other_place(place, options.output)
        elif not _is_beside(source, place):
            if own is None:
                own = _own_folders(_named(rows), is_our_result)
            _refuse_strange_place(report, place, own)
        if options.format is not None:
            place = place.with_name(place.stem + output_suffix(source, options.format))
        yield source, place, "todo", ""


def _failed(report: Path) -> Iterator[dict[str, Any]]:
    return _named(FinalRows([report]).failed())


def _named(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the rows about files."""
    return (row for row in rows if row["input"] != STANDARD_STREAM)


def _is_name(target: object) -> TypeGuard[str]:
    """Whether a column of a row can be the name of a file."""
    if not isinstance(target, str) or not target or "\0" in target:
        return False
    try:
        os.fsencode(target)
    except UnicodeEncodeError:
        return False
    return True


def _is_beside(source: Path, target: Path) -> bool:
    """Whether a result has the name and place that it gets without ``-o``."""
    same = os.path.realpath(source.parent) == os.path.realpath(target.parent)
    return same and target.name.startswith(source.stem + RESULT_MARK) and not target.is_symlink()


def _own_folders(rows: Iterable[dict[str, Any]], is_our_result: Callable[[Path], bool]) -> set[Path]:
    """Return the folders, links resolved, below which the rows name results that this program made."""
    tried: dict[Path, int] = {}
    own: set[Path] = set()
    for row in rows:
        target = row.get("output") or row.get("target")
        if row["status"] == "failed" or not _is_name(target):
            continue
        root = _root(Path(row["input"]), Path(target))
        if root in own or tried.get(root, 0) >= _TRIED_AT_MOST:
            continue
        tried[root] = tried.get(root, 0) + 1
        if is_our_result(Path(target)):
            own.add(root)
    return {Path(os.path.realpath(root)) for root in own}


def _root(source: Path, target: Path) -> Path:
    """Return the folder of results that ``target`` is in: what is left without the folders that mirror the source's."""
    folder, other = target.parent, source.parent
    while folder.name and folder.name not in (".", "..") and folder.name == other.name:
        folder, other = folder.parent, other.parent
    return folder


def _refuse_strange_place(report: Path, target: Path, own: set[Path]) -> None:
    place = Path(os.path.realpath(target))
    if not any(place.is_relative_to(folder) for folder in own):
        raise UsageProblem(
            f"'{report}' sends a result to '{target}', but names no existing result there.",
            "If that folder is right, name it: colorize -o FOLDER --retry REPORT.",
        )


def _refuse_other_place(target: Path, output: str) -> None:
    """``-o`` without photos says nothing new; it must name the place of the earlier run, or be left out."""
    if not target.resolve().is_relative_to(Path(output).resolve()):
        raise UsageProblem(
            f"In the report, results go to '{target}', not to '{output}'.",
            "Leave -o out, or name the photos too: colorize PHOTO... -o OUT --retry REPORT.",
        )
