"""The sheet of several colorizations: whole, bounded, numbered."""

import numpy as np
import pytest

from colorize_cli.imaging.companion_pictures import CELL, cell_gray, contact_sheet


@pytest.mark.parametrize(("count", "columns", "rows"), [(2, 2, 1), (3, 3, 1), (4, 2, 2), (5, 3, 2), (9, 3, 3)])
def test_pictures_stand_in_rows_each_with_its_number(count, columns, rows):
    pictures = [np.full((60, 80, 3), 20 + number, np.uint8) for number in range(count)]
    sheet = contact_sheet(pictures)
    assert sheet.shape == (8 + rows * 68, 8 + columns * 88, 3)
    corners = []
    for number in range(count):
        top, left = 8 + number // columns * 68, 8 + number % columns * 88
        cell = sheet[top : top + 60, left : left + 80]
        assert (cell[40:] == 20 + number).all()
        corners.append(cell[:20, :20] > 128)
    assert all(corner.any() for corner in corners)
    assert len({corner.tobytes() for corner in corners}) == count


@pytest.mark.parametrize(
    ("shape", "cell"), [((3000, 2000), (CELL, 320)), ((100, 90), (100, 90)), ((9000, 2), (CELL, 1))]
)
def test_cells_are_bounded_and_small_photographs_are_not_enlarged(shape, cell):
    gray = cell_gray(np.full(shape, 40000, np.uint16))
    assert (gray.shape, gray.dtype) == (cell, np.uint8)
    assert (gray == 156).all()
