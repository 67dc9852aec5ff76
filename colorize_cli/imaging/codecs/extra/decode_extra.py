"""Formats that libraries read which not everybody needs: the extra ``formats``.

HEIC by pi-heif (libheif without any encoder), camera and scanner raw by rawpy (LibRaw), JPEG XL by imagecodecs
(libjxl), PDF by pypdfium2 (:mod:`~colorize_cli.imaging.codecs.extra.decode_pdf`).
"""

import importlib.util
import io
from functools import cache
from typing import Any

import numpy as np

from colorize_cli.imaging.codecs.extra.jxl import boxes_of_jxl, size_of_jxl
from colorize_cli.imaging.codecs.formats import PDF
from colorize_cli.imaging.codecs.raster import Raster, UnknownKindError, check_size
from colorize_cli.imaging.codecs.wide_values import scale_to_uint16
from colorize_cli.imaging.photo import Metadata

HEIF, RAW, JPEGXL = "HEIF", "RAW", "JPEGXL"
READERS = {HEIF: "pi_heif", RAW: "rawpy", JPEGXL: "imagecodecs", PDF: "pypdfium2"}
_NAMES = {HEIF: "HEIC", RAW: "camera raw", JPEGXL: "JPEG XL", PDF: "PDF"}
_PACKAGES = {HEIF: "pi-heif", RAW: "rawpy", JPEGXL: "imagecodecs", PDF: "pypdfium2"}
_SRGB_GAMMA = (2.4, 12.92)
"""Power and slope at black, as LibRaw wants the curve of sRGB."""


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
