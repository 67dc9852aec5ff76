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
