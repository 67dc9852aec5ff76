"""TIFF written strip by strip: 8 or 16 bits per channel, any number of pages, each with its metadata.

tifffile writes no EXIF directory and OpenCV no profile, so this module lays out the few tags of a color photograph
itself (TIFF 6.0; BigTIFF above 4 GB). Deflate with horizontal differencing is lossless.
"""

import struct
import zlib
from collections.abc import Iterable
from fractions import Fraction
from typing import BinaryIO

import numpy as np

from colorize_cli.imaging.metadata.exif import DESCRIPTIVE_TAGS
from colorize_cli.imaging.metadata.ifd import Entry, header, lay_out, parse
from colorize_cli.imaging.photo import Metadata
from colorize_cli.imaging.tone import strips

_BIG_FROM = 4_000_000_000
_SHORT, _LONG, _RATIONAL, _BYTE, _UNDEFINED, _LONG8 = 3, 4, 5, 1, 7, 16


class TiffWriter:
    """Writes pages one after the other to an empty seekable file.

    ``order``: byte order "<" or ">" (that of the EXIF block, so that its values can be copied).
    ``big``: whether to write BigTIFF.
    """

    def __init__(self, file: BinaryIO, *, order: str = "<", big: bool = False) -> None:
        self.file, self.order, self.big = file, order, big
        self._link = 8 if big else 4
        mark = b"II" if order == "<" else b"MM"
        if big:
            file.write(mark + struct.pack(order + "HHHQ", 43, 8, 0, 0))
        else:
            file.write(mark + struct.pack(order + "HI", 42, 0))

    def write_page(
        self,
        rgb: np.ndarray,
        alpha: np.ndarray | None,
        *,
        icc: bytes,
        xmp: bytes,
        metadata: Metadata,
        compress: bool = True,
        alpha_kind: int = 2,
    ) -> None:
        """Append a page: ``rgb`` uint8 or uint16 (H, W, 3), ``alpha`` (H, W) of the same type or None."""
        height, width = rgb.shape[:2]
        offsets, counts = [], []
        rows_per_strip = height
        for rows in strips(height, width):
            if rows.start == 0:
                rows_per_strip = rows.stop
            data = self._strip(rgb[rows], None if alpha is None else alpha[rows], compress)
            self._align()
            offsets.append(self.file.tell())
            counts.append(len(data))
            self.file.write(data)
        channels = 3 if alpha is None else 4
        entries = self._described(metadata)
        entries |= {
            254: self._short(0, kind=_LONG),
            256: self._short(width, kind=_LONG),
            257: self._short(height, kind=_LONG),
            258: self._short(*[rgb.itemsize * 8] * channels),
            259: self._short(8 if compress else 1),
            262: self._short(2),
            273: self._offsets(offsets),
            274: self._short(1),
            277: self._short(channels),
            278: self._short(rows_per_strip, kind=_LONG),
            279: self._offsets(counts),
            284: self._short(1),
            700: (_BYTE, len(xmp), xmp),
            34675: (_UNDEFINED, len(icc), icc),
        }
        if compress:
            entries[317] = self._short(2)
        if alpha is not None:
            entries[338] = self._short(alpha_kind)
        if metadata.iptc is not None:
            entries[33723] = (_UNDEFINED, len(metadata.iptc), metadata.iptc)
        self._append_directory(
            [value if isinstance(value, Entry) else Entry(tag, *value) for tag, value in entries.items()]
        )

    def _strip(self, rgb: np.ndarray, alpha: np.ndarray | None, compress: bool) -> bytes:
        """Return the bytes of a strip, differenced from pixel to pixel and deflated if requested."""
        samples = rgb if alpha is None else np.dstack((rgb, alpha))
        if compress:
            differences = np.empty(samples.shape, samples.dtype)
            differences[:, 0] = samples[:, 0]
            np.subtract(samples[:, 1:], samples[:, :-1], out=differences[:, 1:])
            samples = differences
        raw = np.ascontiguousarray(samples, np.dtype(f"{self.order}u{samples.itemsize}"))
        if not compress:
            return raw.tobytes()
        # Run lengths and Huffman codes store differences of photographs as tightly as the full search, far faster.
        compressor = zlib.compressobj(1, zlib.DEFLATED, 15, 9, zlib.Z_RLE)
        return compressor.compress(raw.data) + compressor.flush()

    def _described(self, metadata: Metadata) -> dict[int, "Entry | tuple[int, int, bytes]"]:
        """Return the descriptive tags and EXIF directories of the EXIF block, and the resolution."""
        entries: dict[int, Entry | tuple[int, int, bytes]] = {}
        if metadata.exif is not None:
            order, _, offset = header(metadata.exif)
            if order == self.order:
                parsed, _ = parse(metadata.exif, order, offset)
                entries = {entry.tag: entry for entry in parsed if entry.tag in DESCRIPTIVE_TAGS}
        if metadata.dpi is not None:
            for tag, value in zip((282, 283), metadata.dpi, strict=True):
                ratio = Fraction(value).limit_denominator(10000)
                pair = struct.pack(self.order + "II", ratio.numerator, ratio.denominator)
                entries[tag] = (_RATIONAL, 1, pair)
            entries[296] = self._short(2)
        return entries

    def _short(self, *values: int, kind: int = _SHORT) -> tuple[int, int, bytes]:
        code = {_SHORT: "H", _LONG: "I"}[kind]
        return kind, len(values), struct.pack(f"{self.order}{len(values)}{code}", *values)

    def _offsets(self, values: list[int]) -> tuple[int, int, bytes]:
        kind, code = (_LONG8, "Q") if self.big else (_LONG, "I")
        return kind, len(values), struct.pack(f"{self.order}{len(values)}{code}", *values)

    def _align(self) -> None:
        if self.file.tell() % 2:
            self.file.write(b"\0")

    def _append_directory(self, entries: Iterable[Entry]) -> None:
        """Write the directory at the end and make the previous one, or the header, point to it."""
        self._align()
        base = self.file.tell()
        entries = list(entries)
        self.file.write(lay_out(entries, self.order, base, big=self.big))
        end = self.file.tell()
        self.file.seek(self._link)
        self.file.write(struct.pack(self.order + ("Q" if self.big else "I"), base))
        self.file.seek(end)
        self._link = base + (8 + 20 * len(entries) if self.big else 2 + 12 * len(entries))


def needs_big_tiff(samples: int, itemsize: int) -> bool:
    """Return whether this number of samples of that many bytes could exceed the 4 GB limit of classic TIFF."""
    return samples * itemsize * 1.01 > _BIG_FROM
