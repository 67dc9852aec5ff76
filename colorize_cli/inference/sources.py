"""Which photographs are meant: files, folders, quoted wildcards and standard input, listed lazily.

A folder is searched for the suffixes that can be read; a file that is named itself is tried whatever its suffix.
"""

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.formats import READABLE_SUFFIXES

IGNORED_FOLDERS = frozenset({"@eaDir", "__MACOSX", "$RECYCLE.BIN", "System Volume Information"})
"""Folders that hold thumbnails and leftovers of file servers and archivers, never originals."""

RESULT_MARK = "-color"
"""What is added to the stem of a result that lands beside its original."""


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
    paths = list(_matches(words))
    for path in paths:
        if path is None:
            yield Source(None, PurePath("stdin"), named=True)
        elif path.is_dir():
            top = PurePath() if len(paths) == 1 else PurePath(path.resolve().name)
            found = False
            for source in _walk(path, top, leave_out, is_our_result):
                found = True
                yield source
            if not found:
                raise UsageProblem(f"There are no photographs in '{path}'.", "Name the files to try them anyway.")
        else:
            yield Source(path, PurePath(path.name), named=True)


def _matches(words: Sequence[str]) -> Iterator[Path | None]:
    for word in words:
        if word == "-":
            yield None
        elif os.path.lexists(word):
            yield Path(word)
        elif glob.has_magic(word) and (matches := sorted(glob.glob(word, recursive=True))):  # noqa: PTH207
            yield from map(Path, matches)
        else:
            raise InputNotFound(word)


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
    ours = path.stem.casefold().endswith(RESULT_MARK) and is_our_result(path)
    return Source(
        path, relative, named=False, passed_over="It is a result of colorize, not an original." if ours else ""
    )
