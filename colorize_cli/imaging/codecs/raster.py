"""Decoded samples as stored in the file, before orientation and tone conversion: the output of every decoder."""

from dataclasses import dataclass, field

import numpy as np

from colorize_cli.imaging.photo import Encoding, Metadata


@dataclass
class Raster:
    """Samples of one picture.

    ``samples``: uint8 or uint16, (H, W) for gray, (H, W, 3) for RGB, (H, W, 4) for CMYK (0 = no ink).
    ``alpha``: (H, W) of the same type, or None. ``orientation``: EXIF value 1..8 that has not been applied yet.
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
    """Raised by decoders for a well-formed image of an unsupported kind."""


class TooManyPixelsError(Exception):
    """Raised by decoders before decoding if the header declares more pixels than allowed."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        super().__init__(f"{width} x {height} pixels")


class TooManyPagesError(Exception):
    """Raised by decoders for a file of more pages than are looked at; its argument says how many that are."""


class TooManyScansError(Exception):
    """Raised by decoders for a JPEG of more scans than are decoded; its argument says how many that are."""


class NoPictureError(Exception):
    """Raised by decoders for a page of a document that shows no picture."""


class NoPixelsError(Exception):
    """Raised by decoders if the header declares a picture without rows or columns."""


def check_size(width: int, height: int, max_pixels: float) -> None:
    """Raise :class:`NoPixelsError` or :class:`TooManyPixelsError` if a picture of this size must not be decoded."""
    if width <= 0 or height <= 0:
        raise NoPixelsError
    if width * height > max_pixels:
        raise TooManyPixelsError(width, height)
