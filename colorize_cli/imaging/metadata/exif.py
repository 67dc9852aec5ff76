"""EXIF blocks made true again for the result: upright, of its size, without the thumbnail of the original.

Values are changed in place and nothing else moves, so that maker notes, whose offsets only the maker knows, stay whole.
"""

import struct

from colorize_cli.imaging.metadata.ifd import EXIF_IFD, SUB_IFDS, Entry, block_of, header, parse

ORIENTATION = 0x0112
_PIXEL_X, _PIXEL_Y = 0xA002, 0xA003
_THUMBNAIL_OFFSET, _THUMBNAIL_LENGTH = 0x0201, 0x0202
# Of a TIFF file's first directory, what describes the picture rather than how its samples lie in the file.
DESCRIPTIVE_TAGS = frozenset(
    (
        *(0x010D, 0x010E, 0x010F, 0x0110, 0x011A, 0x011B, 0x011D, 0x0128, 0x0129, 0x0131, 0x0132, 0x013B, 0x013C),
        *(0x4746, 0x4749, 0x8298, 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F),
        *SUB_IFDS,
    )
)


def upright_exif(exif: bytes, width: int, height: int, orientation: int = 1) -> bytes | None:
    """Return the EXIF block for a result of this size, thumbnail dropped; None where it cannot be read.

    ``orientation``: what it says of how the pixels lie, 1 for upright; a block without that tag does not get it.
    """
    try:
        order, big, offset = header(exif)
        if big:
            return None
        block = bytearray(exif)
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
                    if child.tag in (_PIXEL_X, _PIXEL_Y):
                        _put(block, order, child, width if child.tag == _PIXEL_X else height)
        if following:
            (count,) = struct.unpack_from(order + "H", exif, offset)
            struct.pack_into(order + "I", block, offset + 2 + 12 * count, 0)
            return _without_thumbnail(block, exif, order, following)
        return bytes(block)
    except (ValueError, struct.error):
        return None


def _put(block: bytearray, order: str, entry: Entry, value: int) -> None:
    """Overwrite the value of a SHORT or LONG entry where it lies."""
    if entry.kind == 3:
        struct.pack_into(order + "H", block, entry.position, min(value, 65535))
    elif entry.kind == 4:
        struct.pack_into(order + "I", block, entry.position, value)


def _without_thumbnail(block: bytearray, exif: bytes, order: str, offset: int) -> bytes:
    """Blank the pixels of the thumbnail directory at ``offset``, and cut them off where they end the block."""
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


def exif_of_tiff(data: bytes, offset: int) -> bytes | None:
    """Return an EXIF block of the descriptive tags of the directory at ``offset`` of a TIFF file, None without any."""
    try:
        order, big, _ = header(data)
        entries, _ = parse(data, order, offset, big)
    except (ValueError, struct.error):
        return None
    kept = [entry for entry in entries if entry.tag in DESCRIPTIVE_TAGS]
    return block_of(kept, order) if kept else None
