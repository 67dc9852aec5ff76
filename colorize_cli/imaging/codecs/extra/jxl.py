"""What a JPEG XL file says before it is decoded: the size of the picture (ISO 18181-1) and its metadata (18181-2)."""

import struct
from collections.abc import Iterator

from colorize_cli.imaging.codecs.raster import DamagedDataError

_SIGNATURE = b"\xff\x0a"
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_SIDE_BITS = (9, 13, 18, 30)
_LARGEST_BOX = 1 << 26


def size_of_jxl(data: bytes) -> tuple[int, int]:
    """Return width and height as they are coded. Raises :class:`DamagedDataError`."""
    codestream = data if data[:2] == _SIGNATURE else _codestream(data)
    if codestream[:2] != _SIGNATURE or len(codestream) < 12:
        raise DamagedDataError("the file ends before the picture does")
    bits = int.from_bytes(codestream[2:12], "little")
    place = 0

    def take(count: int) -> int:
        nonlocal place
        value = bits >> place & ((1 << count) - 1)
        place += count
        return value

    is_small = take(1)

    def side() -> int:
        return (take(5) + 1) * 8 if is_small else take(_SIDE_BITS[take(2)]) + 1

    height = side()
    ratio = take(3)
    if ratio:
        numerator, denominator = _RATIOS[ratio]
        return height * numerator // denominator, height
    return side(), height


def boxes_of_jxl(data: bytes) -> tuple[bytes | None, bytes | None]:
    """Return EXIF (a TIFF-structured block) and XMP of a file; compressed boxes are left out."""
    exif = xmp = None
    for kind, content in _boxes(data):
        if kind == b"Exif" and len(content) > 12:
            (skipped,) = struct.unpack_from(">I", content)
            block = content[4 + skipped :]
            exif = block if block[:4] in (b"II\x2a\0", b"MM\0\x2a") else exif
        elif kind == b"xml " and xmp is None:
            xmp = content
    return exif, xmp


def _codestream(data: bytes) -> bytes:
    """Return the beginning of the codestream in a container."""
    for kind, content in _boxes(data):
        if kind == b"jxlc":
            return content[:64]
        if kind == b"jxlp":
            return content[4:68]
    return b""


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and content of the boxes of a container; of large ones the beginning."""
    position = 0
    while data[:2] != _SIGNATURE and position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        header = 8
        if length == 1 and position + 16 <= len(data):
            (length,) = struct.unpack_from(">Q", data, position + 8)
            header = 16
        end = len(data) if length == 0 else position + length
        if end < position + header:
            return
        yield kind, data[position + header : min(end, position + header + _LARGEST_BOX)]
        position = end
