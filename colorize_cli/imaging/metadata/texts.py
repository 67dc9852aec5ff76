"""Texts beside the pixels: comments of JPEG files, the text chunks of PNG files and profiles stored in those.

PNG text chunks: PNG specification, third edition, section 11.3.3. "Raw profile type" texts are the way ImageMagick and
exiftool keep EXIF, XMP and IPTC in PNG files. XMP properties for keywords: XMP specification part 3, "PNG".
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from colorize_cli.imaging.metadata.iptc import NS_DC, Property, iptc_of_photoshop

COMMENT = "Comment"
Texts = tuple[tuple[str, str], ...]
"""(keyword, text) of each, in the order of the file."""

_XMP_KEYWORD = "XML:com.adobe.xmp"
_RAW = "Raw profile type "
_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
_LARGEST, _LARGEST_OF_ALL = 8 << 20, 32 << 20
_PROPERTIES = {
    "Title": Property(NS_DC, "dc:title", "Alt"),
    "Description": Property(NS_DC, "dc:description", "Alt"),
    COMMENT: Property(NS_DC, "dc:description", "Alt"),
    "Author": Property(NS_DC, "dc:creator", "Seq"),
    "Copyright": Property(NS_DC, "dc:rights", "Alt"),
}


@dataclass
class PngTexts:
    """Metadata from the chunks of a PNG file: raw blocks of EXIF, XMP and IPTC (None if missing), and texts."""

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    texts: list[tuple[str, str]] = field(default_factory=list)

    def _take_text(self, keyword: str, text: bytes, encoding: str) -> None:
        if keyword == _XMP_KEYWORD:
            # If there are several packets, the uncompressed one is from a writer that followed the standard.
            self.xmp = self.xmp or text
        elif keyword.startswith(_RAW):
            self._take_profile(keyword.removeprefix(_RAW).lower(), raw_profile(text.decode("latin-1")))
        else:
            self.texts.append((keyword, text.decode(encoding, "replace")))

    def _take_profile(self, kind: str, block: bytes | None) -> None:
        if block is None:
            return
        if kind in ("xmp", "app1") and block.startswith(_XMP_HEADER):
            block, kind = block.removeprefix(_XMP_HEADER), "xmp"
        if kind == "xmp":
            self.xmp = self.xmp or block
        elif kind in ("exif", "app1"):
            self.exif = self.exif or block
        elif kind in ("iptc", "8bim"):
            self.iptc = self.iptc or iptc_of_photoshop(block) or (block if block[:1] == b"\x1c" else None)


def png_texts(chunks: Iterable[tuple[bytes, memoryview]]) -> PngTexts:
    """Return the contents of a PNG's text and EXIF chunks, before and after its pixels, without damaged ones."""
    found = PngTexts()
    exif: bytes | None = None
    total = 0
    for name, payload in chunks:
        if name == b"eXIf":
            exif = exif or bytes(payload)
        if name not in (b"tEXt", b"zTXt", b"iTXt") or len(payload) > _LARGEST or total > _LARGEST_OF_ALL:
            continue
        entry = _text_chunk(name, bytes(payload))
        if entry is not None:
            total += len(entry[1])
            found._take_text(*entry)
    found.exif = exif or found.exif
    return found


def _text_chunk(name: bytes, payload: bytes) -> tuple[str, bytes, str] | None:
    """Return keyword, text and its encoding of a text chunk, None if it is damaged."""
    keyword, separator, rest = payload.partition(b"\0")
    if not separator or not 1 <= len(keyword) <= 79:
        return None
    word = keyword.decode("latin-1")
    if name == b"tEXt":
        return word, rest, "latin-1"
    if name == b"zTXt":
        text = _inflated(rest[1:])
        return None if text is None else (word, text, "latin-1")
    parts = rest[2:].split(b"\0", 2)
    if len(rest) < 2 or len(parts) < 3:
        return None
    content = _inflated(parts[2]) if rest[0] else parts[2]
    return None if content is None else (word, content, "utf-8")


def _inflated(data: bytes) -> bytes | None:
    """Return decompressed bytes, None if they are damaged or too many."""
    try:
        inflater = zlib.decompressobj()
        text = inflater.decompress(data, _LARGEST)
    except zlib.error:
        return None
    return text if inflater.eof else None


def raw_profile(text: str) -> bytes | None:
    """Return the block in a "Raw profile type" text: name, length and hexadecimal digits, one per line."""
    lines = text.strip().split("\n", 2)
    if len(lines) < 3:
        return None
    try:
        return bytes.fromhex("".join(lines[2].split()))
    except ValueError:
        return None


def xmp_of_texts(texts: Texts, kept: bool = False) -> dict[Property, list[str]]:
    """Return the XMP properties for texts; ``kept``: comments are kept in the file itself."""
    found: dict[Property, list[str]] = {}
    for keyword, text in texts:
        known = _PROPERTIES.get(keyword)
        if known is not None and text.strip() and not (kept and keyword == COMMENT):
            found.setdefault(known, []).append(text.strip())
    return found


def lost_keywords(texts: Texts) -> list[str]:
    """Return the keywords of texts without an XMP equivalent, each once."""
    return list(dict.fromkeys(keyword for keyword, _ in texts if keyword not in _PROPERTIES))
