"""Encode one color picture with its metadata, in every format except TIFF (see ``tiff``)."""

import importlib.util
import io
import struct
from dataclasses import dataclass
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image

from colorize_cli.errors import UnsupportedPhoto
from colorize_cli.imaging.codecs import png
from colorize_cli.imaging.codecs.jpeg import structure as jpeg
from colorize_cli.imaging.metadata.embedded import EXIF_UUID, XMP_UUID
from colorize_cli.imaging.metadata.texts import COMMENT
from colorize_cli.imaging.photo import Encoding, Metadata
from colorize_cli.imaging.tone import strips

_SMALLEST_JP2 = 32
DEFAULT_QUALITY = {"JPEG": 92, "WEBP": 90, "AVIF": 85, "JPEG2000": 95}
_MOST_PIXELS_A_SIDE = {"JPEG": 65500, "WEBP": 16383, "AVIF": 65535}
_FULL_CHROMA_FROM = 90


@dataclass
class Job:
    """Everything in one file besides the pixels; encoders add to ``notes`` what they must leave out.

    ``fallback_xmp``: the packet with the provenance only, for formats that cannot hold the full packet.
    """

    icc: bytes
    xmp: bytes
    fallback_xmp: bytes
    metadata: Metadata
    encoding: Encoding
    quality: int | None
    notes: list[str]


def encode(file: BinaryIO, format: str, rgb: np.ndarray, alpha: np.ndarray | None, job: Job) -> None:
    """Write ``rgb`` uint8 or uint16 (H, W, 3), already in a depth that ``format`` supports, and ``alpha`` to ``file``.

    Raises :class:`UnsupportedPhoto` if the format cannot hold a picture of this size or its encoder fails.
    """
    height, width = rgb.shape[:2]
    limit = _MOST_PIXELS_A_SIDE.get(format)
    if limit is not None and max(height, width) > limit:
        raise UnsupportedPhoto(
            f"{format} holds at most {limit} pixels per side, not {width} x {height}.", "Use --format png or tiff."
        )
    if format == "PNG":
        png.write_png(file, rgb, alpha, icc=job.icc, xmp=job.xmp, metadata=job.metadata)
    elif format == "PPM":
        _write_ppm(file, rgb)
    elif format == "JPEG":
        _write_jpeg(file, rgb, job)
    elif format == "JPEG2000":
        _write_jp2(file, rgb, alpha, job)
    else:
        _write_by_pillow(file, format, rgb, alpha, job)


def _write_ppm(file: BinaryIO, rgb: np.ndarray) -> None:
    height, width = rgb.shape[:2]
    file.write(b"P6\n%d %d\n%d\n" % (width, height, 255 if rgb.itemsize == 1 else 65535))
    for rows in strips(height, width):
        file.write(np.ascontiguousarray(rgb[rows], ">u2" if rgb.itemsize == 2 else np.uint8).data)


def _write_jpeg(file: BinaryIO, rgb: np.ndarray, job: Job) -> None:
    """Encode with OpenCV's libjpeg-turbo, 1.5 times as fast as Pillow's with the same tables, and add the segments."""
    quality, subsampling = jpeg_quality(job)
    factor = {
        "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
        "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
        "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    }[subsampling]
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor]
    options += [cv2.IMWRITE_JPEG_PROGRESSIVE, int(job.encoding.progressive)]
    encoded = _opencv(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), options)
    body = 2
    while encoded[body] == 0xFF and encoded[body + 1] == 0xE0:
        body += 2 + int.from_bytes(encoded[body + 2 : body + 4], "big")
    file.write(jpeg_start(job))
    file.write(encoded[body:])


def jpeg_quality(job: Job) -> tuple[int, str]:
    """Return the quality 1..100 and the chroma subsampling of a JPEG result."""
    quality = job.quality or job.encoding.quality or DEFAULT_QUALITY["JPEG"]
    return quality, job.encoding.subsampling or ("4:4:4" if quality >= _FULL_CHROMA_FROM else "4:2:0")


def jpeg_start(job: Job) -> bytes:
    """Return the beginning of a JPEG: start marker and metadata segments; blocks that are too large are noted."""
    parts = [b"\xff\xd8", jpeg.jfif_segment(job.metadata.dpi)]
    for what, marker, payload in (
        ("EXIF", 0xE1, jpeg.EXIF_HEADER + job.metadata.exif if job.metadata.exif is not None else None),
        ("XMP", 0xE1, jpeg.XMP_HEADER + job.xmp if job.xmp else None),
        (
            "IPTC",
            0xED,
            jpeg.PHOTOSHOP_HEADER + jpeg.photoshop_block(job.metadata.iptc) if job.metadata.iptc is not None else None,
        ),
    ):
        if payload is None:
            continue
        if len(payload) > jpeg.SEGMENT_LIMIT:
            job.notes.append(f"its {what} block is larger than the 64 KB that JPEG holds and was left out")
            if what != "XMP":
                continue
            payload = jpeg.XMP_HEADER + job.fallback_xmp
        parts.append(jpeg.segment(marker, payload))
    comments = [text for keyword, text in job.metadata.texts if keyword == COMMENT]
    return b"".join([*parts, jpeg.icc_segments(job.icc), jpeg.comment_segments(comments)])


def _opencv(suffix: str, bgr: np.ndarray, options: list[int]) -> memoryview:
    """Return the bytes encoded by OpenCV. Raises :class:`UnsupportedPhoto` if it fails."""
    try:
        done, encoded = cv2.imencode(suffix, bgr, options)
    except cv2.error as error:
        raise UnsupportedPhoto(f"the result cannot be encoded: {error.err}.", "Choose another --format.") from None
    if not done:
        raise UnsupportedPhoto("the result cannot be encoded.", "Choose another --format.")
    return encoded.reshape(-1).data


def _stacked(rgb: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    return np.ascontiguousarray(rgb) if alpha is None else np.dstack((rgb, alpha))


def jp2_decibels(quality: int) -> float:
    """Return the target signal-to-noise ratio in decibels of a lossy JPEG 2000 at a quality of 1..99."""
    return 30 + quality * 0.2


def _small_jp2(pixels: np.ndarray) -> bytes:
    """Return 16-bit pixels as JPEG 2000 without loss, by the library of the extra ``formats``.

    OpenCV asks for six resolutions, of which the smallest pictures have fewer.
    """
    import imagecodecs

    return bytes(imagecodecs.jpeg2k_encode(pixels, level=0, resolutions=1, codecformat="jp2"))


def _jp2_by_opencv(pixels: np.ndarray) -> memoryview:
    """Return 16-bit pixels as JPEG 2000 without loss."""
    code = cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    return _opencv(".jp2", cv2.cvtColor(pixels, code), [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000])


def _write_jp2(file: BinaryIO, rgb: np.ndarray, alpha: np.ndarray | None, job: Job) -> None:
    """Write JPEG 2000, lossless if the source was or quality is 100; OpenCV writes 16 bits, which Pillow cannot."""
    lossless = job.quality == 100 or (job.quality is None and job.encoding.lossless is not False)
    pixels = _stacked(rgb, alpha)
    is_small = pixels.dtype == np.uint16 and min(pixels.shape[:2]) < _SMALLEST_JP2
    if is_small and importlib.util.find_spec("imagecodecs") is None:
        job.notes.append("JPEG 2000 of fewer than 32 pixels a side was written at 8 bits instead of 16")
        pixels, is_small = to_depth(pixels, 8), False
    encoded: bytes | memoryview
    if pixels.dtype == np.uint16:
        if not lossless:
            job.notes.append("16-bit JPEG 2000 is written without loss")
        encoded = _small_jp2(pixels) if is_small else _jp2_by_opencv(pixels)
    else:
        buffer = io.BytesIO()
        # "jp2" asks for the boxed file rather than the bare codestream, which holds no metadata.
        options: dict[str, object] = {"no_jp2": False, "irreversible": not lossless}
        if not lossless:
            quality = job.quality or DEFAULT_QUALITY["JPEG2000"]
            options |= {"quality_mode": "dB", "quality_layers": [jp2_decibels(quality)]}
        _save(Image.fromarray(pixels), buffer, "JPEG2000", options)
        encoded = buffer.getbuffer()
    file.write(encoded)
    for uuid, content in ((EXIF_UUID, job.metadata.exif), (XMP_UUID, job.xmp)):
        if content is not None:
            file.write(struct.pack(">I4s", 24 + len(content), b"uuid") + uuid + content)


def _write_by_pillow(file: BinaryIO, format: str, rgb: np.ndarray, alpha: np.ndarray | None, job: Job) -> None:
    """Write BMP, WebP or AVIF."""
    options: dict[str, object] = {}
    if format == "BMP":
        if job.metadata.dpi is not None:
            options["dpi"] = job.metadata.dpi
    else:
        quality = job.quality or job.encoding.quality or DEFAULT_QUALITY[format]
        options = {"quality": quality, "icc_profile": job.icc, "xmp": job.xmp}
        if job.metadata.exif is not None:
            options["exif"] = jpeg.EXIF_HEADER + job.metadata.exif
        if format == "WEBP":
            lossless = job.quality == 100 or (job.quality is None and bool(job.encoding.lossless))
            options |= {"lossless": lossless, "exact": True, "method": 4}
            if lossless:
                options["quality"] = 50  # effort, not fidelity
        else:
            options |= {"subsampling": "4:4:4" if quality >= _FULL_CHROMA_FROM else "4:2:0", "speed": 8}
    _save(Image.fromarray(_stacked(rgb, alpha)), file, format, options)


def _save(image: Image.Image, file: BinaryIO, format: str, options: dict[str, object]) -> None:
    """Encode with Pillow. OSErrors of the disk are passed on; encoder errors become one typed error."""
    buffer = io.BytesIO()
    try:
        image.save(buffer, format, **options)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise UnsupportedPhoto(f"{format} cannot be encoded: {error}.", "Choose another --format.") from None
    file.write(buffer.getbuffer())


def to_depth(samples: np.ndarray, depth: int) -> np.ndarray:
    """Return uint8 or uint16 samples at 8 or 16 bits, rounded; the same array if it already has that depth."""
    if samples.itemsize * 8 == depth:
        return samples
    result = np.empty(samples.shape, np.uint8 if depth == 8 else np.uint16)
    for rows in strips(*samples.shape[:2]):
        if depth == 8:
            result[rows] = (samples[rows].astype(np.uint32) + 128) // 257
        else:
            np.multiply(samples[rows], 257, out=result[rows], dtype=np.uint16)
    return result
