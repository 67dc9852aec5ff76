"""The still image formats that are read and written, and the name a result must bear.

Importing this module imports no numpy: the command line looks at suffixes before it does any work.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from colorize_cli.errors import UsageProblem

if TYPE_CHECKING:
    from colorize_cli.imaging.photo import Photo


@dataclass(frozen=True)
class Format:
    """One format: what its files are called, what it holds, and the format its color result takes."""

    name: str
    suffixes: tuple[str, ...]
    depths: tuple[int, ...] = (8,)
    alpha: bool = False
    metadata: bool = True
    iptc: bool = False
    written_as: str | None = None


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
    )
}
READABLE_SUFFIXES = frozenset(suffix for entry in FORMATS.values() for suffix in entry.suffixes)

_SPELLINGS = {"JPG": "JPEG", "TIF": "TIFF", "JP2": "JPEG2000", "J2K": "JPEG2000", "PNM": "PPM", "PGM": "PPM"}
_RENAMED = {".pgm": ".ppm", ".pbm": ".ppm", ".gif": ".png", ".mpo": ".jpg", ".avifs": ".avif", ".apng": ".png"}


def normalize_format(name: str) -> str:
    """Return the name used here for a format as people spell it ("jpg", "tif", "jp2"); GIF is refused.

    Raises :class:`UsageProblem` for a format that cannot hold a color result.
    """
    upper = name.strip().lstrip(".").upper()
    upper = _SPELLINGS.get(upper, upper)
    if upper not in FORMATS or FORMATS[upper].written_as is not None:
        known = ", ".join(entry.name.lower() for entry in FORMATS.values() if entry.written_as is None)
        raise UsageProblem(f"Color results cannot be written as '{name}'.", f"Choose one of: {known}.")
    return upper


def format_of_suffix(suffix: str) -> str | None:
    """Return the format that files with this suffix (".jpg", any case) have, or None for an unknown one."""
    lower = suffix.lower()
    return next((entry.name for entry in FORMATS.values() if lower in entry.suffixes), None)


def output_suffix(source: Path | str | Photo, format: str | None = None) -> str:
    """Return the suffix of the color result of ``source``: a path, a suffix such as ".gif", or a photo.

    Nothing is read, so that all names of a batch can be planned before any work. The suffix of the source is kept as
    it is spelled wherever its format can hold color; ".gif" becomes ".png", ".pgm" and ".pbm" become ".ppm", an
    unknown or missing one becomes ".png". ``format`` asks for another format.
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
    return _RENAMED.get(suffix.lower(), suffix)
