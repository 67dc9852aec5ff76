"""16-bit images that Pillow would reduce to 8 bits: color PNG, color JPEG 2000, and portable anymaps of any depth.

OpenCV does not report PNG data that ends early, so the chunks are checked first.
"""

import os
import struct
import zlib

import cv2
import numpy as np

from colorize_cli.imaging.codecs.raster import DamagedDataError, Raster, check_size
from colorize_cli.imaging.photo import Metadata

if "OPENCV_LOG_LEVEL" not in os.environ:
    # OpenCV reports damaged files on stderr; this package raises typed errors instead.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def is_wide_png(data: bytes) -> bool:
    """Return whether this PNG holds 16-bit samples with more than one channel."""
    return len(data) > 26 and data[24] == 16 and data[25] != 0


def essential_png(data: bytes) -> bytes:
    """Return the PNG reduced to its pixels, so that libpng has nothing else to apply or to warn about.

    Raises :class:`DamagedDataError` unless every chunk up to IEND is present and matches its checksum.
    """
    position = 8
    kept = [data[:8]]
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            break
        name = data[position + 4 : position + 8]
        if zlib.crc32(memoryview(data)[position + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            raise DamagedDataError(f"the {name.decode('latin-1')} chunk is damaged")
        if name in (b"IHDR", b"IDAT", b"IEND"):
            kept.append(data[position : end + 4])
        if name == b"IEND":
            return b"".join(kept)
        position = end + 4
    raise DamagedDataError("the file ends before the picture does")


def _opencv(data: bytes) -> np.ndarray:
    """Return the array decoded by OpenCV, channels in its order (blue first), depth and orientation unchanged."""
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None:
        raise DamagedDataError("the data is damaged")
    return decoded


def _split(decoded: np.ndarray, gray: bool = False) -> tuple[np.ndarray, np.ndarray | None, str]:
    """Return samples in RGB order, alpha and mode of an OpenCV array."""
    if decoded.ndim == 2:
        return decoded, None, "I;16"
    channels = decoded.shape[2]
    alpha = np.ascontiguousarray(decoded[..., -1]) if channels in (2, 4) else None
    if channels <= 2 or gray:
        return np.ascontiguousarray(decoded[..., 0]), alpha, "LA;16" if alpha is not None else "I;16"
    rgb = cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB if channels == 3 else cv2.COLOR_BGRA2RGB)
    return rgb, alpha, "RGB;16" if alpha is None else "RGBA;16"


def decode_png(data: bytes) -> Raster:
    """Return the samples of a 16-bit PNG with color or alpha, uint16."""
    samples, alpha, mode = _split(_opencv(essential_png(data)), gray=data[25] == 4)
    if alpha is None and data[25] == 2:
        alpha = _key_alpha(data, samples)
    return Raster(samples, "PNG", mode, alpha)


def _key_alpha(data: bytes, samples: np.ndarray) -> np.ndarray | None:
    """Return the alpha for the transparent color of a 16-bit RGB PNG, or None."""
    start = data.find(b"tRNS", 0, data.find(b"IDAT"))
    if start < 0:
        return None
    key = np.array(struct.unpack_from(">3H", data, start + 4), np.uint16)
    return np.where((samples == key).all(axis=2), 0, 65535).astype(np.uint16)


def _jp2_codestream(data: bytes) -> int:
    """Return the offset of the SIZ marker of the codestream, or -1."""
    return data.find(b"\xff\x4f\xff\x51")


def is_wide_jp2(data: bytes) -> bool:
    """Return whether this JPEG 2000 holds color samples of more than 8 bits."""
    start = _jp2_codestream(data)
    if start < 0 or start + 44 > len(data):
        return False
    (components,) = struct.unpack_from(">H", data, start + 40)
    return components >= 3 and (data[start + 42] & 0x7F) > 7


def is_lossless_jp2(data: bytes) -> bool:
    """Return whether the codestream uses the reversible 5/3 wavelet (ISO 15444-1, COD marker, transformation 1)."""
    start = data.find(b"\xff\x52", max(0, _jp2_codestream(data)))
    return start >= 0 and start + 14 <= len(data) and data[start + 13] == 1


def decode_jp2(data: bytes) -> Raster:
    """Return the samples of a color JPEG 2000 of more than 8 bits, uint16."""
    decoded = _opencv(data)
    if decoded.dtype != np.uint16:
        decoded = decoded.astype(np.uint16) * 257
    samples, alpha, mode = _split(decoded)
    return Raster(samples, "JPEG2000", mode, alpha)


def pnm_header(data: bytes) -> tuple[bytes, list[int], int]:
    """Return the magic, the header numbers and the offset of the samples of a binary or plain anymap."""
    wanted = 2 if data[1:2] in (b"1", b"4") else 3
    numbers: list[int] = []
    position = 2
    while len(numbers) < wanted:
        while position < len(data) and (data[position : position + 1].isspace() or data[position] == 0x23):
            if data[position] == 0x23:
                position = data.find(b"\n", position) % (len(data) + 1)
            position += 1
        start = position
        while position < len(data) and 0x30 <= data[position] <= 0x39 and position - start < 12:
            position += 1
        if position == start:
            raise DamagedDataError("the header is damaged")
        numbers.append(int(data[start:position]))
    return data[:2], numbers, position + 1


def is_wide_pnm(data: bytes) -> bool:
    """Return whether this portable anymap has binary samples of more than 8 bits."""
    if data[1:2] not in (b"5", b"6"):
        return False
    return pnm_header(data)[1][2] > 255


def decode_pnm(data: bytes, max_pixels: float) -> Raster:
    """Return the samples of a binary PGM or PPM with a maximum above 255, scaled to the full range of uint16."""
    magic, (width, height, maximum), start = pnm_header(data)
    check_size(width, height, max_pixels)
    channels = 3 if magic == b"P6" else 1
    if len(data) - start < width * height * channels * 2:
        raise DamagedDataError("the file ends before the picture does")
    if maximum > 65535:
        raise DamagedDataError("the header is damaged")
    samples = np.frombuffer(data, ">u2", width * height * channels, start).astype(np.uint16)
    if maximum != 65535:
        scaled = np.minimum(samples, maximum).astype(np.uint32) * 65535
        samples = ((scaled + maximum // 2) // maximum).astype(np.uint16)
    shape = (height, width, 3) if channels == 3 else (height, width)
    return Raster(samples.reshape(shape), "PPM", "RGB;16" if channels == 3 else "I;16", metadata=Metadata())
