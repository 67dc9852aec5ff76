"""Borders of scans are found, and colors come back to where they belong."""

import numpy as np
import pytest

from colorize_cli.imaging.borders import Box, extend, inner_box
from tests.imaging.test_toning import scene


def framed(gray: np.ndarray, value: int, sides: tuple[int, int, int, int], dtype: type = np.uint8) -> np.ndarray:
    """A scan with borders (top, bottom, left, right) of some grain."""
    top, bottom, left, right = sides
    height, width = gray.shape
    noise = np.random.default_rng(0).normal(value, 2, (height + top + bottom, width + left + right))
    noise[top : top + height, left : left + width] = gray
    scan = np.clip(noise, 0, 255).astype(np.uint8)
    return scan if dtype == np.uint8 else scan.astype(np.uint16) * 257


def picture(height: int = 300, width: int = 400) -> np.ndarray:
    return np.rint(50 + 150 * scene(1, height, width)).astype(np.uint8)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("value", [4, 250])
@pytest.mark.parametrize("sides", [(20, 20, 20, 20), (30, 0, 0, 0), (0, 0, 60, 9), (12, 40, 25, 70)])
def test_even_borders_are_cut_off_and_hardly_any_of_the_picture(value, sides, dtype):
    scan = framed(picture(), value, sides, dtype)
    box = inner_box(scan)
    assert box is not None
    cell = max(scan.shape) / 256
    found = (box.top, scan.shape[0] - box.bottom, box.left, scan.shape[1] - box.right)
    for depth, border in zip(found, sides, strict=True):
        assert border <= depth <= border + 3 * cell if border else depth == 0
    assert box.cut(scan).shape == (box.bottom - box.top, box.right - box.left)


def test_dust_and_frame_numbers_do_not_hide_a_border():
    scan = framed(picture(), 5, (30, 30, 30, 30))
    scan[10:14, 200:206] = 255
    scan[150:153, 5:8] = 255
    assert inner_box(scan) is not None


def night() -> np.ndarray:
    """A dark sky that brightens toward the horizon."""
    return np.clip(np.linspace(0, 200, 300)[:, None] + np.zeros((300, 400)), 0, 255).astype(np.uint8)


def snow() -> np.ndarray:
    gray = picture()
    gray[200:] = np.linspace(200, 255, 100)[:, None]
    return gray


@pytest.mark.parametrize(
    "gray",
    [picture(), night(), snow(), np.zeros((100, 100), np.uint8), np.full((100, 100), 255, np.uint8),
     framed(picture(80, 80), 3, (200, 200, 200, 200)), np.zeros((1, 1), np.uint8), np.zeros((3, 900), np.uint8)],
    ids=["plain", "night", "snow", "black", "white", "mostly border", "one pixel", "sliver"],
)  # fmt: skip
def test_pictures_without_a_border_are_left_whole(gray):
    assert inner_box(gray) is None


def test_colors_lie_where_they_lay_in_the_picture():
    box = Box(top=50, bottom=350, left=40, right=440)
    y, x = np.mgrid[0.5:30, 0.5:40]
    over = extend(np.stack([y, x]).astype(np.float32), box, (420, 460))
    assert over.shape == (2, 42, 46)
    assert np.allclose(over[0, 5:35, 4:44], y, atol=0.01)
    assert np.allclose(over[1, 5:35, 4:44], x, atol=0.01)
    assert over[0, :5].max() == pytest.approx(0.5) and over[0, 35:].min() == pytest.approx(29.5)
    assert over[1, :, :4].max() == pytest.approx(0.5) and over[1, :, 44:].min() == pytest.approx(39.5)


def test_a_frame_hardly_changes_the_colors_inside():
    from colorize_cli import Colorizer

    gray, side = picture(256, 256), 40
    scan = framed(gray, 5, (side,) * 4)
    colorizer = Colorizer("gan", device="cpu", size=128)

    def change() -> float:
        (alone,), (within,) = colorizer.predict([gray]), colorizer.predict([scan])
        edge = round(side * within.shape[1] / scan.shape[0])
        inside = within[:, edge:-edge, edge:-edge]
        rows = np.linspace(0, alone.shape[1] - 1, inside.shape[1]).round().astype(int)
        columns = np.linspace(0, alone.shape[2] - 1, inside.shape[2]).round().astype(int)
        return float(np.hypot(*(alone[:, rows][:, :, columns] - inside)).mean())

    with_handling = change()
    colorizer.keep_borders = True
    assert with_handling < 0.5 * change()
