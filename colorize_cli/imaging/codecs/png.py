"""PNG: written in strips of rows at 8 or 16 bits per channel, and the chunks of a file with the color space they state.

Pillow cannot write 16-bit color and OpenCV needs complete copies of picture and file; writing strips avoids both.
Format: PNG specification, third edition; XMP in an iTXt chunk: ISO 16684-3. Precedence of chunks: section 4.3 (cICP,
iCCP, sRGB, then gAMA with cHRM). Code points of cICP: ITU-T H.273.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from colorize_cli.imaging.metadata.icc import SRGB_PRIMARIES, Primaries, profile_of
from colorize_cli.imaging.photo import Metadata
from colorize_cli.imaging.tone import strips

_COLOR, _COLOR_ALPHA = 2, 6
_SUB_FILTER = 1
_MOST_CHUNKS = 100_000
_BT709, _BT2020, _P3_D65 = 1, 9, 12
_PRIMARIES: dict[int, Primaries] = {
    _BT709: SRGB_PRIMARIES,
    _BT2020: ((0.3127, 0.329), (0.708, 0.292), (0.17, 0.797), (0.131, 0.046)),
    _P3_D65: ((0.3127, 0.329), (0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),
}
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_SRGB_LIKE = frozenset((1, 6, 13, 14, 15))
_SRGB_GAMA, _TOLERANCE = 45455, 0.05
_CHROMATICITY_TOLERANCE = 0.01


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


def chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield (name, payload) of each chunk up to IEND, without those that extend beyond the end of the file."""
    view = memoryview(data)
    position = 8
    for _ in range(_MOST_CHUNKS):
        if position + 12 > len(data):
            return
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            return
        yield name, view[position + 8 : end]
        if name == b"IEND":
            return
        position = end + 4


def without_packed_texts(data: bytes) -> bytes:
    """Return the PNG without its compressed texts: Pillow rejects the whole picture if one is a decompression bomb."""
    kept, position = [data[:8]], 8
    found = False
    for name, payload in chunks(data):
        end = position + 12 + len(payload)
        if name in (b"zTXt", b"iTXt"):
            found = True
        else:
            kept.append(data[position:end])
        position = end
    return b"".join(kept) + data[position:] if found else data


def stated_profile(data: bytes) -> tuple[bytes | None, bool, str]:
    """Return an ICC profile for the color space stated by the chunks of a PNG, None for sRGB.

    The second value is whether this replaces an embedded profile (cICP does); the third is a note, or "".
    """
    found: dict[bytes, bytes] = {}
    for name, payload in chunks(data):
        if name == b"IDAT":
            break
        if name in (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"):
            found.setdefault(name, bytes(payload[:64]))
    if len(found.get(b"cICP", b"")) == 4:
        primaries, transfer = found[b"cICP"][0], found[b"cICP"][1]
        if primaries in _PRIMARIES and (transfer in _SRGB_LIKE or transfer in _GAMMAS):
            if primaries == _BT709 and transfer in _SRGB_LIKE:
                return None, True, ""
            return profile_of(_GAMMAS.get(transfer), _PRIMARIES[primaries]), True, ""
        return None, False, "its color space (cICP) is not supported; the values are taken as sRGB"
    if b"iCCP" in found or b"sRGB" in found or len(found.get(b"gAMA", b"")) != 4:
        return None, False, ""
    return _of_gamma(found), False, ""


def _of_gamma(found: dict[bytes, bytes]) -> bytes | None:
    (gamma,) = struct.unpack(">I", found[b"gAMA"])
    primaries = SRGB_PRIMARIES
    if len(found.get(b"cHRM", b"")) == 32:
        numbers = [number / 100_000 for number in struct.unpack(">8I", found[b"cHRM"])]
        stated = tuple((numbers[place], numbers[place + 1]) for place in range(0, 8, 2))
        if any(
            abs(one - other) > _CHROMATICITY_TOLERANCE
            for pair, known in zip(stated, SRGB_PRIMARIES, strict=True)
            for one, other in zip(pair, known, strict=True)
        ):
            primaries = stated  # type: ignore[assignment]  # four pairs, counted above
    is_srgb_tone = abs(gamma - _SRGB_GAMA) <= _TOLERANCE * _SRGB_GAMA
    if gamma == 0 or (is_srgb_tone and primaries is SRGB_PRIMARIES):
        return None
    try:
        return profile_of(None if is_srgb_tone else 100_000 / gamma, primaries)
    except (ValueError, ArithmeticError):  # impossible chromaticities
        return None
