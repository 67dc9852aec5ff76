"""Decode the bytes of a file to samples: the first bytes identify the format, then Pillow decodes, or OpenCV and
tifffile where Pillow would reduce 16 bits to 8.

Decoders pass on the exceptions of their libraries; ``read`` is the boundary that turns them into typed errors.
"""

import contextlib
import io
import logging
import struct

import numpy as np
from PIL import Image

from colorize_cli.imaging.codecs import decode_wide, png
from colorize_cli.imaging.codecs.decode_pillow import open_pillow, split_channels
from colorize_cli.imaging.codecs.extra.decode_extra import RAW, READERS, decode_extra, require_reader
from colorize_cli.imaging.codecs.extra.decode_pdf import decode_page
from colorize_cli.imaging.codecs.formats import LIMITS, PDF, Limits
from colorize_cli.imaging.codecs.jpeg import structure as jpeg
from colorize_cli.imaging.codecs.raster import (
    DamagedDataError,
    NoPixelsError,
    Raster,
    UnknownKindError,
    check_size,
)
from colorize_cli.imaging.codecs.signatures import sniff
from colorize_cli.imaging.codecs.tiff import decode_tiff
from colorize_cli.imaging.codecs.wide_values import is_8_bit_in_16, scale_to_uint16
from colorize_cli.imaging.metadata.embedded import embedded_metadata, jp2_icc
from colorize_cli.imaging.metadata.exif import ORIENTATION, orientation_of_exif, stated_orientation
from colorize_cli.imaging.photo import Encoding, Metadata

# Without a handler, messages of the libraries about damaged tags would appear on stderr.
for _library in ("tifffile", "PIL"):
    logging.getLogger(_library).addHandler(logging.NullHandler())


def decode(
    data: bytes, *, page: int, max_pixels: float, at_least: int | None = None, limits: Limits = LIMITS
) -> Raster:
    """Return the samples of one page of the image in ``data``; ``max_pixels`` is checked before decoding.

    ``at_least``: a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size, as long as no side is shorter than this.
    HEIC, raw, JPEG XL and PDF are decoded here too, but see :mod:`~colorize_cli.imaging.codecs.decode_apart`.
    Raises :class:`DamagedDataError`, :class:`UnknownKindError`, :class:`TooManyPixelsError`,
    :class:`NoPixelsError`, IndexError for a missing page, or any exception of the libraries for damaged data.
    """
    try:
        format = sniff(data)
        if format == "TIFF":
            return decode_tiff.decode(data, page=page, max_pixels=max_pixels, limits=limits)
    except UnknownKindError as error:
        if "camera raw" not in str(error):
            raise
        format = RAW
    if format in READERS:
        require_reader(format)
    if format == PDF:
        return decode_page(
            data, page, max_pixels, lambda picture, most: decode(picture, page=0, max_pixels=most, limits=limits)
        )
    if format in READERS:
        return decode_extra(data, format, max_pixels)
    if page != 0:
        raise IndexError(page)
    if format == "PPM" and decode_wide.is_wide_pnm(data):
        return _from_8_bits(decode_wide.decode_pnm(data, max_pixels))
    if declares_no_pixels(data, format):
        raise NoPixelsError
    if format == "JPEG":
        jpeg.check_kind(data)
        has_end = jpeg.has_end(data)
        data = data if has_end else data + b"\xff\xd9"
    image = open_pillow(io.BytesIO(png.without_packed_texts(data) if format == "PNG" else data), format)
    check_size(image.width, image.height, max_pixels)
    if format == "PNG" and decode_wide.is_wide_png(data):
        raster = decode_wide.decode_png(data)
    elif format == "JPEG2000" and decode_wide.is_wide_jp2(data):
        raster = decode_wide.decode_jp2(data)
    else:
        if format == "JPEG":
            jpeg.check_scans(data, limits.scans)
            _allow_smaller(image, at_least)
        image.load()
        samples, alpha, notes = split_channels(image)
        if format == "JPEG":
            _check_decoded_jpeg(data, image, samples, at_least, has_end=has_end)
            notes = notes if has_end else [*notes, "its end marker is missing; the picture is complete"]
        raster = Raster(samples, format, image.mode, alpha, notes=notes)
    raster.icc = image.info.get("icc_profile") or None
    if format == "PNG":
        stated, replaces, note = png.stated_profile(data)
        raster.icc = stated if stated is not None or replaces else raster.icc
        raster.notes += [note] if note else []
    elif format == "JPEG2000":
        raster.icc = jp2_icc(data) or raster.icc
    try:
        raster.metadata = embedded_metadata(image, data, format)
    except Exception:  # damaged metadata must not make the photo unreadable
        raster.notes.append("its metadata is damaged and was left out")
    raster.orientation = _orientation(image, raster.metadata, format)
    raster.encoding = _encoding(image, data, format)
    if getattr(image, "n_frames", 1) > 1 and format != "JPEG":
        raster.notes.append("an animation: only its first frame is used")
    return _from_8_bits(raster)


def _from_8_bits(raster: Raster) -> Raster:
    """Return the raster; 8-bit samples stored in 16 bits are scaled to the full range."""
    if is_8_bit_in_16(raster.samples):
        raster.samples, note = scale_to_uint16(raster.samples)
        raster.notes.append(note)
    return raster


def declares_no_pixels(data: bytes, format: str) -> bool:
    """Return whether the header declares a width or height of 0, which the libraries report as a broken file."""
    place = {"PNG": (">II", 16), "GIF": ("<HH", 6), "BMP": ("<ii", 18)}.get(format)
    if place is None or len(data) < place[1] + 8:
        return False
    return 0 in struct.unpack_from(place[0], data, place[1])


def _allow_smaller(image: Image.Image, at_least: int | None) -> None:
    """Let libjpeg reduce the image while decoding, which saves most of the time."""
    if at_least is not None:
        image.draft(image.mode, (at_least, at_least))


def _check_decoded_jpeg(
    data: bytes, image: Image.Image, samples: np.ndarray, at_least: int | None, *, has_end: bool
) -> None:
    """Raise :class:`DamagedDataError` if the compressed data ended before the last block.

    libjpeg silently fills the rest with middle gray. If that may have happened (the last block is flat
    middle gray, or the file is progressive, where it is not visible), the file is decoded again with extra bytes before
    its end marker: they change the picture only if the decoder ran out of data. ``has_end``: whether the end marker is
    the file's own.
    """
    corner = samples[-1:, -1:]
    if has_end and not image.info.get("progressive") and not np.isin(corner, (127, 128)).all():
        return
    end = data.rfind(b"\xff\xd9")
    again = open_pillow(io.BytesIO(data[:end] + b"\xaa\x55" * 64 + b"\xff\xd9"), "JPEG")
    _allow_smaller(again, at_least)
    again.load()
    if not np.array_equal(np.asarray(again), np.asarray(image)):
        raise DamagedDataError("the compressed data ends before the picture does")


def _orientation(image: Image.Image, metadata: Metadata, format: str) -> int:
    """Return the EXIF orientation 1..8 of an opened image."""
    if format != "AVIF":
        with contextlib.suppress(ValueError, struct.error):
            return stated_orientation(orientation_of_exif(metadata.exif), metadata.xmp)
    try:
        # Pillow reads some slightly malformed blocks, and rotates AVIF according to the boxes of the file.
        return stated_orientation(image.getexif().get(ORIENTATION), metadata.xmp)
    except Exception:  # damaged EXIF must not make the photo unreadable
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
