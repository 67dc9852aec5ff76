"""The visible notice: readable at any resolution, and nothing else changed."""

import numpy as np
import pytest

from colorize_cli.imaging.marks import POSITIONS, labelled

CORNERS = [position for position in POSITIONS if position != "below"]


def plain(height: int, width: int, value: int = 120, dtype: type = np.uint8) -> np.ndarray:
    return np.full((height, width, 3), value, dtype)


def changed(before: np.ndarray, after: np.ndarray) -> tuple[slice, slice]:
    """The rows and columns that hold every changed pixel."""
    rows, columns = np.nonzero((before != after[: before.shape[0]]).any(axis=2))
    return slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)


@pytest.mark.parametrize("position", CORNERS)
@pytest.mark.parametrize("size", [(60, 90), (480, 640), (3000, 2000)])
def test_corner_label_is_small_lies_in_its_corner_and_leaves_the_rest(position, size):
    before = plain(*size)
    after = labelled(before, "Colorized", position)
    rows, columns = changed(before, after)
    assert after.shape == before.shape and (before == 120).all()
    assert (rows.stop <= size[0] / 2) == position.startswith("top")
    assert (columns.start >= size[1] / 2 or columns.stop > 0.9 * size[1]) == position.endswith("right")
    assert (rows.stop - rows.start) < max(0.06 * min(size), 20)
    assert after[rows, columns].max() > 230  # ink


def test_letters_grow_with_the_picture():
    heights = []
    for side in (500, 1000, 2000):
        before = plain(side, side)
        rows, _ = changed(before, labelled(before, "Colorized"))
        heights.append(rows.stop - rows.start)
    assert heights[1] == pytest.approx(2 * heights[0], rel=0.2)
    assert heights[2] == pytest.approx(2 * heights[1], rel=0.2)


@pytest.mark.parametrize("value", [0, 255])
def test_label_shows_on_black_and_on_white(value):
    after = labelled(plain(400, 400, value), "Colorized")
    rows, columns = changed(plain(400, 400, value), after)
    assert int(after[rows, columns].max()) - int(after[rows, columns].min()) > 100


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_margin_below_leaves_the_whole_picture_as_it_was(dtype):
    top = np.iinfo(dtype).max
    before = np.random.default_rng(0).integers(0, top, (300, 400, 3)).astype(dtype)
    after = labelled(before, "Colorized by a neural network", "below")
    assert np.array_equal(after[:300], before)
    margin = after[300:]
    assert 5 < len(margin) < 40 and margin.max() == top and margin.min() < 0.3 * top


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (300, 5), (20, 20)])
@pytest.mark.parametrize("position", POSITIONS)
def test_pictures_too_small_for_a_text_do_no_harm(size, position):
    after = labelled(plain(*size), "Colorized, with a very long text " * 3, position)
    assert after.shape[1] == size[1] and after.shape[0] >= size[0]
