"""Decoded samples as the file stores them, before orientation and tone: what every decoder hands on."""

from dataclasses import dataclass, field

import numpy as np

from colorize_cli.imaging.photo import Encoding, Metadata


@dataclass
class Raster:
    """Samples of one picture.

    ``samples``: uint8 or uint16, (H, W) for gray, (H, W, 3) for RGB, (H, W, 4) for CMYK (0 = no ink).
    ``alpha``: (H, W) of the same type, or None. ``orientation``: EXIF value 1..8 that is still to be applied.
    """

    samples: np.ndarray
    format: str
    mode: str
    alpha: np.ndarray | None = None
    icc: bytes | None = None
    orientation: int = 1
    page: int = 0
    pages: int = 1
    metadata: Metadata = field(default_factory=Metadata)
    encoding: Encoding = field(default_factory=Encoding)
    notes: list[str] = field(default_factory=list)


class DamagedDataError(Exception):
    """Raised by decoders for damaged data; the boundary in ``read`` turns it into an error with the file's name."""


class UnknownKindError(Exception):
    """Raised by decoders for a well-formed image of a kind that they do not understand."""


class TooManyPixelsError(Exception):
    """Raised by decoders before decoding when the header announces more pixels than allowed."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        super().__init__(f"{width} x {height} pixels")


class NoPixelsError(Exception):
    """Raised by decoders when the header announces a picture without rows or columns."""


def check_size(width: int, height: int, max_pixels: float) -> None:
    """Raise :class:`NoPixelsError` or :class:`TooManyPixelsError` unless a picture of this size may be decoded."""
    if width <= 0 or height <= 0:
        raise NoPixelsError
    if width * height > max_pixels:
        raise TooManyPixelsError(width, height)


def scale_to_uint16(values: np.ndarray) -> tuple[np.ndarray, str]:
    """Return uint16 samples of wide integers or floats of any shape, and a note that says how they were scaled.

    Integers within 0..65535 stay as they are; unsigned 32-bit values beyond are divided by 65,537, so that the full
    range stays the full range; floats within 0..1 are multiplied by 65,535; everything else, and signed values below
    zero, is stretched from its smallest to its largest value. Not-a-number becomes 0.
    """
    if values.dtype.kind == "f":
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    bits = values.dtype.itemsize * 8
    if values.dtype.kind == "f" and low >= 0 and 0 < high <= 1:
        return np.rint(values * 65535).astype(np.uint16), "floating-point values 0..1 became 16-bit"
    if values.dtype.kind in "iu" and low >= 0 and high <= 65535:
        return values.astype(np.uint16), f"{bits}-bit values became 16-bit, unchanged"
    if values.dtype.kind == "u":
        return (values // 65537).astype(np.uint16), f"{bits}-bit values became 16-bit"
    span = (high - low) or 1.0
    scaled = np.rint((values.astype(np.float64) - low) * (65535 / span)).astype(np.uint16)
    return scaled, f"values {low:g}..{high:g} were stretched to 16-bit black..white"
