"""Which photographs are meant: files, folders, quoted wildcards, lists and standard input, listed lazily.

A folder is searched for what can be read (:mod:`~colorize_cli.batch.inputs.kinds`), and every other file in it is
accounted for; a file that is named itself is tried whatever its suffix.
"""

import codecs
import contextlib
import glob
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from colorize_cli.batch.inputs.kinds import ASIDE, in_words, is_folder, kind_of, reason_of
from colorize_cli.batch.reports.own_files import FAILED_LIST_MARK
from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.codecs.formats import split_page

IGNORED_FOLDERS = frozenset({"@eaDir", "__MACOSX", "$RECYCLE.BIN", "System Volume Information"})
"""Folders that hold thumbnails and leftovers of file servers and archivers, never originals."""

STANDARD_STREAM = "-"
_CHUNK = 1 << 16

RESULT_MARK = "-color"
"""What is added to the stem of a result that lands beside its original."""

_RESULT_NAME = re.compile(r"-(color(-[1-9])?|confidence|variants|hints|sidebyside)$")


class InputNotFound(UsageProblem):
    """A photo or folder named on the command line is not there; ``word`` is what was typed."""

    def __init__(self, word: str) -> None:
        self.word = word
        super().__init__(f"There is no file or folder called '{word}'.")


@dataclass(frozen=True)
class Source:
    """One photograph to be: ``path`` (``None`` is standard input), its place under an output folder, and whether it was
    named itself (not found in a folder). ``problem`` says why it cannot be used, ``passed_over`` why it is left alone.
    ``kind`` says what it is instead of a photograph, "" for photographs; one source stands for all files of a folder
    that only accompany others.
    """

    path: Path | None
    relative: PurePath
    named: bool
    problem: str = ""
    passed_over: str = ""
    kind: str = ""


def expand_inputs(
    words: Sequence[str],
    *,
    leave_out: Path | None = None,
    own_files: Iterable[Path] = (),
    is_our_result: Callable[[Path], bool] = lambda _: False,
) -> Iterator[Source]:
    """Yield every photograph that the words name, and the other files in folders among them.

    A folder is searched recursively; ``leave_out`` (the output folder) is not entered, and files marked ``-color`` that
    ``is_our_result`` recognizes are skipped, so that results never become inputs. ``own_files`` (such as the report of
    the run) are not mentioned. A single folder is mirrored without its own name; with several inputs each folder keeps
    its name. Raises :class:`InputNotFound` for a word that is neither a file, a folder nor a matching wildcard, and
    :class:`UsageProblem` for a folder without a photograph.
    """
    search = _Search(leave_out, own_files, is_our_result)
    alone = len(words) == 1
    for word in words:
        if word == STANDARD_STREAM:
            yield Source(None, PurePath("stdin"), named=True)
        elif is_list(word):
            for name in read_list(word[1:]):
                yield from _of_list(name, search)
        elif os.path.lexists(word) or _is_page(word):
            yield from _of_path(Path(word), search, alone=alone)
        elif glob.has_magic(word) and (matches := sorted(glob.glob(word, recursive=True))):  # noqa: PTH207
            for match in matches:
                yield from _of_path(Path(match), search, alone=False)
        else:
            raise InputNotFound(word)


def _is_page(word: str) -> bool:
    """Whether the word names a page of a PDF file that is there: ``scan.pdf#page=2``."""
    file, page = split_page(Path(word))
    return page is not None and os.path.lexists(file)


def is_list(word: str) -> bool:
    """Whether the word is ``@FILE``, a list of photos; a file whose own name begins with @ is a photo."""
    return word.startswith("@") and len(word) > 1 and not os.path.lexists(word)


def read_list(name: str) -> Iterator[str]:
    """Yield the names in a list, one a line, or separated by NUL; ``-`` is standard input.

    A byte order mark and the line with which a failed list begins are passed over; a list in UTF-16 is one of text
    lines. Raises :class:`UsageProblem` when the list cannot be read.
    """
    try:
        with contextlib.nullcontext(sys.stdin.buffer) if name == STANDARD_STREAM else Path(name).open("rb") as file:
            chunk = file.read(_CHUNK)
            if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                text = (chunk + file.read()).decode("utf-16", "replace")
                yield from filter(None, text.replace("\r\n", "\n").split("\n"))
                return
            chunk = chunk.removeprefix(codecs.BOM_UTF8)
            separator = b"\0" if b"\0" in chunk else b"\n"
            begun = b""
            while chunk:
                *whole, begun = (begun + chunk).split(separator)
                yield from _names(whole, separator)
                chunk = file.read(_CHUNK)
            yield from _names([begun], separator)
    except OSError as error:
        raise UsageProblem(f"The list '{name}' cannot be read: {error.strerror}.", "Check its name.") from error


def _names(lines: list[bytes], separator: bytes) -> Iterator[str]:
    """Yield the names in lines: without the carriage return of Windows, which between NULs belongs to the name."""
    for line in lines:
        name = line.removesuffix(b"\r") if separator == b"\n" else line
        if name and name != FAILED_LIST_MARK:
            yield os.fsdecode(name)


class _Search:
    """How folders are searched: see :func:`expand_inputs`."""

    def __init__(
        self, leave_out: Path | None, own_files: Iterable[Path], is_our_result: Callable[[Path], bool]
    ) -> None:
        self._leave_out = os.path.realpath(leave_out) if leave_out else None
        self._own_files = {os.path.realpath(path) for path in own_files}
        self._own_names = {os.path.basename(name) for name in self._own_files}  # noqa: PTH119 - of strings
        self._is_our_result = is_our_result

    def walk(self, root: Path, top: PurePath) -> Iterator[Source]:
        """Yield the files under ``root``; a link back to a folder above itself is not followed again."""
        avoid = self._leave_out
        if avoid == os.path.realpath(root):
            avoid = None  # results among the originals: the plan refuses what would replace one
        stack: list[tuple[Path, PurePath, frozenset[tuple[int, int]]]] = [(root, top, frozenset())]
        while stack:
            folder, relative, above = stack.pop()
            aside = 0
            try:
                status = folder.stat()
                identity = (status.st_dev, status.st_ino)
                if identity in above:
                    continue
                with os.scandir(folder) as entries:
                    for entry in entries:
                        path = folder / entry.name
                        if entry.name.startswith(".") or entry.name in IGNORED_FOLDERS:
                            aside += 1
                        elif _is_folder(entry):
                            if avoid is None or os.path.realpath(path) != avoid:
                                stack.append((path, relative / entry.name, above | {identity}))
                        elif (kind := kind_of(path)) == ASIDE:
                            aside += 1
                        elif not self._is_own(path):
                            yield self._found(path, relative / entry.name, kind)
            except OSError as error:
                yield Source(folder, relative, named=False, problem=f"The folder cannot be read: {error.strerror}.")
            if aside:
                yield Source(folder, relative, named=False, passed_over=f"{aside} {ASIDE}.", kind=ASIDE)

    def _found(self, path: Path, relative: PurePath, kind: str | None) -> Source:
        if kind is not None:
            return Source(path, relative, named=False, passed_over=reason_of(kind), kind=kind)
        ours = bool(_RESULT_NAME.search(path.stem.casefold())) and self._is_our_result(path)
        reason = "It is a result of colorize, not an original." if ours else ""
        return Source(path, relative, named=False, passed_over=reason)

    def _is_own(self, path: Path) -> bool:
        return path.name in self._own_names and os.path.realpath(path) in self._own_files


def _of_list(name: str, search: _Search) -> Iterator[Source]:
    """A list is made by a program: what it names may be gone by now, which concerns that photo only.

    Relative paths are kept under the output folder; of others, which may lead anywhere, only the name is.
    """
    path = Path(name)
    kept = PurePath(path.name) if path.is_absolute() or ".." in path.parts else PurePath(path)
    if is_folder(path):
        yield from search.walk(path, kept)
    else:
        yield Source(path, kept, named=True)


def _of_path(path: Path, search: _Search, *, alone: bool) -> Iterator[Source]:
    if not is_folder(path):
        yield Source(path, PurePath(path.name), named=True)
        return
    empty = True
    others: Counter[str] = Counter()
    top = PurePath() if alone else PurePath(path.resolve().name)
    for source in search.walk(path, top):
        empty = empty and bool(source.kind)
        if source.kind != ASIDE:
            others[source.kind] += bool(source.kind)
        yield source
    if empty:
        there = f", only {in_words(+others)}" if +others else ""
        raise UsageProblem(f"There are no photographs in '{path}'{there}.", "Name the files to try them anyway.")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads round in a circle
        return False
