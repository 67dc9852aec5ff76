"""The still image formats that are read and written, and the names of results.

Importing this module imports no numpy: the command line checks suffixes before it does any work.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from colorize_cli.errors import UsageProblem

if TYPE_CHECKING:
    from colorize_cli.imaging.photo import Photo


@dataclass(frozen=True)
class Format:
    """One format: its suffixes, what it can hold, and the format of its color results."""

    name: str
    suffixes: tuple[str, ...]
    depths: tuple[int, ...] = (8,)
    alpha: bool = False
    metadata: bool = True
    iptc: bool = False
    written_as: str | None = None


@dataclass(frozen=True)
class Limits:
    """How much of a file is looked at: ``pages`` of a TIFF or PDF file, ``scans`` of a progressive JPEG."""

    pages: int = 10_000
    scans: int = 500


LIMITS = Limits()

RAW_SUFFIXES = tuple(
    f".{suffix}"
    for suffix in [
        "3fr",
        "arw",
        "bay",
        "cap",
        "cr2",
        "cr3",
        "crw",
        "dcr",
        "dng",
        "erf",
        "fff",
        "gpr",
        "iiq",
        "k25",
        "kdc",
        "mef",
        "mos",
        "mrw",
        "nef",
        "nrw",
        "orf",
        "pef",
        "raf",
        "raw",
        "rw2",
        "rwl",
        "sr2",
        "srf",
        "srw",
        "x3f",
    ]
)
"""What cameras and scanner programs call the data of their sensors."""

PDF = "PDF"
_PAGE = re.compile(r"(.+\.pdf)#page=([1-9][0-9]{0,5})", re.IGNORECASE | re.DOTALL)

FORMATS: dict[str, Format] = {
    entry.name: entry
    for entry in (
        Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), iptc=True),
        Format("PNG", (".png", ".apng"), depths=(8, 16), alpha=True, iptc=True),
        Format("TIFF", (".tif", ".tiff"), depths=(8, 16), alpha=True, iptc=True),
        Format("WEBP", (".webp",), alpha=True),
        Format("BMP", (".bmp", ".dib"), metadata=False),
        Format("GIF", (".gif",), metadata=False, written_as="PNG"),
        Format("PPM", (".ppm", ".pnm", ".pgm", ".pbm"), depths=(8, 16), metadata=False),
        Format("JPEG2000", (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"), depths=(8, 16), alpha=True),
        Format("AVIF", (".avif", ".avifs"), alpha=True),
        Format("HEIF", (".heic", ".heif", ".hif", ".heics", ".heifs"), depths=(8, 16), alpha=True, written_as="PNG"),
        Format("RAW", RAW_SUFFIXES, depths=(16,), written_as="TIFF"),
        Format("JPEGXL", (".jxl",), depths=(8, 16), alpha=True, written_as="PNG"),
        Format(PDF, (".pdf",), depths=(8, 16), written_as="PNG"),
    )
}
READABLE_SUFFIXES = frozenset(suffix for entry in FORMATS.values() if entry.name != PDF for suffix in entry.suffixes)
"""Those of files that are pictures; a PDF file is a document, some of whose pages may be."""

_SPELLINGS = {"JPG": "JPEG", "TIF": "TIFF", "JP2": "JPEG2000", "J2K": "JPEG2000", "PNM": "PPM", "PGM": "PPM"}
_RENAMED = {".pgm": ".ppm", ".pbm": ".ppm", ".mpo": ".jpg", ".avifs": ".avif", ".apng": ".png"}


def page_path(document: Path, page: int) -> Path:
    """Return how a page of a PDF file, counted from 0, is called: ``scan.pdf#page=1``, as in addresses (RFC 8118)."""
    return document.with_name(f"{document.name}#page={page + 1}")


def split_page(path: Path) -> tuple[Path, int | None]:
    """Return the file and the page from 0 that :func:`page_path` names, the path and None for every other one."""
    match = _PAGE.fullmatch(path.name)
    if match is None or os.path.lexists(path):
        return path, None
    return path.with_name(match[1]), int(match[2]) - 1


def result_stem(source: Path) -> str:
    """Return what the name of a result begins with: the stem of its source, of a page ``scan-0001``."""
    file, page = split_page(source)
    return source.stem if page is None else f"{file.stem}-{page + 1:04d}"


def normalize_format(name: str) -> str:
    """Return the canonical name of a format as users spell it ("jpg", "tif", "jp2"); GIF is rejected.

    Raises :class:`UsageProblem` for a format that cannot hold a color result.
    """
    upper = name.strip().lstrip(".").upper()
    upper = _SPELLINGS.get(upper, upper)
    if upper not in FORMATS or FORMATS[upper].written_as is not None:
        known = ", ".join(entry.name.lower() for entry in FORMATS.values() if entry.written_as is None)
        raise UsageProblem(f"Color results cannot be written as '{name}'.", f"Choose one of: {known}.")
    return upper


def format_of_suffix(suffix: str) -> str | None:
    """Return the format of files with this suffix (".jpg", any case), or None if unknown."""
    lower = suffix.lower()
    return next((entry.name for entry in FORMATS.values() if lower in entry.suffixes), None)


def output_suffix(source: Path | str | Photo, format: str | None = None) -> str:
    """Return the suffix of the color result of ``source``: a path, a suffix such as ".gif", or a photo.

    No file is read, so that all names of a batch can be planned in advance. The suffix of the source is kept as
    spelled if its format can hold color; ".gif" becomes ".png", ".pgm" and ".pbm" become ".ppm", an
    unknown or missing one becomes ".png". ``format`` selects another format.
    """
    if not isinstance(source, str | Path):
        suffix = source.path.suffix if source.path is not None else FORMATS[source.format].suffixes[0]
    else:
        text = str(source)
        suffix = text if text.startswith(".") and text.count(".") == 1 and "/" not in text else Path(text).suffix
    current = format_of_suffix(suffix)
    if format is not None:
        wanted = normalize_format(format)
        if current != wanted:
            return FORMATS[wanted].suffixes[0]
    if current is None:
        return ".png"
    written_as = FORMATS[current].written_as
    return FORMATS[written_as].suffixes[0] if written_as is not None else _RENAMED.get(suffix.lower(), suffix)
