"""The format of an image by the first bytes of its file."""

from colorize_cli.imaging.codecs.raster import DamagedDataError, UnknownKindError

_SIGNATURES: tuple[tuple[str, bytes, int], ...] = (
    ("JPEG", b"\xff\xd8\xff", 0),
    ("PNG", b"\x89PNG\r\n\x1a\n", 0),
    ("TIFF", b"II\x2a\x00", 0),
    ("TIFF", b"MM\x00\x2a", 0),
    ("TIFF", b"II\x2b\x00", 0),
    ("TIFF", b"MM\x00\x2b", 0),
    ("WEBP", b"WEBP", 8),
    ("BMP", b"BM", 0),
    ("GIF", b"GIF87a", 0),
    ("GIF", b"GIF89a", 0),
    ("JPEG2000", b"\x00\x00\x00\x0cjP  \r\n\x87\n", 0),
    ("JPEG2000", b"\xff\x4f\xff\x51", 0),
    ("JPEGXL", b"\xff\x0a", 0),
    ("JPEGXL", b"\x00\x00\x00\x0cJXL \r\n\x87\n", 0),
    ("PDF", b"%PDF-", 0),
)
_FOREIGN: tuple[tuple[str, bytes, int], ...] = (
    ("Photoshop", b"8BPS", 0),
    ("OpenEXR", b"\x76\x2f\x31\x01", 0),
    ("camera raw", b"IIRO", 0),
    ("camera raw", b"IIU\x00", 0),
    ("SVG", b"<svg", 0),
)


def sniff(data: bytes) -> str:
    """Return the format of the image in ``data`` by its first bytes.

    Raises :class:`UnknownKindError` with the name of a foreign image format,
    :class:`DamagedDataError` for anything else.
    """
    if data[4:8] == b"ftyp":
        return _of_brands(data)
    for name, signature, offset in _SIGNATURES:
        if data[offset : offset + len(signature)] == signature:
            return name
    if data[:1] == b"P" and data[1:2] in (b"1", b"2", b"3", b"4", b"5", b"6") and data[2:3].isspace():
        return "PPM"
    for name, signature, offset in _FOREIGN:
        if data[offset : offset + len(signature)] == signature:
            raise UnknownKindError(f"{name} files")
    raise DamagedDataError("not an image of a known format")


def _of_brands(data: bytes) -> str:
    """Return the format of an ISO base media file by its major and compatible brands (ISO 14496-12, section 4.3)."""
    size = min(int.from_bytes(data[:4], "big"), len(data))
    brands = {data[8:12], *(data[place : place + 4] for place in range(16, size - 3, 4))}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    if any(brand[:3] in (b"hei", b"hev") for brand in brands) or brands & {b"mif1", b"msf1"}:
        return "HEIF"
    if b"crx " in brands:
        raise UnknownKindError("camera raw files")
    raise DamagedDataError("not an image of a known format")
