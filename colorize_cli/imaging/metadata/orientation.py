"""EXIF orientation 1..8: read it from a file, apply it to samples, and combine two orientations.

The TIFF or EXIF tag takes precedence; XMP (tiff:Orientation) counts only if there is none.
"""

import re
import struct

import numpy as np

from colorize_cli.imaging.metadata.exif import ORIENTATION
from colorize_cli.imaging.metadata.ifd import header, parse

_IN_XMP = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>)\s*([1-8])\s*[\"'<]")

_TURNS: dict[int, tuple[bool, bool, bool]] = {
    # EXIF orientation: (swap rows and columns, then flip rows, then flip columns)
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def turn_upright(samples: np.ndarray, orientation: int) -> np.ndarray:
    """Return ``samples``, (H, W) or (H, W, 3), turned upright according to EXIF ``orientation`` 1..8, contiguous."""
    swap, rows, columns = _TURNS[orientation]
    if swap:
        samples = samples.swapaxes(0, 1)
    if rows:
        samples = samples[::-1]
    if columns:
        samples = samples[:, ::-1]
    return np.ascontiguousarray(samples)


def turn_back(samples: np.ndarray, orientation: int) -> np.ndarray:
    """Return upright ``samples``, (H, W) or (H, W, 3), turned to the stored EXIF ``orientation`` 1..8, contiguous."""
    return turn_upright(samples, {6: 8, 8: 6}.get(orientation, orientation))


def remaining(wanted: int, applied: int) -> int:
    """Return the orientation that turns pixels that ``applied`` turned as ``wanted`` turns those in the file."""
    corners = np.arange(6).reshape(2, 3)
    turned, goal = turn_upright(corners, applied), turn_upright(corners, wanted)
    return next(number for number in _TURNS if np.array_equal(turn_upright(turned, number), goal))


def stated_orientation(tag: object, xmp: bytes | None) -> int:
    """Return the orientation 1..8 by the TIFF or EXIF tag, else by XMP, else 1; invalid values are ignored."""
    if isinstance(tag, int) and 1 <= tag <= 8:
        return tag
    return orientation_of_xmp(xmp) or 1


def orientation_of_xmp(xmp: bytes | None) -> int | None:
    """Return the orientation 1..8 stated by an XMP packet, None if it states none."""
    found = _IN_XMP.search(xmp or b"")
    return int(found[1]) if found else None


def orientation_of_exif(exif: bytes | None) -> int | None:
    """Return the value of the orientation tag of an EXIF block, None if it has none.

    Raises ValueError or struct.error if the block is damaged.
    """
    if exif is None:
        return None
    order, big, offset = header(exif)
    entries, _ = parse(exif, order, offset, big)
    return next((entry.integer(order) for entry in entries if entry.tag == ORIENTATION), None)


def safe_orientation_of_exif(exif: bytes | None) -> int | None:
    """Like :func:`orientation_of_exif`, but return None for a damaged block."""
    try:
        return orientation_of_exif(exif)
    except (ValueError, struct.error):
        return None
