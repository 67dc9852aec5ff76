"""A photograph after reading: its tones, its metadata, and how it was stored."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Metadata:
    """The metadata of a file, as raw blocks that can be written to every format.

    ``exif``: TIFF-structured block without the ``Exif\\0\\0`` of JPEG; ``xmp``: the packet, XML; ``iptc``: IPTC-IIM
    records; ``dpi``: horizontal and vertical pixels per inch; ``texts``: (keyword, text) of PNG text chunks, and of
    JPEG comments under the keyword "Comment".
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    dpi: tuple[float, float] | None = None
    texts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Encoding:
    """Compression of the source, so that the result can be stored in the same way.

    ``quality``: 1..100 on the scale of the Independent JPEG Group, estimated from the quantization tables;
    ``subsampling``: "4:4:4", "4:2:2", "4:2:0", or None for gray; ``lossless``: set for formats that can be either
    (WebP, JPEG 2000), None for all others; ``compression``: TIFF compression, "none" or any other name; ``alpha_kind``:
    TIFF ExtraSamples value of the alpha channel (0 unspecified, 2 unassociated).
    """

    quality: int | None = None
    subsampling: str | None = None
    progressive: bool = False
    lossless: bool | None = None
    compression: str | None = None
    alpha_kind: int = 2


@dataclass(frozen=True, eq=False)
class Photo:
    """One photograph (or page of a scan), upright, reduced to its tones.

    ``gray``: uint8 or uint16 (H, W), the sRGB-encoded neutral gray with the CIE L* of the source; uint8 if that
    loses nothing (an 8-bit gray source), else uint16. ``alpha``: uint8 or uint16 (H, W) of the same depth as
    ``depth``, upright like ``gray``, or None. ``depth``: 8 or 16 bits per channel for a color result.
    ``format``: "JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "PPM", "JPEG2000" or "AVIF". ``mode``: how the pixels were
    stored. ``orientation``: the EXIF value, 1 to 8, that was applied to make it upright. ``page`` counts from 0.
    ``color``: how colored it is beyond any toning, see :attr:`in_color`. ``notes``: messages for the user.
    ``path``: the original file, which no result may replace; None for other sources. ``made_by_us``: whether its XMP
    says that this program made it; False if that was not checked.
    ``file_size`` (bytes) and ``file_sha256`` (hex) are those of the bytes that were decoded; the hash is computed on
    request only. They are 0 and empty for arrays.
    """

    gray: np.ndarray
    alpha: np.ndarray | None = None
    depth: int = 8
    format: str = "PNG"
    mode: str = "L"
    page: int = 0
    pages: int = 1
    metadata: Metadata = field(default_factory=Metadata)
    color: float = 0.0
    notes: tuple[str, ...] = ()
    encoding: Encoding = field(default_factory=Encoding)
    orientation: int = 1
    path: Path | None = None
    made_by_us: bool = False
    file_size: int = 0
    file_sha256: str = ""

    @property
    def in_color(self) -> bool:
        """Whether it is a color photograph and not a gray, toned or faded one, or one with a slight cast."""
        return self.color > 1

    @property
    def height(self) -> int:
        """Rows of the upright picture."""
        return int(self.gray.shape[0])

    @property
    def width(self) -> int:
        """Columns of the upright picture."""
        return int(self.gray.shape[1])
