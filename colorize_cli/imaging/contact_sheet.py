"""One picture of several colorizations of a photograph, side by side and numbered."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from colorize_cli.imaging.geometry import resize
from colorize_cli.imaging.label import labelled
from colorize_cli.imaging.levels import to_8

Array = npt.NDArray[np.uint8]

CELL = 480
"""Longer side of a picture on the sheet, in pixels: nine make at most 1472 x 1472."""
_GAP = 8
_PAPER = 255


def cell_gray(gray: npt.NDArray[np.integer]) -> Array:
    """Return a photograph in gray, uint8 or uint16 (H, W), as it goes onto a sheet: uint8, no larger than a cell."""
    scale = min(1.0, CELL / max(gray.shape))
    height, width = (max(1, round(side * scale)) for side in gray.shape)
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
