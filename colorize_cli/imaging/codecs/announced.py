"""What a file announces in its header: format, pixels, depth. Nothing is decoded, whatever the size of either."""

import io
import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colorize_cli.imaging.codecs import decode_wide
from colorize_cli.imaging.codecs.decode_pillow import open_pillow
from colorize_cli.imaging.codecs.extra.decode_extra import HEIF, RAW, format_named, size_of_jxl
from colorize_cli.imaging.codecs.formats import LIMITS, PDF, Limits
from colorize_cli.imaging.codecs.raster import UnknownKindError
from colorize_cli.imaging.codecs.signatures import sniff
from colorize_cli.imaging.codecs.tiff import pictures as tiff_pictures

PAGE_PIXELS = 35_000_000
"""What stands for a page of a document, and for a format whose header only its library reads: A4 at 600 dpi."""
_HEAD = 1 << 16
# Decoders that hold the picture with four channels, or twice.
_HEAVY = frozenset({"WEBP", "AVIF", "JPEG2000", "GIF"})


@dataclass(frozen=True)
class Announced:
    """``pixels`` of the largest page; ``is_wide``: more than 8 bits a sample; ``is_heavy``: costly to decode."""

    format: str
    pixels: int
    is_wide: bool

    @property
    def is_heavy(self) -> bool:
        """Whether its decoder takes far more memory than the picture."""
        return self.format in _HEAVY


def announced(data: Any, limits: Limits = LIMITS) -> Announced | None:
    """Return what the bytes (or the memory map) of a file announce, None where they are no image."""
    try:
        format = sniff(data[:64])
        if format == PDF:
            return Announced(format, PAGE_PIXELS, False)
        if format == "JPEGXL":
            width, height = size_of_jxl(data)
            return Announced(format, width * height, True)
        if format == HEIF:
            return Announced(format, PAGE_PIXELS, False)
        if format == "TIFF":
            found = tiff_pictures.pictures(data, limits.pages)
            if any(directory.is_raw for directory in found):
                return Announced(RAW, max(directory.pixels for directory in found), True)
            largest = max(found, key=lambda directory: directory.pixels)
            return Announced(format, largest.pixels, largest.bits > 8)
        if format == "WEBP":
            return Announced(format, _webp_pixels(bytes(data[:30])), False)
        if format == "PPM":
            magic, numbers, _ = decode_wide.pnm_header(bytes(data[:_HEAD]))
            return Announced(format, numbers[0] * numbers[1], magic in (b"P5", b"P6") and numbers[-1] > 255)
        # The plugins read on after the header where metadata is long.
        with open_pillow(io.BytesIO(data) if isinstance(data, bytes) else data, format) as image:
            is_wide = image.mode.startswith(("I", "F")) or (format == "PNG" and data[24] == 16)
            return Announced(format, image.width * image.height, is_wide)
    except UnknownKindError as error:
        return Announced(RAW, PAGE_PIXELS, True) if format_named(str(error).removesuffix(" files")) == RAW else None
    except Exception:  # reading it will say what is wrong
        return None


def _webp_pixels(head: bytes) -> int:
    """Return width times height of a WebP file; its decoder would take memory for the picture on being asked.

    Layout: RFC 9649, sections 2.5 to 2.7.
    """
    if head[12:16] == b"VP8X":
        return (1 + int.from_bytes(head[24:27], "little")) * (1 + int.from_bytes(head[27:30], "little"))
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return ((bits & 0x3FFF) + 1) * ((bits >> 14 & 0x3FFF) + 1)
    return (int.from_bytes(head[26:28], "little") & 0x3FFF) * (int.from_bytes(head[28:30], "little") & 0x3FFF)


def announced_by(path: Path) -> Announced | None:
    """Return what a file announces, None where it is no image. Raises OSError where it cannot be opened."""
    with path.open("rb") as file:
        try:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return announced(data)
        except ValueError:  # an empty file cannot be mapped
            return None
