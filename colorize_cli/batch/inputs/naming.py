"""Where results go, what they are called, and whether two names may be one file."""

import glob
import os
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from colorize_cli.batch.inputs.kinds import is_folder
from colorize_cli.batch.inputs.sources import RESULT_MARK, STANDARD_STREAM, Source, is_list
from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.codecs.formats import (
    FORMATS,
    format_of_suffix,
    normalize_format,
    result_stem,
    split_page,
)


class Names:
    """Names made comparable: links resolved, each folder once."""

    def __init__(self) -> None:
        self._real_folder = lru_cache(maxsize=4096)(os.path.realpath)

    def key(self, target: Path) -> bytes:
        """Return the comparable name of a file that is to be written."""
        return comparable(self._beside(target))

    def real(self, path: Path) -> str:
        """Return the path of a file without links in it."""
        return os.path.realpath(path) if os.path.islink(path) else self._beside(path)  # noqa: PTH114 - as above

    def _beside(self, path: Path) -> str:
        return os.path.join(self._real_folder(path.parent), path.name)  # noqa: PTH118 - a million times: Path is slow


def comparable(path: str) -> bytes:
    """Return what two names share when a file system that ignores case or Unicode form takes them for one."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
    return folded.encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Destination:
    """Where results go: ``kind`` is ``beside`` the inputs, one ``file``, a ``folder``, or the ``stream`` stdout."""

    kind: Literal["beside", "file", "folder", "stream"]
    path: Path | None = None


def destination(output: str | None, words: list[str]) -> Destination:
    """Read ``-o``: a folder when it ends in ``/``, exists as one, or there are several inputs (or a folder of them)."""
    stdin = STANDARD_STREAM in words
    if stdin and len(words) > 1:
        raise UsageProblem("Standard input (-) is one photo and cannot be mixed with others.", "Colorize it alone.")
    wildcard = glob.has_magic(words[0]) and not os.path.lexists(words[0])
    several = len(words) > 1 or is_folder(words[0]) or is_list(words[0]) or wildcard
    if output == STANDARD_STREAM or (output is None and stdin):
        if several:
            raise UsageProblem("Standard output takes one photo only.", "Name a folder: -o results/")
        return Destination("stream")
    if output is None:
        return Destination("beside")
    path = Path(output)
    if stdin and (output.endswith(("/", os.sep)) or is_folder(path)):
        raise UsageProblem(f"A photo from standard input has no name to use in '{output}'.", "Name the file: -o x.jpg")
    if output.endswith(("/", os.sep)) or is_folder(path) or several:
        if os.path.lexists(path) and not is_folder(path):
            raise UsageProblem(f"'{output}' is a file, but several results need a folder.", "Name a folder with -o.")
        if several and not is_folder(path) and format_of_suffix(path.suffix) and not output.endswith(("/", os.sep)):
            raise UsageProblem(
                f"'{output}' has the name of a photo, but several results need a folder.",
                f"Name a folder with -o; to use this name for a folder, end it with /: -o {output}/",
            )
        return Destination("folder", path)
    return Destination("file", path)


def result_path(source: Source, place: Destination, suffix: str) -> Path | None:
    """Return where the result of ``source`` lands; ``suffix`` is the one its format needs."""
    if place.kind == "stream" or source.path is None:
        return place.path if place.kind == "file" else None
    if place.kind == "file":
        _, page = split_page(source.path)
        if page is None or place.path is None:
            return place.path
        return place.path.with_name(f"{place.path.stem}-{page + 1:04d}{place.path.suffix}")
    stem = result_stem(source.path)
    if place.kind == "folder":
        assert place.path is not None
        return place.path / source.relative.parent / f"{stem}{suffix}"
    return source.path.with_name(f"{stem}{RESULT_MARK}{suffix}")


def check_file_format(path: Path | None, format: str | None) -> None:
    """The suffix of ``-o FILE`` names the format: it must be one that holds color, and agree with ``--format``.

    Raises :class:`UsageProblem`.
    """
    assert path is not None
    by_suffix = format_of_suffix(path.suffix)
    if by_suffix is not None and FORMATS[by_suffix].written_as is not None:
        raise UsageProblem(f"Color results cannot be written as {by_suffix}: '{path}'.", "Use .png, for example.")
    if by_suffix is None and format is None:
        raise UsageProblem(f"'{path}' has no suffix of a known format.", "Name it .jpg, .png or .tif, or use --format.")
    if by_suffix is not None and format is not None and normalize_format(format) != by_suffix:
        raise UsageProblem(f"'{path}' and --format {format} contradict each other.", "Leave one of them out.")
