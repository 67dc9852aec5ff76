"""From the bytes of a file to samples: the format is told from the first bytes, then Pillow decodes, or OpenCV and
tifffile where Pillow would cut 16 bits to 8.

Decoders raise whatever their libraries raise; ``read`` is the boundary that gives each failure its type.
"""

import io
import logging
import warnings
from typing import Any

from PIL import Image

from colorize_cli.imaging import decode_tiff, decode_wide, jpeg
from colorize_cli.imaging.decode_pillow import open_pillow, split_channels
from colorize_cli.imaging.embedded import embedded_metadata
from colorize_cli.imaging.photo import Encoding
from colorize_cli.imaging.raster import DamagedDataError, Raster, UnknownKindError, check_size

# Damaged tags make the libraries chatter on stderr; what matters is said in the photo's notes and errors.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_SIGNATURES: tuple[tuple[str, bytes, int], ...] = (
    ("JPEG", b"\xff\xd8\xff", 0),
    ("PNG", b"\x89PNG\r\n\x1a\n", 0),
    ("TIFF", b"II\x2a\x00", 0),
    ("TIFF", b"MM\x00\x2a", 0),
    ("TIFF", b"II\x2b\x00", 0),
    ("TIFF", b"MM\x00\x2b", 0),
    ("WEBP", b"WEBP", 8),
    ("BMP", b"BM", 0),
    ("GIF", b"GIF87a", 0),
    ("GIF", b"GIF89a", 0),
    ("JPEG2000", b"\x00\x00\x00\x0cjP  \r\n\x87\n", 0),
    ("JPEG2000", b"\xff\x4f\xff\x51", 0),
    ("AVIF", b"ftypavif", 4),
    ("AVIF", b"ftypavis", 4),
)
_FOREIGN: tuple[tuple[str, bytes, int], ...] = (
    ("HEIF", b"ftyphei", 4),
    ("HEIF", b"ftypmif1", 4),
    ("HEIF", b"ftyphevc", 4),
    ("camera raw", b"ftypcrx", 4),
    ("Photoshop", b"8BPS", 0),
    ("PDF", b"%PDF", 0),
    ("JPEG XL", b"\xff\x0a", 0),
    ("JPEG XL", b"\x00\x00\x00\x0cJXL ", 0),
    ("OpenEXR", b"\x76\x2f\x31\x01", 0),
    ("camera raw", b"IIRO", 0),
    ("camera raw", b"IIU\x00", 0),
    ("SVG", b"<svg", 0),
)


def sniff(data: bytes) -> str:
    """Return the format of the image in ``data`` by its first bytes.

    Raises :class:`UnknownKindError` with the name of a foreign image format,
    :class:`DamagedDataError` for anything else.
    """
    for name, signature, offset in _SIGNATURES:
        if data[offset : offset + len(signature)] == signature:
            return name
    if data[:1] == b"P" and data[1:2] in (b"1", b"2", b"3", b"4", b"5", b"6") and data[2:3].isspace():
        return "PPM"
    for name, signature, offset in _FOREIGN:
        if data[offset : offset + len(signature)] == signature:
            raise UnknownKindError(f"{name} files")
    raise DamagedDataError("not an image of a known format")


def decode(data: bytes, *, page: int, max_pixels: float) -> Raster:
    """Return the samples of one page of the image in ``data``; ``max_pixels`` is checked before decoding.

    Raises :class:`DamagedDataError`, :class:`UnknownKindError`, :class:`TooManyPixelsError`,
    :class:`NoPixelsError`, IndexError for a page that is not there, or anything the libraries raise on damaged data.
    """
    format = sniff(data)
    if format == "TIFF":
        return decode_tiff.decode(data, page=page, max_pixels=max_pixels)
    if page != 0:
        raise IndexError(page)
    if format == "PPM" and decode_wide.is_wide_pnm(data):
        return decode_wide.decode_pnm(data, max_pixels)
    image = open_pillow(io.BytesIO(data), format)
    check_size(image.width, image.height, max_pixels)
    if format == "PNG" and decode_wide.is_wide_png(data):
        raster = decode_wide.decode_png(data)
    elif format == "JPEG2000" and decode_wide.is_wide_jp2(data):
        raster = decode_wide.decode_jp2(data)
    else:
        if format == "JPEG":
            jpeg.check_complete(data)
        image.load()
        samples, alpha, notes = split_channels(image)
        raster = Raster(samples, format, image.mode, alpha, notes=notes)
    raster.icc = image.info.get("icc_profile") or None
    raster.metadata = embedded_metadata(image, data, format)
    raster.orientation = _orientation(image)
    raster.encoding = _encoding(image, data, format)
    if getattr(image, "n_frames", 1) > 1 and format != "JPEG":
        raster.notes.append("an animation: only its first frame is used")
    return raster


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation 1..8, 1 where it is absent or nonsense."""
    try:
        value: Any = image.getexif().get(0x0112, 1)
        return int(value) if int(value) in range(1, 9) else 1
    except Exception:  # damaged EXIF must not cost the photo
        return 1


def _encoding(image: Image.Image, data: bytes, format: str) -> Encoding:
    """Return how the image in ``data`` was compressed."""
    if format == "JPEG":
        return jpeg.encoding_of(image)
    if format == "WEBP":
        return Encoding(lossless=b"VP8L" in data[:64] or b"VP8L" in data[: 1 << 16])
    if format == "JPEG2000":
        return Encoding(lossless=decode_wide.is_lossless_jp2(data))
    return Encoding()
