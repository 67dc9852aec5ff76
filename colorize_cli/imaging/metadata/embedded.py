"""The metadata blocks inside a file: EXIF, XMP, IPTC and resolution, read without decoding the pixels."""

import struct
from typing import Any

from PIL import Image

from colorize_cli.imaging.metadata.iptc import iptc_of_raw_profile
from colorize_cli.imaging.photo import Metadata

XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
EXIF_UUID = b"JpgTiffExif->JP2"
IPTC_RESOURCE = 0x0404


def embedded_metadata(image: Image.Image, data: bytes, format: str) -> Metadata:
    """Return what an opened image other than TIFF carries. Damaged blocks are left out, never an error."""
    info = image.info
    exif, xmp = _as_bytes(info.get("exif")), _as_bytes(info.get("xmp"))
    if format == "JPEG2000":
        boxes = jp2_uuid_boxes(data)
        exif, xmp = boxes.get(EXIF_UUID), boxes.get(XMP_UUID)
    return Metadata(exif=_tiff_block(exif), xmp=xmp, iptc=_iptc(info), dpi=_dpi(info))


def _as_bytes(value: Any) -> bytes | None:
    if isinstance(value, str):
        return value.encode("utf-8")
    return value if isinstance(value, bytes) and value else None


def _tiff_block(exif: bytes | None) -> bytes | None:
    """Return the EXIF block from its TIFF header on, or None where there is no such header."""
    if exif is None:
        return None
    exif = exif.removeprefix(b"Exif\0\0")
    return exif if exif[:4] in (b"II\x2a\0", b"MM\0\x2a") else None


def _iptc(info: dict[Any, Any]) -> bytes | None:
    raw = info.get("Raw profile type iptc")
    if isinstance(raw, str):
        return iptc_of_raw_profile(raw)
    resources = info.get("photoshop")
    value = resources.get(IPTC_RESOURCE) if isinstance(resources, dict) else None
    return value if isinstance(value, bytes) and value else None


def _dpi(info: dict[Any, Any]) -> tuple[float, float] | None:
    try:
        x, y = (float(value) for value in info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    # JFIF writers put 1 x 1 for "unknown"; nobody scans at that.
    return (x, y) if 1 < x < 1e6 and 1 < y < 1e6 else None


def jp2_uuid_boxes(data: bytes) -> dict[bytes, bytes]:
    """Return the contents of the UUID boxes at the top level of a JP2 file, by UUID (ISO 15444-1 annex I)."""
    boxes: dict[bytes, bytes] = {}
    position = 0
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        header = 8
        if length == 1 and position + 16 <= len(data):
            (length,) = struct.unpack_from(">Q", data, position + 8)
            header = 16
        if length == 0:
            length = len(data) - position
        if length < header:
            break
        if kind == b"uuid":
            content = data[position + header : position + length]
            boxes.setdefault(content[:16], content[16:])
        position += length
    return boxes
