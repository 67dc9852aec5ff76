"""The XMP packet of an image file and the provenance in it.

Only the structure of the file is read, no pixels, whatever its size.
"""

import contextlib
import struct
from pathlib import Path
from typing import BinaryIO

from colorize_cli.imaging.codecs.decode_pillow import open_pillow
from colorize_cli.imaging.codecs.jpeg.structure import XMP_HEADER
from colorize_cli.imaging.codecs.raster import UnknownKindError
from colorize_cli.imaging.metadata.embedded import XMP_UUID
from colorize_cli.imaging.metadata.xmp import Provenance, provenance_of_xmp, read_sidecar, sidecar_path

_LARGEST = 1 << 26
_STRUCTURE_ERRORS = (
    *(ValueError, struct.error, IndexError, KeyError, TypeError, SyntaxError, EOFError, RuntimeError),
    UnknownKindError,
)


def file_xmp(path: Path) -> bytes | None:
    """Return the XMP packet in the file at ``path``, None if there is none or its structure is damaged.

    Raises OSError if the file cannot be opened or read.
    """
    with path.open("rb") as file:
        start = file.read(16)
        file.seek(0)
        with contextlib.suppress(*_STRUCTURE_ERRORS):
            if start[:3] == b"\xff\xd8\xff":
                return _jpeg(file)
            if start[:8] == b"\x89PNG\r\n\x1a\n":
                return _png(file)
            if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
                return _webp(file)
            if start[:4] in (b"II\x2a\0", b"MM\0\x2a", b"II\x2b\0", b"MM\0\x2b"):
                return _tiff(file)
            if start[4:8] == b"jP  ":
                return _jp2(file)
            if start[4:8] == b"ftyp":
                return _avif(file)
    return None


def _jpeg(file: BinaryIO) -> bytes | None:
    file.seek(2)
    while True:
        marker, code, length = struct.unpack(">BBH", file.read(4))
        if marker != 0xFF or code in (0xDA, 0xD9) or length < 2:
            return None
        payload = file.read(length - 2)
        if code == 0xE1 and payload.startswith(XMP_HEADER):
            return payload[len(XMP_HEADER) :]


def _png(file: BinaryIO) -> bytes | None:
    file.seek(8)
    while True:
        length, name = struct.unpack(">I4s", file.read(8))
        if name == b"iTXt" and length < _LARGEST:
            payload = file.read(length)
            if payload.startswith(b"XML:com.adobe.xmp\0\0"):
                return payload.split(b"\0", 5)[5]
            length = 0
        if name == b"IEND":
            return None
        file.seek(length + 4, 1)


def _webp(file: BinaryIO) -> bytes | None:
    file.seek(12)
    while True:
        name, length = struct.unpack("<4sI", file.read(8))
        if name == b"XMP " and length < _LARGEST:
            return file.read(length)
        file.seek(length + length % 2, 1)


def _tiff(file: BinaryIO) -> bytes | None:
    import tifffile  # start-up time: most photographs are no TIFFs

    with tifffile.TiffFile(file) as tiff:
        tag = tiff.pages.first.tags.get(700)
        value = tag.value if tag is not None else None
    return value if isinstance(value, bytes) else None


def _jp2(file: BinaryIO) -> bytes | None:
    while True:
        length, kind = struct.unpack(">I4s", file.read(8))
        header = 8
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
            header = 16
        if kind == b"uuid" and header < length < _LARGEST:
            content = file.read(length - header)
            if content.startswith(XMP_UUID):
                return content[16:]
            length = header
        if length < header:
            return None
        file.seek(length - header, 1)


def _avif(file: BinaryIO) -> bytes | None:
    with open_pillow(file, "AVIF") as image:
        packet = image.info.get("xmp")
    return packet if isinstance(packet, bytes) else None


def read_provenance(path: Path | str) -> Provenance | None:
    """Return the provenance of the result at ``path``, from its XMP or its sidecar, None if neither states it.

    Only headers are read, no pixels. Never raises for damaged or missing files.
    """
    path = Path(path)
    try:
        packet = file_xmp(path)
        if packet is None and sidecar_path(path).is_file():
            packet = read_sidecar(sidecar_path(path))
    except OSError:
        return None
    return provenance_of_xmp(packet) if packet else None
