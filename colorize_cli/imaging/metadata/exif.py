"""Correct EXIF blocks for the result: upright, its size, sRGB, without the thumbnail of the original.

Values are changed in place and nothing else moves, so that maker notes, whose offsets are proprietary, stay intact.
"""

import struct

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
