"""EXIF blocks, corrected for the result: upright, its size, sRGB, without the original's thumbnail; and orientation.

Values are changed in place and nothing else moves, so that maker notes, whose offsets are proprietary, stay intact.
Orientation 1..8 is read, applied to samples, and combined. The TIFF or EXIF tag takes precedence; XMP
(tiff:Orientation) counts only if there is none.
"""

import re
import struct

import numpy as np

from colorize_cli.imaging.metadata.ifd import EXIF_IFD, SUB_IFDS, Entry, block_of, header, parse

ORIENTATION = 0x0112
_PIXEL_X, _PIXEL_Y = 0xA002, 0xA003
_X_RESOLUTION, _Y_RESOLUTION, _UNIT = 0x011A, 0x011B, 0x0128
_COLOR_SPACE, _SRGB = 0xA001, 1
_THUMBNAIL_OFFSET, _THUMBNAIL_LENGTH = 0x0201, 0x0202
GEOGRAPHIC_TAGS = frozenset((33550, 33918, 33920, 33922, 34264, 34735, 34736, 34737, 42112, 42113, 50844))
"""Georeference tags, valid only if the pixels are not rotated: GeoTIFF 1.1, GDAL metadata, rational polynomials."""
# Tags of a TIFF file's first directory that describe the picture, not the layout of its samples.
DESCRIPTIVE_TAGS = frozenset(
    (
        *GEOGRAPHIC_TAGS,
        *(0x010D, 0x010E, 0x010F, 0x0110, 0x011A, 0x011B, 0x011D, 0x0128, 0x0129, 0x0131, 0x0132, 0x013B, 0x013C),
        *(0x4746, 0x4749, 0x8298, 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F),
        *SUB_IFDS,
    )
)
_IN_XMP = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>)\s*([1-8])\s*[\"'<]")

_TURNS: dict[int, tuple[bool, bool, bool]] = {
    # EXIF orientation: (swap rows and columns, then flip rows, then flip columns)
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def upright_exif(exif: bytes, width: int, height: int, orientation: int = 1) -> bytes | None:
    """Return the EXIF block for an sRGB result of this size, thumbnail dropped; None if it cannot be read.

    ``orientation``: the value to state, 1 for upright; a block without that tag does not get one.
    """
    try:
        order, big, offset = header(exif)
        if big:
            return None
        block = bytearray(exif)
        values = {_PIXEL_X: width, _PIXEL_Y: height, _COLOR_SPACE: _SRGB}
        entries, following = parse(exif, order, offset)
        for entry in entries:
            if entry.tag == ORIENTATION:
                _put(block, order, entry, orientation)
            elif entry.tag == 0x0100:
                _put(block, order, entry, width)
            elif entry.tag == 0x0101:
                _put(block, order, entry, height)
            elif entry.tag == EXIF_IFD and entry.children is not None:
                for child in entry.children:
                    if child.tag in values:
                        _put(block, order, child, values[child.tag])
        if following:
            (count,) = struct.unpack_from(order + "H", exif, offset)
            struct.pack_into(order + "I", block, offset + 2 + 12 * count, 0)
            return _without_thumbnail(block, exif, order, following)
        return bytes(block)
    except Exception:  # a damaged block must not make the photo unreadable
        return None


def _put(block: bytearray, order: str, entry: Entry, value: int) -> None:
    """Overwrite the value of a SHORT or LONG entry in place."""
    if entry.kind == 3:
        struct.pack_into(order + "H", block, entry.position, min(value, 65535))
    elif entry.kind == 4:
        struct.pack_into(order + "I", block, entry.position, value)


def _without_thumbnail(block: bytearray, exif: bytes, order: str, offset: int) -> bytes:
    """Blank the pixels of the thumbnail directory at ``offset``, and cut them off if they end the block."""
    try:
        entries, _ = parse(exif, order, offset)
    except (ValueError, struct.error):
        return bytes(block)
    values = {entry.tag: entry.integer(order) for entry in entries}
    start, length = values.get(_THUMBNAIL_OFFSET, 0), values.get(_THUMBNAIL_LENGTH, 0)
    if not 0 < start < start + length <= len(block):
        return bytes(block)
    if start + length >= len(block) - 2:
        return bytes(block[:start])
    block[start : start + length] = bytes(length)
    return bytes(block)


def without_geography(exif: bytes) -> tuple[bytes | None, bool]:
    """Return an EXIF block without georeference tags, None if nothing else is in it, and whether
    there were any.
    """
    try:
        order, big, offset = header(exif)
        entries, _ = parse(exif, order, offset, big)
    except (ValueError, struct.error):
        return exif, False
    kept = [entry for entry in entries if entry.tag not in GEOGRAPHIC_TAGS]
    if len(kept) == len(entries):
        return exif, False
    return (block_of(kept, order) if kept else None), True


def dpi_of_exif(exif: bytes | None) -> tuple[float, float] | None:
    """Return the resolution stated by an EXIF block, in pixels per inch; None if it states none."""
    if exif is None:
        return None
    try:
        order, big, offset = header(exif)
        entries = {entry.tag: entry for entry in parse(exif, order, offset, big)[0]}
        x, y = (struct.unpack_from(order + "II", entries[tag].data) for tag in (_X_RESOLUTION, _Y_RESOLUTION))
        unit = entries[_UNIT].integer(order) if _UNIT in entries else 2
        scale = {2: 1.0, 3: 2.54}[unit]
        return x[0] / x[1] * scale, y[0] / y[1] * scale
    except (ValueError, KeyError, struct.error, ZeroDivisionError):
        return None


def exif_of_tiff(data: bytes, offset: int) -> bytes | None:
    """Return an EXIF block of the descriptive tags of the directory at ``offset`` of a TIFF file, None without any."""
    try:
        order, big, _ = header(data)
        entries, _ = parse(data, order, offset, big)
    except (ValueError, struct.error):
        return None
    kept = [entry for entry in entries if entry.tag in DESCRIPTIVE_TAGS]
    return block_of(kept, order) if kept else None


def turn_upright(samples: np.ndarray, orientation: int) -> np.ndarray:
    """Return ``samples``, (H, W) or (H, W, 3), turned upright according to EXIF ``orientation`` 1..8, contiguous."""
    swap, rows, columns = _TURNS[orientation]
    if swap:
        samples = samples.swapaxes(0, 1)
    if rows:
        samples = samples[::-1]
    if columns:
        samples = samples[:, ::-1]
    return np.ascontiguousarray(samples)


def turn_back(samples: np.ndarray, orientation: int) -> np.ndarray:
    """Return upright ``samples``, (H, W) or (H, W, 3), turned to the stored EXIF ``orientation`` 1..8, contiguous."""
    return turn_upright(samples, {6: 8, 8: 6}.get(orientation, orientation))


def remaining(wanted: int, applied: int) -> int:
    """Return the orientation that turns pixels that ``applied`` turned as ``wanted`` turns those in the file."""
    corners = np.arange(6).reshape(2, 3)
    turned, goal = turn_upright(corners, applied), turn_upright(corners, wanted)
    return next(number for number in _TURNS if np.array_equal(turn_upright(turned, number), goal))


def stated_orientation(tag: object, xmp: bytes | None) -> int:
    """Return the orientation 1..8 by the TIFF or EXIF tag, else by XMP, else 1; invalid values are ignored."""
    if isinstance(tag, int) and 1 <= tag <= 8:
        return tag
    return orientation_of_xmp(xmp) or 1


def orientation_of_xmp(xmp: bytes | None) -> int | None:
    """Return the orientation 1..8 stated by an XMP packet, None if it states none."""
    found = _IN_XMP.search(xmp or b"")
    return int(found[1]) if found else None


def orientation_of_exif(exif: bytes | None) -> int | None:
    """Return the value of the orientation tag of an EXIF block, None if it has none.

    Raises ValueError or struct.error if the block is damaged.
    """
    if exif is None:
        return None
    order, big, offset = header(exif)
    entries, _ = parse(exif, order, offset, big)
    return next((entry.integer(order) for entry in entries if entry.tag == ORIENTATION), None)


def safe_orientation_of_exif(exif: bytes | None) -> int | None:
    """Like :func:`orientation_of_exif`, but return None for a damaged block."""
    try:
        return orientation_of_exif(exif)
    except (ValueError, struct.error):
        return None
