"""Find the directories of a TIFF file that are its pictures, not previews, masks or lower resolutions.

A picture is identified by the type of its directory (NewSubfileType, SubfileType) and by its place in the tree: raw
files of cameras and scanners keep a small preview in the first directory and the photograph in a SubIFD of it.
Tags: TIFF 6.0 section 8, TIFF Technical Note 1 (SubIFDs) and the Digital Negative specification 1.7.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from colorize_cli.imaging.codecs.formats import LIMITS
from colorize_cli.imaging.codecs.raster import DamagedDataError, TooManyPagesError, UnknownKindError
from colorize_cli.imaging.metadata.ifd import header

_MOST_TAGS = 4096
_MOST_SUB_DIRECTORIES = 64
_NEW_SUBFILE, _SUBFILE, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC = 254, 255, 256, 257, 258, 262
_ORIENTATION, _SUB_IFDS = 274, 330
_WANTED = frozenset((_NEW_SUBFILE, _SUBFILE, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _SUB_IFDS))
_CODES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
# Reduced resolution, transparency mask, depth map, enhanced raw.
_NO_PHOTOGRAPH = 1 | 4 | 8 | 16
_COLOR_FILTER_ARRAY, _LINEAR_RAW = 32803, 34892


@dataclass(frozen=True)
class Directory:
    """The description of one picture in its directory.

    ``sub_directories``: offsets of the directories below it; ``link``: position in the file of the offset of the next
    directory is, ``following``, 0 for none; ``orientation``: position of its orientation (a SHORT), 0 if it has none.
    """

    offset: int
    width: int
    height: int
    photometric: int
    is_photograph: bool
    sub_directories: tuple[int, ...]
    link: int
    following: int
    orientation: int
    bits: int

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height

    @property
    def is_raw(self) -> bool:
        """Whether its samples are raw sensor data, before color and tone processing."""
        return self.photometric in (_COLOR_FILTER_ARRAY, _LINEAR_RAW)


def pictures(data: bytes, most: int = LIMITS.pages) -> list[Directory]:
    """Return the directories of the photographs in a TIFF file, one per page, in their order; at least one.

    A preview directory stands for the largest photograph in its SubIFDs. A file that consists only of
    reduced pictures yields the largest. Raises :class:`UnknownKindError` for camera raw, :class:`TooManyPagesError` for
    more than ``most`` directories,
    :class:`DamagedDataError` where there is no directory, where they form a loop, or where a preview is all that is
    left of a picture, and ValueError where there is no TIFF header.
    """
    if data[:4] == b"II\x2a\0" and data[8:10] == b"CR":
        raise UnknownKindError("camera raw files")
    found: list[Directory] = []
    previews: list[Directory] = []
    for number, directory in enumerate(_chain(data)):
        if number >= most:
            raise TooManyPagesError(most)
        below = _below(data, directory)
        larger = [
            sub for sub in below if sub.is_photograph and (not directory.is_photograph or sub.pixels > directory.pixels)
        ]
        if larger:
            found.append(max(larger, key=lambda sub: sub.pixels))
        elif directory.is_photograph:
            found.append(directory)
        elif directory.sub_directories and not below:
            raise DamagedDataError("there is only a preview: the picture itself is missing")
        else:
            previews.append(directory)
    if not found and not previews:
        raise DamagedDataError("there is no directory of tags")
    return found or [max(previews, key=lambda preview: preview.pixels)]


def _chain(data: bytes) -> Iterator[Directory]:
    """Yield the directories at the top level. Raises :class:`DamagedDataError` where one is visited twice."""
    order, big, offset = header(data)
    seen: set[int] = set()
    while offset:
        if offset in seen:
            raise DamagedDataError("its directories form a loop")
        seen.add(offset)
        directory, offset = _read(data, order, big, offset)
        if directory is None:
            return
        yield directory


def _below(data: bytes, directory: Directory) -> list[Directory]:
    """Return the readable SubIFDs of a directory."""
    order, big, _ = header(data)
    read = (_read(data, order, big, offset)[0] for offset in directory.sub_directories)
    return [sub for sub in read if sub is not None and sub.pixels]


def _read(data: bytes, order: str, big: bool, offset: int) -> tuple[Directory | None, int]:
    """Return the directory at ``offset``, None if there is none, and the offset of the next, 0 for none."""
    try:
        (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, offset)
        if not 0 < count <= _MOST_TAGS:
            return None, 0
        start, size = (offset + 8, 20) if big else (offset + 2, 12)
        values: dict[int, tuple[int, ...]] = {}
        orientation = 0
        for place in range(start, start + count * size, size):
            (tag,) = struct.unpack_from(order + "H", data, place)
            if tag == _ORIENTATION:
                orientation = place + size - (8 if big else 4)
            elif tag in _WANTED:
                values[tag] = _values(data, order, big, place)
    except struct.error:
        return None, 0
    end = start + count * size
    width = 8 if big else 4
    following = 0
    if end + width <= len(data):
        (following,) = struct.unpack_from(order + ("Q" if big else "I"), data, end)

    def first(tag: int, default: int) -> int:
        return next(iter(values.get(tag, ())), default)

    is_photograph = not first(_NEW_SUBFILE, 0) & _NO_PHOTOGRAPH and first(_SUBFILE, 1) != 2
    photometric, subs = first(_PHOTOMETRIC, -1), tuple(value for value in values.get(_SUB_IFDS, ()) if value)
    directory = Directory(
        offset,
        first(_WIDTH, 0),
        first(_HEIGHT, 0),
        photometric,
        is_photograph,
        subs,
        end,
        int(following),
        orientation,
        first(_BITS, 1),
    )
    return directory, directory.following


def _values(data: bytes, order: str, big: bool, place: int) -> tuple[int, ...]:
    """Return the integers of the entry at ``place``, the first few where there are many; none for other types."""
    (kind,) = struct.unpack_from(order + "H", data, place + 2)
    (count,) = struct.unpack_from(order + ("Q" if big else "I"), data, place + 4)
    code = _CODES.get(kind)
    if code is None:
        return ()
    position = place + (12 if big else 8)
    if struct.calcsize(code) * count > (8 if big else 4):
        (position,) = struct.unpack_from(order + ("Q" if big else "I"), data, position)
    count = min(count, _MOST_SUB_DIRECTORIES)
    try:
        return struct.unpack_from(f"{order}{count}{code}", data, position)
    except struct.error:
        return ()
