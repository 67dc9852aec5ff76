"""Zip archives of others, read in place within bounds: how deep, how many members, how large, how far compressed.

A photograph hardly compresses, and an archive inside another not at all. What claims otherwise was made to fill memory
or disk, and is refused before anything is unpacked.
"""

import shutil
import tempfile
import zipfile
from typing import IO

MOST_BYTES = 1 << 30
"""Of one photograph."""
MOST_MEMBERS = 20_000_000
MOST_NESTED = 10_000
DEEPEST = 4
"""Archives inside each other, the outermost included."""
MOST_RATIO = 200
RATIO_COUNTS_FROM = 64 << 20
"""Unpacked bytes from which an archive that is compressed further than :data:`MOST_RATIO` is refused."""
_IN_MEMORY = 4 << 20
ZIP_ERRORS = (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError)
"""What reading a damaged, encrypted or refused archive raises."""


class ArchiveRefusedError(ValueError):
    """An archive or a member is beyond the bounds; the message says which."""


class Bounds:
    """What one file on disk may hold, counted over the archives inside it."""

    def __init__(self) -> None:
        self._members = self._nested = 0

    def check(self, archive: zipfile.ZipFile, depth: int) -> None:
        """Count an open archive, the outermost at depth 1. Raises :class:`ArchiveRefusedError`."""
        entries = archive.infolist()
        self._members += len(entries)
        self._nested += depth > 1
        if depth > DEEPEST:
            raise ArchiveRefusedError(f"archives inside each other more than {DEEPEST} deep")
        if self._members > MOST_MEMBERS or self._nested > MOST_NESTED:
            raise ArchiveRefusedError(f"more than {MOST_MEMBERS} members or {MOST_NESTED} archives inside it")
        _check_ratio(sum(entry.file_size for entry in entries), _size(archive))


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return the bytes of a photograph. Raises one of :data:`ZIP_ERRORS`."""
    size = archive.getinfo(name).file_size
    if size > MOST_BYTES:
        raise ArchiveRefusedError(f"it has {size >> 20} MB; a photograph in an archive may have {MOST_BYTES >> 20}")
    return archive.read(name)


def open_nested(archive: zipfile.ZipFile, name: str) -> zipfile.ZipFile:
    """Open an archive inside another, from a copy: in memory up to 4 MB, beyond that in a temporary file.

    Raises one of :data:`ZIP_ERRORS`.
    """
    entry = archive.getinfo(name)
    _check_ratio(entry.file_size, entry.compress_size)
    room = shutil.disk_usage(tempfile.gettempdir()).free
    if entry.file_size > _IN_MEMORY and entry.file_size > room // 2:
        raise ArchiveRefusedError(f"it needs {entry.file_size >> 20} MB for a copy in {tempfile.gettempdir()}")
    copy: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
    with archive.open(name) as stream:
        shutil.copyfileobj(stream, copy, 1 << 20)
    copy.seek(0)
    return zipfile.ZipFile(copy)


def _check_ratio(unpacked: int, packed: int) -> None:
    if unpacked > RATIO_COUNTS_FROM and unpacked > MOST_RATIO * packed:
        raise ArchiveRefusedError(f"it would unpack {packed >> 10} KB to {unpacked >> 20} MB, as no photographs do")


def _size(archive: zipfile.ZipFile) -> int:
    """Return the bytes of the archive itself."""
    file = archive.fp
    assert file is not None
    place = file.tell()
    size = file.seek(0, 2)
    file.seek(place)
    return size
