"""Tables of text, of evaluations and benchmarks: drawn for a terminal, or written as JSON, CSV or Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from colorize_cli.errors import UsageProblem, printable
from colorize_cli.files import write_text

if TYPE_CHECKING:
    from rich.table import Table

EXPORTS = (".json", ".csv", ".md")


def check_export(path: Path) -> None:
    """Raise :class:`UsageProblem` unless the file's ending names a format."""
    if path.suffix.lower() not in EXPORTS:
        raise UsageProblem(
            f"--export {path} has an unknown suffix.", f"Use {', '.join(EXPORTS[:-1])} or {EXPORTS[-1]}."
        )


def export(path: Path, formats: Mapping[str, Callable[[], str]], *, parents: bool = False) -> None:
    """Write a file in the format of its ending; ``formats``: ending -> text of the file.

    ``parents``: create the folders it is missing. Raises :class:`UsageProblem`, :class:`OutputError`.
    """
    check_export(path)
    write_text(path, formats[path.suffix.lower()](), parents=parents)


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table as CSV, its columns named in the first line."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return stream.getvalue()


def markdown_text(columns: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1) -> str:
    """Return a table as Markdown, the first ``left`` columns aligned left, the others right."""
    sides = ["---" if index < left else "---:" for index in range(len(columns))]
    lines = [map(escaped, columns), sides, *(map(escaped, row) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def escaped(text: str) -> str:
    """Return text that Markdown does not take for the end of a cell or row."""
    return printable(text).replace("|", "\\|")


def rich_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "", no_wrap: bool = False
) -> Table:
    """Return a plain rich table, the first column left, the others right; cells are taken as text, not as markup."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    heading = Text(printable(title, lines=True)) if title else None
    table = Table(title=heading, title_justify="left", title_style="", box=SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(columns):
        table.add_column(Text(printable(name, lines=True)), justify="left" if index == 0 else "right", no_wrap=no_wrap)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table
