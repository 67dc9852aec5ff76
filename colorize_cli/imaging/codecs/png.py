"""PNG written in strips of rows at 8 or 16 bits per channel, with metadata chunks where readers expect them.

Pillow cannot write 16-bit color and OpenCV needs complete copies of picture and file; writing strips avoids both.
Format: PNG specification, third edition; XMP in an iTXt chunk: ISO 16684-3.
"""

import struct
import zlib
from typing import BinaryIO

import numpy as np

from colorize_cli.imaging.photo import Metadata
from colorize_cli.imaging.tone import strips

_COLOR, _COLOR_ALPHA = 2, 6
_SUB_FILTER = 1


def chunk(name: bytes, payload: bytes) -> bytes:
    """Return one chunk: length, name, payload, checksum."""
    return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))


def write_png(
    file: BinaryIO, rgb: np.ndarray, alpha: np.ndarray | None, *, icc: bytes, xmp: bytes, metadata: Metadata
) -> None:
    """Write ``rgb``, uint8 or uint16 (H, W, 3), and ``alpha`` (H, W) of the same type or None, to ``file``.

    ``metadata`` supplies EXIF, IPTC, texts and resolution; ``xmp`` is the packet to embed. Rows are filtered by their
    left neighbour and run-length coded with Huffman codes, which costs a tenth of the full search and stores
    photographs as tightly.
    """
    height, width = rgb.shape[:2]
    file.write(b"\x89PNG\r\n\x1a\n")
    kind = _COLOR if alpha is None else _COLOR_ALPHA
    file.write(chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, rgb.itemsize * 8, kind, 0, 0, 0)))
    file.write(chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(icc, 9)))
    if metadata.dpi is not None:
        x, y = (min(round(value / 0.0254), 2**31 - 1) for value in metadata.dpi)
        file.write(chunk(b"pHYs", struct.pack(">IIB", x, y, 1)))
    if metadata.exif is not None:
        file.write(chunk(b"eXIf", metadata.exif))
    file.write(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp))
    for keyword, text in metadata.texts:
        file.write(
            chunk(b"iTXt", keyword.encode("latin-1", "replace")[:79] + b"\0\0\0\0\0" + text.encode("utf-8", "replace"))
        )
    if metadata.iptc is not None:
        file.write(chunk(b"zTXt", _raw_iptc(metadata.iptc)))
    compressor = zlib.compressobj(1, zlib.DEFLATED, 15, 9, zlib.Z_RLE)
    for rows in strips(height, width):
        data = compressor.compress(_filtered(rgb[rows], None if alpha is None else alpha[rows]).data)
        if data:
            file.write(chunk(b"IDAT", data))
    file.write(chunk(b"IDAT", compressor.flush()))
    file.write(chunk(b"IEND", b""))


def _filtered(rgb: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """Return the bytes of a strip of rows, uint8 (rows, 1 + row bytes), each row preceded by its filter type."""
    samples = rgb if alpha is None else np.dstack((rgb, alpha))
    pixel = samples.shape[2] * samples.itemsize
    if samples.itemsize == 2:
        samples = samples.astype(">u2")
    raw = np.ascontiguousarray(samples).view(np.uint8).reshape(samples.shape[0], -1)
    filtered = np.empty((raw.shape[0], raw.shape[1] + 1), np.uint8)
    filtered[:, 0] = _SUB_FILTER
    filtered[:, 1 : 1 + pixel] = raw[:, :pixel]
    np.subtract(raw[:, pixel:], raw[:, :-pixel], out=filtered[:, 1 + pixel :])
    return filtered


def _raw_iptc(iptc: bytes) -> bytes:
    """Return the zTXt payload in which ImageMagick and exiftool keep IPTC records, for which PNG has no chunk."""
    from colorize_cli.imaging.codecs.jpeg.structure import photoshop_block

    block = photoshop_block(iptc)
    digits = block.hex()
    lines = "\n".join(digits[start : start + 72] for start in range(0, len(digits), 72))
    return b"Raw profile type iptc\0\0" + zlib.compress(f"\niptc\n{len(block):8d}\n{lines}\n".encode("ascii"))
