"""Companion pictures of a result: a confidence map, and a sheet of several colorizations."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.files import atomic_file
from colorize_cli.imaging.codecs.png import chunk
from colorize_cli.imaging.color import depth_of, lightness_table
from colorize_cli.imaging.geometry import resize
from colorize_cli.imaging.marks import labelled
from colorize_cli.imaging.metadata.xmp import Provenance, build_xmp
from colorize_cli.imaging.recombine.levels import to_8
from colorize_cli.imaging.recombine.upsample import chroma_field

Array = npt.NDArray[Any]
_AFTER_HEADER = 8 + 25  # signature and IHDR


def confidence_picture(gray: Array, confidence: Array) -> Array:
    """Return ``confidence``, float32 (h, w) in 0..1, as uint8 (H, W), 255 for 1, along the edges of the photograph.

    ``gray``: uint8 or uint16 (H, W). Works in strips: it takes little memory beyond the result.
    """
    field = chroma_field(gray, np.stack([confidence, confidence]))
    picture = np.empty(gray.shape, np.uint8)
    table = lightness_table(depth_of(gray))
    rows = max(1, (1 << 16) // gray.shape[1])
    for first in range(0, gray.shape[0], rows):
        guide = np.take(table, gray[first : first + rows])
        planes = np.empty((8, *guide.shape), np.float32)
        strip = field.widened(first, first + len(guide)).chroma(first, np.concatenate([guide, guide]), planes)
        picture[first : first + rows] = cv2.convertScaleAbs(np.clip(strip[: len(guide)], 0, 1), alpha=255)
    return picture


def write_confidence_map(target: Path, picture: Array, provenance: Provenance, *, overwrite: bool = False) -> None:
    """Write a confidence picture, uint8 (H, W), as a PNG with its provenance in XMP.

    Raises :class:`OutputExists` and :class:`OutputError`; the write is atomic.
    """
    encoded = cv2.imencode(".png", picture)[1].tobytes()
    xmp = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + build_xmp(None, provenance))
    with atomic_file(target, overwrite=overwrite) as file:
        file.write(encoded[:_AFTER_HEADER] + xmp + encoded[_AFTER_HEADER:])


CELL = 480
"""Longer side of a picture on the sheet, in pixels: nine make at most 1472 x 1472."""
_GAP = 8
_PAPER = 255


def cell_gray(gray: npt.NDArray[np.integer]) -> Array:
    """Return a photograph in gray, uint8 or uint16 (H, W), as it goes onto a sheet: uint8, no larger than a cell."""
    return _reduced(gray, CELL)


def _reduced(gray: npt.NDArray[np.integer], side: int) -> Array:
    scale = min(1.0, side / max(gray.shape))
    height, width = (max(1, round(length * scale)) for length in gray.shape)
    return to_8(np.ascontiguousarray(resize(gray, height, width)))


def contact_sheet(pictures: Sequence[Array]) -> Array:
    """Return pictures of one size, uint8 RGB (h, w, 3), on white paper in rows, numbered from 1 in their corner."""
    columns = min(len(pictures), 3) if len(pictures) != 4 else 2
    rows = math.ceil(len(pictures) / columns)
    height, width = pictures[0].shape[:2]
    sheet = np.full((_GAP + rows * (height + _GAP), _GAP + columns * (width + _GAP), 3), _PAPER, np.uint8)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        top, left = _GAP + row * (height + _GAP), _GAP + column * (width + _GAP)
        sheet[top : top + height, left : left + width] = labelled(picture, str(number + 1), "top-left")
    return sheet


PAIR_SIDE = 1600
"""Longer side, in pixels, of each of the two pictures side by side."""


def pair_gray(gray: npt.NDArray[np.integer]) -> Array:
    """Return a photograph in gray, uint8 or uint16 (H, W), as it goes into a picture of both: uint8, reduced."""
    return _reduced(gray, PAIR_SIDE)


def side_by_side(gray: Array, rgb: Array, captions: tuple[str, str]) -> Array:
    """Return gray, uint8 (h, w), and color, uint8 (h, w, 3), in one picture with a caption below each, uint8 RGB.

    They are beside each other, or one below the other where the photograph is a wide panorama.
    """
    pictures = (np.repeat(gray[..., None], 3, 2), rgb)
    cells = [labelled(picture, caption, "below") for picture, caption in zip(pictures, captions, strict=True)]
    wide = gray.shape[1] > 2.5 * gray.shape[0]
    tallest, widest = max(len(cell) for cell in cells), max(cell.shape[1] for cell in cells)
    gap = max(4, max(gray.shape) // 100)
    sheet = np.full(
        (2 * tallest + 3 * gap, widest + 2 * gap, 3) if wide else (tallest + 2 * gap, 2 * widest + 3 * gap, 3),
        _PAPER,
        np.uint8,
    )
    for number, cell in enumerate(cells):
        top = gap + number * (tallest + gap) if wide else gap
        left = gap if wide else gap + number * (widest + gap)
        sheet[top : top + len(cell), left : left + cell.shape[1]] = cell
    return sheet
