"""Formats that libraries read which not everybody needs: the extra ``formats``.

HEIC by pi-heif (libheif without any encoder), camera and scanner raw by rawpy (LibRaw), JPEG XL by imagecodecs
(libjxl), PDF by pypdfium2 (:mod:`~colorize_cli.imaging.codecs.extra.decode_pdf`). What a JPEG XL file says before it is
decoded, the size of the picture (ISO 18181-1) and its metadata (18181-2), is read without a library.
"""

import importlib.util
import io
import struct
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from colorize_cli.imaging.codecs.formats import PDF
from colorize_cli.imaging.codecs.raster import DamagedDataError, Raster, UnknownKindError, check_size
from colorize_cli.imaging.codecs.wide_values import scale_to_uint16
from colorize_cli.imaging.photo import Metadata

_SIGNATURE = b"\xff\x0a"
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_SIDE_BITS = (9, 13, 18, 30)
_LARGEST_BOX = 1 << 26
HEIF, RAW, JPEGXL = "HEIF", "RAW", "JPEGXL"
READERS = {HEIF: "pi_heif", RAW: "rawpy", JPEGXL: "imagecodecs", PDF: "pypdfium2"}
_NAMES = {HEIF: "HEIC", RAW: "camera raw", JPEGXL: "JPEG XL", PDF: "PDF"}
_PACKAGES = {HEIF: "pi-heif", RAW: "rawpy", JPEGXL: "imagecodecs", PDF: "pypdfium2"}
_SRGB_GAMMA = (2.4, 12.92)
"""Power and slope at black, as LibRaw wants the curve of sRGB."""


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


class ReaderMissingError(UnknownKindError):
    """The format is known, and the library that reads it is not installed."""

    def __init__(self, what: str, package: str) -> None:
        self.package = package
        self.remedy = f"Install the reader, `pip install {package}`, or convert it to TIFF or PNG."
        super().__init__(what)


def remedy(format: str) -> str:
    """Return which package reads a format of this module, in a sentence."""
    return _missing(format).remedy


def _missing(format: str) -> ReaderMissingError:
    return ReaderMissingError(f"{_NAMES[format]} files", _PACKAGES[format])


@cache
def has_reader(format: str) -> bool:
    """Return whether the library for a format is installed; true for formats that need none."""
    return format not in READERS or importlib.util.find_spec(READERS[format]) is not None


def kind_name(format: str) -> str:
    """Return what people call a format of this module."""
    return _NAMES[format]


def format_named(name: str) -> str | None:
    """Return the format of this module that people call ``name``, None for every other word."""
    return next((format for format, known in _NAMES.items() if known == name), None)


def require_reader(format: str) -> None:
    """Raise :class:`ReaderMissingError` where the library is not installed."""
    if not has_reader(format):
        raise _missing(format)


def decode_extra(data: bytes, format: str, max_pixels: float) -> Raster:
    """Return the samples of a HEIC, raw or JPEG XL file, upright. Raises what libraries do."""
    return {HEIF: _heif, RAW: _raw, JPEGXL: _jxl}[format](data, max_pixels)


def _jxl(data: bytes, max_pixels: float) -> Raster:
    """Decode JPEG XL; libjxl turns the picture upright and converts to sRGB, or to what the file says it is in."""
    import imagecodecs

    check_size(*size_of_jxl(data), max_pixels)
    samples = np.asarray(imagecodecs.jpegxl_decode(data, index=0))
    notes: list[str] = []
    if samples.dtype.kind == "f":
        samples, note = scale_to_uint16(samples, (0.0, 1.0))
        notes.append(note)
    if samples.ndim == 2:
        samples = samples[..., None]
    channels = samples.shape[2]
    alpha = np.ascontiguousarray(samples[..., -1]) if channels in (2, 4) else None
    color = np.ascontiguousarray(samples[..., :3] if channels >= 3 else samples[..., 0])
    exif, xmp = boxes_of_jxl(data)
    mode = ("RGB" if channels >= 3 else "L") + (";16" if samples.dtype == np.uint16 else "")
    return Raster(color, JPEGXL, mode, alpha, metadata=Metadata(exif, xmp), notes=notes)


def _heif(data: bytes, max_pixels: float) -> Raster:
    import pi_heif

    image: Any = pi_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
    width, height = image.size
    check_size(width, height, max_pixels)
    samples = np.array(image)  # a copy: the view does not outlive the image
    alpha = np.ascontiguousarray(samples[..., -1]) if image.mode.startswith(("RGBA", "LA")) else None
    color = samples[..., :3] if samples.ndim == 3 and samples.shape[2] >= 3 else samples.reshape(samples.shape[:2])
    exif = image.info.get("exif") or b""
    exif = exif[exif.find(b"Exif\0\0") + 6 :] if b"Exif\0\0" in exif[:16] else exif
    metadata = Metadata(exif if exif[:4] in (b"II\x2a\0", b"MM\0\x2a") else None, image.info.get("xmp") or None)
    raster = Raster(np.ascontiguousarray(color), HEIF, image.mode, alpha, metadata=metadata)
    raster.icc = image.info.get("icc_profile") or None
    return raster


def _raw(data: bytes, max_pixels: float) -> Raster:
    import rawpy

    with rawpy.imread(io.BytesIO(data)) as raw:
        check_size(raw.sizes.width, raw.sizes.height, max_pixels)
        rgb = raw.postprocess(output_bps=16, use_camera_wb=True, no_auto_bright=True, gamma=_SRGB_GAMMA)
    channels = rgb.shape[2] if rgb.ndim == 3 else 1
    if channels < 3:  # cameras and scanners without a color filter
        raster = Raster(np.ascontiguousarray(rgb.reshape(rgb.shape[0], rgb.shape[1], channels)[..., 0]), RAW, "I;16")
    else:
        raster = Raster(np.ascontiguousarray(rgb[..., :3]), RAW, "RGB;16")
    raster.notes.append("the raw data was developed with the camera's white balance")
    return raster
