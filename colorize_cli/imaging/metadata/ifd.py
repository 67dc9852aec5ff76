"""Image file directories, the tag lists that TIFF files and EXIF blocks are made of: parsed, laid out, relocated.

Layout: TIFF 6.0 section 2 and the BigTIFF extension; sub-directories as EXIF 2.32 section 4.6.3 names them.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
EXIF_IFD, GPS_IFD, INTEROP_IFD = 0x8769, 0x8825, 0xA005
SUB_IFDS = (EXIF_IFD, GPS_IFD, INTEROP_IFD)
_MOST_ENTRIES = 1000


@dataclass(frozen=True)
class Entry:
    """One tag: ``kind`` is the TIFF type, ``data`` the raw values in the byte order of the block.

    ``position``: offset of the values in the block (inline values are inside the directory).
    """

    tag: int
    kind: int
    count: int
    data: bytes
    position: int = 0
    children: tuple["Entry", ...] | None = None

    def integer(self, order: str) -> int:
        """Return the first value of a SHORT, LONG or LONG8 entry, 0 for other types."""
        code = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}.get(self.kind)
        if code is None or len(self.data) < struct.calcsize(code):
            return 0
        return int(struct.unpack_from(order + code, self.data)[0])


def header(block: bytes) -> tuple[str, bool, int]:
    """Return byte order ("<" or ">"), whether it is BigTIFF, and the offset of the first directory.

    Raises ValueError if there is no TIFF header.
    """
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 8:
        raise ValueError("no TIFF header")
    (version,) = struct.unpack_from(order + "H", block, 2)
    if version == 43 and len(block) >= 16:
        return order, True, struct.unpack_from(order + "Q", block, 8)[0]
    if version != 42:
        raise ValueError("no TIFF header")
    return order, False, struct.unpack_from(order + "I", block, 4)[0]


def parse(block: bytes, order: str, offset: int, big: bool = False, depth: int = 0) -> tuple[list[Entry], int]:
    """Return the entries of the directory at ``offset``, including EXIF sub-directories, and the offset of the next.

    Entries that point outside the block are left out. Raises ValueError or struct.error if there is no directory.
    """
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), block, offset)
    if offset <= 0 or count > _MOST_ENTRIES:
        raise ValueError("no directory here")
    start, size, inline = (offset + 8, 20, 8) if big else (offset + 2, 12, 4)
    entries = []
    for place in range(start, start + count * size, size):
        tag, kind = struct.unpack_from(order + "HH", block, place)
        (values,) = struct.unpack_from(order + ("Q" if big else "I"), block, place + 4)
        length = TYPE_SIZES.get(kind, 0) * values
        position = place + size - inline
        if length > inline:
            (position,) = struct.unpack_from(order + ("Q" if big else "I"), block, position)
        if length == 0 or position + length > len(block):
            continue
        entry = Entry(tag, kind, values, block[position : position + length], position)
        if tag in SUB_IFDS and depth < 2:
            try:
                children, _ = parse(block, order, entry.integer(order), big, depth + 1)
            except (ValueError, struct.error):
                continue
            entry = Entry(tag, 4, 1, entry.data, position, tuple(children))
        entries.append(entry)
    end = start + count * size
    following = struct.unpack_from(order + ("Q" if big else "I"), block, end)[0] if end + inline <= len(block) else 0
    return entries, int(following)


def lay_out(entries: Iterable[Entry], order: str, base: int, *, big: bool = False, following: int = 0) -> bytes:
    """Return a directory for file offset ``base``, followed by its values and sub-directories.

    ``big``: use BigTIFF; classic TIFF leaves out 64-bit entries. ``following``: offset of the next directory,
    0 for none.
    """
    entries = sorted((entry for entry in entries if big or entry.kind < 16), key=lambda entry: entry.tag)
    count_code, size, inline, offset_code = ("Q", 20, 8, "Q") if big else ("H", 12, 4, "I")
    directory = bytearray(struct.pack(order + count_code, len(entries)))
    tail = bytearray()
    tail_start = base + len(directory) + size * len(entries) + inline
    for entry in entries:
        data, count, kind = entry.data, entry.count, entry.kind
        if entry.children is not None:
            data, kind, count = struct.pack(order + "I", tail_start + len(tail)), 4, 1
            tail += lay_out(entry.children, order, tail_start + len(tail), big=big)
        if len(data) > inline:
            place = struct.pack(order + offset_code, tail_start + len(tail))
            tail += data
        else:
            place = data.ljust(inline, b"\0")
        if len(tail) % 2:
            tail += b"\0"
        directory += struct.pack(order + "HH" + offset_code, entry.tag, kind, count) + place
    return bytes(directory + struct.pack(order + offset_code, following) + tail)


def block_of(entries: Iterable[Entry], order: str) -> bytes:
    """Return a TIFF-structured block (an EXIF block) with one directory."""
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(order + "HI", 42, 8) + lay_out(entries, order, 8)
