import numpy as np
import pytest
from PIL import Image

from colorize_cli.errors import UnreadablePhoto, UsageProblem
from colorize_cli.imaging.color import srgb_to_lab
from colorize_cli.inference.colorizer import SRGB_AB_RANGE, clamped, consensus
from colorize_cli.inference.hints import fit_hints, read_hints


def picture(alpha=255):
    pixels = np.zeros((40, 60, 4), np.uint8)
    pixels[10:20, 30:50] = (200, 30, 60, alpha)
    return Image.fromarray(pixels)


def test_opaque_pixels_are_hints():
    ab, mask = read_hints(picture())
    assert mask.sum() == 200
    expected = srgb_to_lab(np.array([[[200, 30, 60]]], np.float32) / 255)[0, 0, 1:]
    assert np.allclose(ab[15, 40], expected, atol=1e-3)
    assert not ab[mask == 0].any()


@pytest.mark.parametrize("size", [16, 64])
def test_hints_keep_their_color_when_they_are_fitted(size):
    ab, mask = fit_hints(read_hints(picture()), size)
    assert (ab.shape, mask.shape) == ((2, size, size), (1, size, size))
    given = ab[:, mask[0] > 0]
    assert np.ptp(given, 1).max() < 1e-3
    assert 0 < mask.mean() < 0.2


def test_pictures_that_hold_no_hints_are_refused(tmp_path):
    with pytest.raises(UsageProblem, match="transparent everywhere"):
        read_hints(picture(alpha=0))
    with pytest.raises(UsageProblem, match="no transparency"):
        read_hints(Image.new("RGB", (4, 4)))
    with pytest.raises(UnreadablePhoto, match="--hints"):
        read_hints(tmp_path / "none.png")


def test_the_range_of_sRGB_is_that_of_its_cube():  # noqa: N802
    levels = np.linspace(0, 1, 18)
    cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 1, 3)
    ab = srgb_to_lab(cube)[..., 1:].reshape(-1, 2)
    assert np.allclose(ab.min(0), SRGB_AB_RANGE[0], atol=0.05)
    assert np.allclose(ab.max(0), SRGB_AB_RANGE[1], atol=0.05)
    assert clamped(np.full((1, 2, 3, 3), -170, np.float32))[0, :, 0, 0] == pytest.approx(SRGB_AB_RANGE[0])


def test_sizes_that_disagree_are_settled_by_the_median():
    maps = [np.full((2, side, side), value, np.float32) for side, value in ((4, 10), (8, 12), (6, -100))]
    assert np.array_equal(consensus(maps), np.full((2, 8, 8), 10, np.float32))
