"""What a file found in a folder is: a photograph, or something that is passed over and counted by its kind.

The suffix decides wherever it tells anything, so that a million files are quick to list; else the first 64 bytes do.
"""

import os
import stat
from pathlib import Path

from colorize_cli.imaging.codecs.extra.decode_extra import format_named, has_reader, kind_name, remedy
from colorize_cli.imaging.codecs.formats import format_of_suffix
from colorize_cli.imaging.codecs.raster import DamagedDataError, UnknownKindError
from colorize_cli.imaging.codecs.signatures import sniff

OTHER = "other"
ASIDE = "sidecars and hidden files"
"""What accompanies photographs or belongs to the system: counted together, of no interest to anybody."""

_HEAD = 64
_FOREIGN = {
    "Photoshop": "psd psb",
    "OpenEXR": "exr",
    "SVG": "svg svgz",
    "video": "mp4 mov m4v avi mkv mpg mpeg mts m2ts wmv webm 3gp flv",
}
_KIND_OF_SUFFIX = {f".{suffix}": kind for kind, suffixes in _FOREIGN.items() for suffix in suffixes.split()}
# What plainly is no picture is not opened to make sure.
_NO_PICTURES = (
    "txt md csv tsv json jsonl xml html htm log ini cfg yaml yml toml db sqlite py sh js css zip gz tar 7z rar "
    "doc docx odt xls xlsx ods ppt pptx odp rtf mp3 wav flac ogg m4a exe dll so url lnk md5 sha1 sha256 par2 lrcat bak"
)
_KIND_OF_SUFFIX |= {f".{suffix}": OTHER for suffix in _NO_PICTURES.split()}
_KIND_OF_SUFFIX |= {f".{suffix}": ASIDE for suffix in ["xmp", "aae", "thm", "pp3", "dop", "cos", "vrd", "on1", "arp"]}
_SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "picasa.ini", "icon\r"})


def kind_of(path: Path) -> str | None:
    """Return None for a photograph to be, and else the kind of the file as the summary counts it: "PDF", "other".

    A suffix that can be read is taken at its word; a damaged file, a broken link under such a name then fails by name.
    """
    suffix = path.suffix.lower()
    if path.name.lower() in _SYSTEM_FILES:
        return ASIDE
    format = format_of_suffix(suffix)
    if format is not None:
        return None if has_reader(format) else kind_name(format)
    return _KIND_OF_SUFFIX.get(suffix) or _kind_of_content(path)


def _kind_of_content(path: Path) -> str | None:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return OTHER
        with path.open("rb", buffering=0) as file:
            head = file.read(_HEAD)
    except OSError:
        return OTHER
    try:
        format = sniff(head)
    except UnknownKindError as error:
        name = str(error).removesuffix(" files")
        known = format_named(name)
        return None if known is not None and has_reader(known) else name
    except DamagedDataError:
        return OTHER
    return None if has_reader(format) else kind_name(format)


def is_folder(path: str | Path) -> bool:
    """Return whether this is a folder; a name too long for the system is not."""
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir() raises for them


def reason_of(kind: str) -> str:
    """Return why a file of this kind was passed over, in a sentence."""
    if kind == OTHER:
        return "It is no photograph in a format that can be read."
    if (format := format_named(kind)) is not None:
        return f"{kind} files need a reader. {remedy(format)}"
    return f"{kind} files are not read."


def in_words(counts: dict[str, int]) -> str:
    """Return counts of kinds as a list, most frequent first, "other" last: ``200 PDF, 90 HEIC, 22 other``."""
    ordered = sorted(counts.items(), key=lambda entry: (entry[0] == OTHER, -entry[1], entry[0]))
    return ", ".join(f"{count} {kind}" for kind, count in ordered)
