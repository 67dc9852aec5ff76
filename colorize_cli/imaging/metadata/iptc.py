"""IPTC-IIM records: find them in their blocks, and repeat them in XMP for formats that cannot hold IIM.

Datasets and their XMP equivalents: IPTC Photo Metadata Standard, "IIM and XMP properties mapping".
"""

import struct
from typing import NamedTuple

NS_DC = "http://purl.org/dc/elements/1.1/"
NS_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
NS_IPTC_CORE = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"


class Property(NamedTuple):
    """An XMP property: namespace, qualified name, and its container ("Alt", "Bag", "Seq") or "" for plain text."""

    space: str
    name: str
    container: str = ""


_PROPERTIES: dict[int, Property] = {
    5: Property(NS_DC, "dc:title", "Alt"),
    25: Property(NS_DC, "dc:subject", "Bag"),
    40: Property(NS_PHOTOSHOP, "photoshop:Instructions"),
    55: Property(NS_PHOTOSHOP, "photoshop:DateCreated"),
    80: Property(NS_DC, "dc:creator", "Seq"),
    85: Property(NS_PHOTOSHOP, "photoshop:AuthorsPosition"),
    90: Property(NS_PHOTOSHOP, "photoshop:City"),
    92: Property(NS_IPTC_CORE, "Iptc4xmpCore:Location"),
    95: Property(NS_PHOTOSHOP, "photoshop:State"),
    100: Property(NS_IPTC_CORE, "Iptc4xmpCore:CountryCode"),
    101: Property(NS_PHOTOSHOP, "photoshop:Country"),
    103: Property(NS_PHOTOSHOP, "photoshop:TransmissionReference"),
    105: Property(NS_PHOTOSHOP, "photoshop:Headline"),
    110: Property(NS_PHOTOSHOP, "photoshop:Credit"),
    115: Property(NS_PHOTOSHOP, "photoshop:Source"),
    116: Property(NS_DC, "dc:rights", "Alt"),
    120: Property(NS_DC, "dc:description", "Alt"),
    122: Property(NS_PHOTOSHOP, "photoshop:CaptionWriter"),
}


def datasets(iptc: bytes) -> list[tuple[int, int, bytes]]:
    """Return (record, dataset, value) of each field up to the first damaged one."""
    found = []
    position = 0
    while position + 5 <= len(iptc) and iptc[position] == 0x1C:
        record, dataset, length = struct.unpack_from(">BBH", iptc, position + 1)
        position += 5
        if length & 0x8000:
            size = length & 0x7FFF
            length = int.from_bytes(iptc[position : position + size], "big")
            position += size
        if position + length > len(iptc):
            break
        found.append((record, dataset, iptc[position : position + length]))
        position += length
    return found


def xmp_properties(iptc: bytes) -> dict[Property, list[str]]:
    """Return the descriptive fields of ``iptc`` as XMP properties with their values in order."""
    properties: dict[Property, list[str]] = {}
    for record, dataset, value in datasets(iptc):
        known = _PROPERTIES.get(dataset)
        if record != 2 or known is None:
            continue
        text = _text(value).strip("\0 ")
        if known.name == "photoshop:DateCreated" and len(text) == 8 and text.isdigit():
            text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
        if text:
            properties.setdefault(known, []).append(text)
    return properties


def _text(value: bytes) -> str:
    """Return the text of a field: UTF-8 if valid, else Latin-1, as older programs wrote."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def iptc_of_photoshop(block: bytes) -> bytes | None:
    """Return the IPTC records (resource 0x0404) in a block of Photoshop image resources, None if there are none."""
    position = 0
    while position + 12 <= len(block) and block[position : position + 4] == b"8BIM":
        (identifier,) = struct.unpack_from(">H", block, position + 4)
        name = block[position + 6] + 1
        position += 6 + name + name % 2
        if position + 4 > len(block):
            return None
        (length,) = struct.unpack_from(">I", block, position)
        position += 4
        if identifier == 0x0404:
            return block[position : position + length] or None
        position += length + length % 2
    return None


def best_iptc(*copies: bytes | None) -> bytes | None:
    """Return the most readable copy of IPTC records, the first of equals; None if none is readable.

    TIFF files store them in two places; programs that know only one leave the other outdated or break it.
    """
    whole = [(_read_bytes(copy), copy) for copy in copies if copy]
    best = max(whole, key=lambda entry: entry[0], default=(0, None))
    return best[1] if best[0] else None


def _read_bytes(iptc: bytes) -> int:
    """Return the number of readable bytes of values."""
    return sum(1 + len(value) for _, _, value in datasets(iptc))
