"""JPEG: estimate quality from the header, check that the data is complete, and handle metadata segments.

Quantization tables and their scaling: ITU-T T.81 annex K.1 and the Independent JPEG Group's quality scale.
"""

import struct
from collections.abc import Iterable
from typing import Any

import numpy as np

from colorize_cli.imaging.codecs.raster import DamagedDataError, TooManyScansError, UnknownKindError
from colorize_cli.imaging.photo import Encoding

SEGMENT_LIMIT = 65533
_LOST = 512
EXIF_HEADER = b"Exif\0\0"
XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
PHOTOSHOP_HEADER = b"Photoshop 3.0\0"
ICC_HEADER = b"ICC_PROFILE\0"

_LUMINANCE_TABLE = np.array(
    [
        *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
        *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
        *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
        *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
    ]
)

_CHROMINANCE_TABLE = np.full((8, 8), 99)
_CHROMINANCE_TABLE[:4, :4] = [(17, 18, 24, 47), (18, 21, 26, 66), (24, 26, 56, 99), (47, 66, 99, 99)]


def chrominance_table(quality: int) -> np.ndarray:
    """Return the quantization table, int (8, 8) with vertical frequencies first, of chroma at a quality of 1..100."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((_CHROMINANCE_TABLE * scale + 50) // 100, 1, 255)


def estimate_quality(table: list[int]) -> int:
    """Return the quality 1..100 with the luminance quantization table (64 values, rows first) nearest to ``table``."""
    quality = np.arange(1, 101)
    scale = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    tables = np.clip((_LUMINANCE_TABLE[None] * scale[:, None] + 50) // 100, 1, 255)
    return int(quality[np.abs(tables - np.asarray(table)[None]).sum(axis=1).argmin()])


def encoding_of(image: Any) -> Encoding:
    """Return quality, chroma subsampling and scan order of an opened JPEG (a Pillow ``JpegImageFile``)."""
    tables = getattr(image, "quantization", {})
    table = tables.get(0) or next(iter(tables.values()), None)
    subsampling = None
    layers = getattr(image, "layer", [])
    if len(layers) >= 3:
        factors = (layers[0][1] // max(1, layers[1][1]), layers[0][2] // max(1, layers[1][2]))
        subsampling = {(1, 1): "4:4:4", (2, 1): "4:2:2"}.get(factors, "4:2:0")
    quality = estimate_quality(table) if table is not None and len(table) == 64 else None
    return Encoding(quality, subsampling, progressive=bool(image.info.get("progressive")))


def segments(data: bytes) -> list[tuple[int, int, int]]:
    """Return (marker, start, end) of each segment before the first scan, and of the scan header itself."""
    found = []
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            position += 1
            continue
        marker = data[position + 1]
        if marker in (0x00, 0xFF, 0x01) or 0xD0 <= marker <= 0xD8:
            position += 1 if marker == 0xFF else 2
            continue
        if marker == 0xD9:
            break
        (length,) = struct.unpack_from(">H", data, position + 2)
        found.append((marker, position, position + 2 + length))
        if marker == 0xDA:
            break
        position += 2 + length
    return found


def comments(data: bytes) -> list[str]:
    """Return the text of each comment segment: UTF-8 if valid, else Latin-1, as older programs wrote."""
    found = []
    for marker, start, end in segments(data):
        if marker == 0xFE and (payload := data[start + 4 : end].strip(b"\0")):
            try:
                found.append(payload.decode("utf-8"))
            except UnicodeDecodeError:
                found.append(payload.decode("latin-1"))
    return found


def comment_segments(texts: Iterable[str]) -> bytes:
    """Return the segments with comments; text beyond the 64 KB of a segment continues in the next."""
    parts = []
    for text in texts:
        payload = text.encode("utf-8")
        parts += [payload[start : start + SEGMENT_LIMIT] for start in range(0, len(payload), SEGMENT_LIMIT)]
    return b"".join(segment(0xFE, part) for part in parts)


def check_kind(data: bytes) -> None:
    """Raise :class:`UnknownKindError` for rare kinds of JPEG that the decoders would report as broken."""
    for marker, start, _ in segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and start + 5 <= len(data):
            if data[start + 4] != 8:
                raise UnknownKindError(f"JPEG files of {data[start + 4]} bits")
            if marker in (0xC3, 0xC7, 0xCB, 0xCF):
                raise UnknownKindError("lossless JPEG files")


def has_end(data: bytes) -> bool:
    """Return whether an end marker follows the scan. Raises :class:`DamagedDataError` where there is no scan."""
    scans = [start for marker, start, _ in segments(data) if marker == 0xDA]
    if not scans:
        raise DamagedDataError("it has no scan")
    if data[-_LOST:] == bytes(_LOST):
        raise DamagedDataError("its end is blank, as lost blocks of a disk are")
    return data.rfind(b"\xff\xd9") >= scans[0]


def check_scans(data: bytes, most: int) -> None:
    """Raise :class:`TooManyScansError` for a file of more scans than any program writes."""
    # Each scan covers the whole picture: a small file with many scans would take hours. In coded data FF is followed
    # by 00, so this counts scan headers, and a few bytes of metadata that look like one.
    if data.count(b"\xff\xda") > most:
        raise TooManyScansError(most)


def segment(marker: int, payload: bytes) -> bytes:
    """Return one marker segment. Raises ValueError if the payload exceeds the 64 KB of a segment."""
    if len(payload) > SEGMENT_LIMIT:
        raise ValueError("segment too long")
    return bytes((0xFF, marker)) + struct.pack(">H", len(payload) + 2) + payload


def icc_segments(profile: bytes) -> bytes:
    """Return the APP2 segments that carry an ICC profile."""
    size = SEGMENT_LIMIT - len(ICC_HEADER) - 2
    parts = [profile[start : start + size] for start in range(0, len(profile), size)]
    return b"".join(
        segment(0xE2, ICC_HEADER + bytes((number, len(parts))) + part) for number, part in enumerate(parts, 1)
    )


def photoshop_block(iptc: bytes) -> bytes:
    """Return the Photoshop image resource block (8BIM 0x0404) that carries IPTC records in JPEG and TIFF."""
    return b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc + b"\0" * (len(iptc) % 2)


def jfif_segment(dpi: tuple[float, float] | None) -> bytes:
    """Return the APP0 segment with the resolution, or with square pixels if it is unknown."""
    unit, x, y = (1, *(min(65535, max(1, round(value))) for value in dpi)) if dpi else (0, 1, 1)
    return segment(0xE0, b"JFIF\0\x01\x01" + struct.pack(">BHHBB", unit, x, y, 0, 0))
