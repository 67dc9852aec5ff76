"""Pages of TIFF files decoded by Pillow and its libtiff, by way of files made for them.

Up to 8 bits Pillow decodes the page itself. Strips of more that only libtiff can decompress are declared as plain
bytes, and what it undoes in samples of 8 bits is undone here.
"""

import io
import struct
from typing import Any

import numpy as np
from PIL import Image

from colorize_cli.imaging.codecs.decode_pillow import open_pillow, split_channels
from colorize_cli.imaging.codecs.raster import Raster, UnknownKindError
from colorize_cli.imaging.codecs.tiff.pictures import Directory
from colorize_cli.imaging.metadata.exif import ORIENTATION
from colorize_cli.imaging.metadata.ifd import Entry, header, lay_out
from colorize_cli.imaging.tone import strips

_COLOR_MAP = 320
# What says how samples are laid out: size, bits, compression, colors, strips and tiles, JPEG tables, subsampling.
_TAGS_OF_SAMPLES = (
    256,
    257,
    258,
    259,
    262,
    266,
    273,
    277,
    278,
    279,
    284,
    292,
    293,
    317,
    _COLOR_MAP,
    322,
    323,
    324,
    325,
    338,
    347,
    530,
    531,
)
_LARGEST_CLASSIC = (1 << 32) - (1 << 20)


def by_pillow(leaf: Any, data: bytes, directory: Directory) -> Raster:
    """Return the samples of a page of at most 8 bits, in stored orientation.

    Pillow gets a file with this page alone; a BigTIFF file, whose tags it may misread, as a classic one.
    """
    file = _as_classic(leaf, data) if leaf.parent.is_bigtiff else _alone(data, directory)
    image = _as_it_lies(file)
    image.load()
    samples, alpha, notes = split_channels(image)
    return Raster(samples, "TIFF", image.mode, alpha, notes=notes)


def _as_it_lies(file: io.BytesIO) -> Image.Image:
    """Open the image so that Pillow does not rotate it according to its XMP either."""
    image = open_pillow(file, "TIFF")
    image.getexif()[ORIENTATION] = 1
    return image


def _as_classic(leaf: Any, data: bytes) -> io.BytesIO:
    """Return a classic little-endian TIFF file that points to the same strips or tiles, of samples up to 8 bits."""
    base = len(data) + len(data) % 2
    if base > _LARGEST_CLASSIC:
        raise UnknownKindError("BigTIFF files of this size and compression")
    entries = []
    for code in _TAGS_OF_SAMPLES:
        tag = leaf.tags.get(code)
        if tag is None or (value := tag.value) is None:
            continue
        if isinstance(value, bytes):
            entries.append(Entry(code, 7, len(value), value))
            continue
        numbers = [int(number) for number in np.ravel(value)]
        kind = "H" if code == _COLOR_MAP else "I"
        packed = struct.pack(f"<{len(numbers)}{kind}", *numbers)
        entries.append(Entry(code, 3 if kind == "H" else 4, len(numbers), packed))
    mark = struct.pack("<2sHI", b"II", 42, base)
    return io.BytesIO(mark + data[8:] + b"\0" * (base - len(data)) + lay_out(entries, "<", base))


def _alone(data: bytes, directory: Directory) -> io.BytesIO:
    """Return the file with this directory as the only one, so that Pillow does not follow the chain, and without
    its orientation, so that Pillow does not rotate the picture.
    """
    order, big, first = header(data)
    code = "Q" if big else "I"
    file = io.BytesIO(data)
    for position, now, wanted in ((8 if big else 4, first, directory.offset), (directory.link, directory.following, 0)):
        if now != wanted:
            file.seek(position)
            file.write(struct.pack(order + code, wanted))
    if directory.orientation:
        file.seek(directory.orientation)
        file.write(struct.pack(order + "H", 1))
    file.seek(0)
    return file


def through_libtiff(leaf: Any, data: bytes) -> np.ndarray:
    """Return the samples of strips or tiles that only libtiff can decompress, using a directory of plain bytes.

    The added directory points to the same compressed data but declares one 8-bit channel with a column per byte of a
    row; this function undoes the predictor, which works on whole samples.
    """
    order = leaf.parent.byteorder
    channels = leaf.samplesperpixel if int(leaf.planarconfig) == 1 else 1
    planes = leaf.samplesperpixel // channels
    bits = leaf.bitspersample
    tiled_oddly = leaf.is_tiled and (planes > 1 or bits == 12)
    if bits not in (8, 12, 16, 32, 64) or tiled_oddly or int(leaf.predictor) not in (1, 2):
        raise UnknownKindError(f"TIFF files with this layout at {bits} bits")
    width, height = leaf.imagewidth, leaf.imagelength
    if planes > 1 and height % leaf.rowsperstrip:
        raise UnknownKindError("TIFF files with planes whose last strip is short")
    row_bytes = (width * channels * bits + 7) // 8
    tags = {256: row_bytes, 257: height * planes, 258: 8, 259: int(leaf.compression), 262: 1, 277: 1, 284: 1}
    if leaf.is_tiled:
        tags |= {322: leaf.tilewidth * channels * bits // 8, 323: leaf.tilelength}
    else:
        tags |= {278: min(leaf.rowsperstrip, height)}
    if int(leaf.fillorder) == 2:
        tags |= {266: 2}
    offsets, counts = (324, 325) if leaf.is_tiled else (273, 279)
    entries = [Entry(tag, 4, 1, struct.pack(order + "I", value)) for tag, value in tags.items()]
    for tag, values in ((offsets, leaf.dataoffsets), (counts, leaf.databytecounts)):
        entries.append(Entry(tag, 4, len(values), struct.pack(f"{order}{len(values)}I", *values)))
    base = len(data) + len(data) % 2
    mark = struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, base)
    file = io.BytesIO(mark + data[8:] + b"\0" * (base - len(data)) + lay_out(entries, order, base))
    with open_pillow(file, "TIFF") as image:
        image.load()
        raw = np.asarray(image)
    if bits == 12:
        return _unpack_12(raw, width * channels).reshape(height * planes, width, channels)
    kind = np.dtype(leaf.dtype).newbyteorder(order)
    samples = np.ascontiguousarray(raw).view(kind).reshape(height * planes, width, channels)
    samples = samples.astype(leaf.dtype, copy=not samples.flags.writeable)
    if int(leaf.predictor) == 2:
        step = leaf.tilewidth if leaf.is_tiled else width
        for rows in strips(height * planes, width):
            for start in range(0, width, step):
                part = samples[rows, start : start + step]
                part[...] = np.cumsum(part, axis=1, dtype=samples.dtype)
    return samples


def _unpack_12(raw: np.ndarray, per_row: int) -> np.ndarray:
    """Return the 12-bit samples, uint16 (rows, per_row), of rows of packed bytes."""
    padded = np.zeros((raw.shape[0], (per_row + 1) // 2 * 3), np.uint16)
    padded[:, : raw.shape[1]] = raw
    first, middle, last = padded[:, 0::3], padded[:, 1::3], padded[:, 2::3]
    samples = np.stack([first << 4 | middle >> 4, (middle & 15) << 8 | last], axis=2)
    return samples.reshape(raw.shape[0], -1)[:, :per_row]
