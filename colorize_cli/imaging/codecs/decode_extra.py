"""Formats of phones and cameras, by libraries that not everybody needs: the extra ``formats``.

HEIC by pi-heif (libheif without any encoder), camera and scanner raw by rawpy (LibRaw).
"""

import importlib.util
import io
from functools import cache
from typing import Any

import numpy as np

from colorize_cli.imaging.codecs.raster import Raster, UnknownKindError, check_size
from colorize_cli.imaging.photo import Metadata

HEIF, RAW = "HEIF", "RAW"
READERS = {HEIF: "pi_heif", RAW: "rawpy"}
_NAMES = {HEIF: "HEIC", RAW: "camera raw"}
_SRGB_GAMMA = (2.4, 12.92)
"""Power and slope at black, as LibRaw wants the curve of sRGB."""


class ReaderMissingError(UnknownKindError):
    """The format is known, and the library that reads it is not installed."""

    remedy = "Install the readers, `pip install pi-heif rawpy`, or convert it to TIFF or PNG."


@cache
def has_reader(format: str) -> bool:
    """Return whether the library for a format is installed; true for formats that need none."""
    return format not in READERS or importlib.util.find_spec(READERS[format]) is not None


def kind_name(format: str) -> str:
    """Return what people call a format of this module."""
    return _NAMES[format]


def decode_extra(data: bytes, format: str, max_pixels: float) -> Raster:
    """Return the samples of a HEIC or raw file, upright. Raises :class:`ReaderMissingError` and what libraries do."""
    if not has_reader(format):
        raise ReaderMissingError(f"{_NAMES[format]} files")
    return _heif(data, max_pixels) if format == HEIF else _raw(data, max_pixels)


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
    raster = Raster(np.ascontiguousarray(rgb), RAW, "RGB;16")
    raster.notes.append("the raw data was developed with the camera's white balance")
    return raster
