"""The metadata blocks inside a file: EXIF, XMP, IPTC and resolution, read without decoding the pixels."""

import struct
from collections.abc import Iterator
from typing import Any

from PIL import Image

from colorize_cli.imaging.codecs.jpeg.structure import comments
from colorize_cli.imaging.codecs.png import chunks
from colorize_cli.imaging.metadata.exif import dpi_of_exif
from colorize_cli.imaging.metadata.texts import COMMENT, png_texts
from colorize_cli.imaging.photo import Metadata

XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
EXIF_UUID = b"JpgTiffExif->JP2"
IPTC_RESOURCE = 0x0404


def embedded_metadata(image: Image.Image, data: bytes, format: str) -> Metadata:
    """Return the metadata of an opened image other than TIFF. Damaged blocks are left out without an error."""
    info = image.info
    if format == "PNG":
        found = png_texts(chunks(data))
        exif = _tiff_block(found.exif)
        return Metadata(exif, found.xmp, found.iptc, _dpi(info, exif, format), tuple(found.texts))
    exif, xmp = _as_bytes(info.get("exif")), _as_bytes(info.get("xmp"))
    if format == "JPEG2000":
        boxes = jp2_uuid_boxes(data)
        exif, xmp = boxes.get(EXIF_UUID), boxes.get(XMP_UUID)
    texts = tuple((COMMENT, text) for text in comments(data)) if format == "JPEG" else ()
    exif = _tiff_block(exif)
    return Metadata(exif, xmp, _iptc(info), _dpi(info, exif, format), texts)


def _as_bytes(value: Any) -> bytes | None:
    if isinstance(value, str):
        return value.encode("utf-8")
    return value if isinstance(value, bytes) and value else None


def _tiff_block(exif: bytes | None) -> bytes | None:
    """Return the EXIF block from its TIFF header on, or None if there is no such header."""
    if exif is None:
        return None
    exif = exif.removeprefix(b"Exif\0\0")
    return exif if exif[:4] in (b"II\x2a\0", b"MM\0\x2a") else None


def _iptc(info: dict[Any, Any]) -> bytes | None:
    resources = info.get("photoshop")
    value = resources.get(IPTC_RESOURCE) if isinstance(resources, dict) else None
    return value if isinstance(value, bytes) and value else None


def _dpi(info: dict[Any, Any], exif: bytes | None, format: str) -> tuple[float, float] | None:
    """Return the resolution from the file header, else from EXIF; None if neither states one.

    Pillow reports 72 if the EXIF block of a JPEG has none, so its value counts only if JFIF states one.
    """
    stated = info.get("dpi") if format != "JPEG" or info.get("jfif_unit") in (1, 2) else None
    try:
        x, y = (float(value) for value in stated or dpi_of_exif(exif) or ())
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    # JFIF writers use 1 x 1 for "unknown".
    return (x, y) if 1 < x < 1e6 and 1 < y < 1e6 else None


def jp2_uuid_boxes(data: bytes) -> dict[bytes, bytes]:
    """Return the contents of the UUID boxes at the top level of a JP2 file, by UUID (ISO 15444-1 annex I)."""
    boxes: dict[bytes, bytes] = {}
    for kind, start, end in _jp2_boxes(data, 0, len(data)):
        if kind == b"uuid":
            boxes.setdefault(data[start : start + 16], data[start + 16 : end])
    return boxes


def jp2_icc(data: bytes) -> bytes | None:
    """Return the ICC profile in the color specification box of a JP2 or JPX file, None if there is none."""
    for kind, start, end in _jp2_boxes(data, 0, len(data)):
        if kind != b"jp2h":
            continue
        for inner, first, last in _jp2_boxes(data, start, end):
            # Method 2 is a restricted profile, 3 (JPX) any.
            if inner == b"colr" and last - first > 3 and data[first] in (2, 3):
                return data[first + 3 : last]
    return None


def _jp2_boxes(data: bytes, position: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, start, end of the contents) of each box between two positions."""
    while position + 8 <= end:
        length, kind = struct.unpack_from(">I4s", data, position)
        header = 8
        if length == 1 and position + 16 <= end:
            (length,) = struct.unpack_from(">Q", data, position + 8)
            header = 16
        if length == 0:
            length = end - position
        if length < header:
            return
        yield kind, position + header, min(position + length, end)
        position += length
