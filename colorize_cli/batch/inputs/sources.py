"""Which photographs are meant: files, folders, quoted wildcards, lists and standard input, listed lazily.

A folder is searched for the suffixes that can be read; a file that is named itself is tried whatever its suffix.
"""

import contextlib
import glob
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.codecs.formats import READABLE_SUFFIXES

IGNORED_FOLDERS = frozenset({"@eaDir", "__MACOSX", "$RECYCLE.BIN", "System Volume Information"})
"""Folders that hold thumbnails and leftovers of file servers and archivers, never originals."""

STANDARD_STREAM = "-"
_CHUNK = 1 << 16

RESULT_MARK = "-color"
"""What is added to the stem of a result that lands beside its original."""

_RESULT_NAME = re.compile(r"-(color(-[1-9])?|confidence|variants)$")


class InputNotFound(UsageProblem):
    """A photo or folder named on the command line is not there; ``word`` is what was typed."""

    def __init__(self, word: str) -> None:
        self.word = word
        super().__init__(f"There is no file or folder called '{word}'.")


@dataclass(frozen=True)
class Source:
    """One photograph to be: ``path`` (``None`` is standard input), its place under an output folder, and whether it was
    named itself (not found in a folder). ``problem`` says why it cannot be used, ``passed_over`` why it is left alone.
    """

    path: Path | None
    relative: PurePath
    named: bool
    problem: str = ""
    passed_over: str = ""


def expand_inputs(
    words: Sequence[str], *, leave_out: Path | None = None, is_our_result: Callable[[Path], bool] = lambda _: False
) -> Iterator[Source]:
    """Yield every photograph the words stand for.

    A folder is searched recursively; ``leave_out`` (the output folder) is not entered, and what ``is_our_result``
    recognises among the files marked ``-color`` is passed over, so that results never become inputs. One folder alone
    is mirrored by its contents; of several inputs each folder keeps its own name. Raises :class:`InputNotFound` for a
    word that is neither a file, a folder nor a matching wildcard, and :class:`UsageProblem` when a folder holds no
    photograph.
    """
    alone = len(words) == 1
    for word in words:
        if word == STANDARD_STREAM:
            yield Source(None, PurePath("stdin"), named=True)
        elif is_list(word):
            for name in read_list(word[1:]):
                yield from _of_list(name, leave_out, is_our_result)
        elif os.path.lexists(word):
            yield from _of_path(Path(word), leave_out, is_our_result, alone=alone)
        elif glob.has_magic(word) and (matches := sorted(glob.glob(word, recursive=True))):  # noqa: PTH207
            for match in matches:
                yield from _of_path(Path(match), leave_out, is_our_result, alone=False)
        else:
            raise InputNotFound(word)


def is_list(word: str) -> bool:
    """Whether the word is ``@FILE``, a list of photos; a file whose own name begins with @ is a photo."""
    return word.startswith("@") and len(word) > 1 and not os.path.lexists(word)


def read_list(name: str) -> Iterator[str]:
    """Yield the names in a list, one a line, or separated by NUL; ``-`` is standard input.

    Raises :class:`UsageProblem` when the list cannot be read.
    """
    try:
        with contextlib.nullcontext(sys.stdin.buffer) if name == STANDARD_STREAM else Path(name).open("rb") as file:
            chunk = file.read(_CHUNK)
            separator = b"\0" if b"\0" in chunk else b"\n"
            begun = b""
            while chunk:
                *whole, begun = (begun + chunk).split(separator)
                yield from filter(None, (os.fsdecode(line.removesuffix(b"\r")) for line in whole))
                chunk = file.read(_CHUNK)
            if begun:
                yield os.fsdecode(begun.removesuffix(b"\r"))
    except OSError as error:
        raise UsageProblem(f"The list '{name}' cannot be read: {error.strerror}.", "Check its name.") from error


def _of_list(name: str, leave_out: Path | None, is_our_result: Callable[[Path], bool]) -> Iterator[Source]:
    """A list is made by a program: what it names may be gone by now, which concerns that photo only.

    Relative paths are kept under the output folder; of others, which may lead anywhere, only the name is.
    """
    path = Path(name)
    kept = PurePath(path.name) if path.is_absolute() or ".." in path.parts else PurePath(path)
    if path.is_dir():
        yield from _walk(path, kept, leave_out, is_our_result)
    else:
        yield Source(path, kept, named=True)


def _of_path(
    path: Path, leave_out: Path | None, is_our_result: Callable[[Path], bool], *, alone: bool
) -> Iterator[Source]:
    if not path.is_dir():
        yield Source(path, PurePath(path.name), named=True)
        return
    empty = True
    top = PurePath() if alone else PurePath(path.resolve().name)
    for source in _walk(path, top, leave_out, is_our_result):
        empty = False
        yield source
    if empty:
        raise UsageProblem(f"There are no photographs in '{path}'.", "Name the files to try them anyway.")


def _walk(root: Path, top: PurePath, leave_out: Path | None, is_our_result: Callable[[Path], bool]) -> Iterator[Source]:
    """Yield the photos under ``root``; a link back to a folder above itself is not followed again."""
    avoid = os.path.realpath(leave_out) if leave_out else None
    if avoid == os.path.realpath(root):
        avoid = None  # results among the originals: the plan refuses what would replace one
    stack: list[tuple[Path, PurePath, frozenset[tuple[int, int]]]] = [(root, top, frozenset())]
    while stack:
        folder, relative, above = stack.pop()
        try:
            status = folder.stat()
            identity = (status.st_dev, status.st_ino)
            if identity in above:
                continue
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or entry.name in IGNORED_FOLDERS:
                        continue
                    path = folder / entry.name
                    if _is_folder(entry):
                        if avoid is None or os.path.realpath(path) != avoid:
                            stack.append((path, relative / entry.name, above | {identity}))
                    elif path.suffix.lower() in READABLE_SUFFIXES and (entry.is_symlink() or entry.is_file()):
                        # A broken link is kept: it fails by name later, instead of a photo missing in silence.
                        yield _found(path, relative / entry.name, is_our_result)
        except OSError as error:
            yield Source(folder, relative, named=False, problem=f"The folder cannot be read: {error.strerror}.")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads round in a circle
        return False


def _found(path: Path, relative: PurePath, is_our_result: Callable[[Path], bool]) -> Source:
    ours = bool(_RESULT_NAME.search(path.stem.casefold())) and is_our_result(path)
    return Source(
        path, relative, named=False, passed_over="It is a result of colorize, not an original." if ours else ""
    )
