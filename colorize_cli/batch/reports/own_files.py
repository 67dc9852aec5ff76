"""Files that a run may replace beside its results: only what this program wrote, told by how they begin."""

import os
import stat
from pathlib import Path

from colorize_cli.errors import OutputExists, UsageProblem
from colorize_cli.imaging.codecs.formats import READABLE_SUFFIXES

REPORT_MARK = b'{"input"'
FAILED_LIST_MARK = b"# colorize: photographs that failed"
PAGE_MARK = b"<title>Colorized photographs</title>"
_HEAD = 4096


def check_replaceable(path: Path, mark: bytes, *, replace: bool, option: str) -> None:
    """Raise unless a file of the run may be written at ``path``: nothing is there, or it is ours and may be replaced.

    Ours is an empty file and one with ``mark`` in its first 4 KB, and never what a link leads to. :class:`OutputExists`
    where a file is there and ``replace`` is off; :class:`UsageProblem` for photographs, folders, links and files of
    others.
    """
    if path.suffix.lower() in READABLE_SUFFIXES:
        raise UsageProblem(f"'{path}' has the name of a photograph.", f"Name another file with {option}.")
    if path.is_dir():
        raise UsageProblem(f"'{path}' is a folder.", "Name a file in it.")
    if not os.path.lexists(path) or not _is_regular(path):
        return
    if not replace:
        raise OutputExists(f"'{path}' exists.", "Name another file, or use --overwrite or --skip-existing.")
    if path.is_symlink():
        raise UsageProblem(f"'{path}' is a link to another file.", f"Name the file itself with {option}.")
    if not _is_ours(path, mark):
        raise UsageProblem(f"'{path}' was not written by colorize.", f"Name another file with {option}.")


def _is_regular(path: Path) -> bool:
    """Whether this is a file on disk, or a link to nothing or to one; a terminal or a pipe holds nothing to lose."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True


def _is_ours(path: Path, mark: bytes) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return not head or (head.startswith(mark) if mark != PAGE_MARK else mark in head)
