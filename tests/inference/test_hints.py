import numpy as np
import pytest
from PIL import Image

from colorize_cli import registry
from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.color import srgb_to_lab
from colorize_cli.imaging.geometry import fit
from colorize_cli.inference.hints import fit_hints, known_pixels, read_hints, require_hints
from colorize_cli.inference.prediction import SRGB_AB_RANGE, clamped, consensus


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


def test_strokes_on_an_opaque_photograph_are_hints():
    pixels = np.full((40, 60, 3), 120, np.uint8)
    pixels[10:20, 30:50] = (200, 30, 60)
    pixels[30:, :5] = (124, 119, 121)  # what JPEG makes of gray
    ab, mask = read_hints(Image.fromarray(pixels))
    assert mask.sum() == 200 and mask[15, 40]
    assert np.allclose(ab[15, 40], read_hints(picture())[0][15, 40])
    assert read_hints(Image.fromarray(pixels).convert("RGBA"))[1].sum() == 200


def test_neutral_strokes_are_hints_where_the_rest_is_transparent():
    pixels = np.zeros((10, 10, 4), np.uint8)
    pixels[2:4, 2:4] = (90, 90, 90, 255)
    ab, mask = read_hints(Image.fromarray(pixels))
    assert mask.sum() == 4 and np.abs(ab).max() < 0.1


@pytest.mark.parametrize("how", ["letterbox", "stretch", "rectangle", "native"])
@pytest.mark.parametrize("size", [16, 64])
def test_hints_keep_their_color_and_place_when_they_are_fitted(size, how):
    gray = np.full((40, 60), 100, np.uint8)
    gray[10:20, 30:50] = 200
    canvas, placement = fit(gray, size, how)
    ab, mask = fit_hints(read_hints(picture()), placement)
    assert (ab.shape, mask.shape) == ((2, *canvas.shape), (1, *canvas.shape))
    given = ab[:, mask[0] > 0]
    assert np.ptp(given, 1).max() < 1e-3
    assert (canvas[mask[0] == 0] < 160).all() and (canvas[mask[0] > 0] > 101).all()


def test_known_pixels_are_a_share_of_the_truth():
    ab = np.random.default_rng(0).uniform(1, 9, (50, 60, 2)).astype(np.float32)
    given, mask = known_pixels(ab, 0.4, (1, 2))
    assert 0.35 < mask.mean() < 0.45
    assert np.array_equal(given[mask > 0], ab[mask > 0]) and not given[mask == 0].any()
    assert np.array_equal(mask, known_pixels(ab, 0.4, (1, 2))[1])
    assert not np.array_equal(mask, known_pixels(ab, 0.4, (1, 3))[1])


def test_a_model_that_only_spreads_colors_needs_some():
    with pytest.raises(UsageProblem, match="--hints"):
        require_hints(registry.get("ols"), given=False)
    require_hints(registry.get("ols"), given=True)
    require_hints(registry.get("gan"), given=False)


def test_pictures_that_hold_no_hints_are_refused(tmp_path):
    with pytest.raises(UsageProblem, match="transparent everywhere"):
        read_hints(picture(alpha=0))
    with pytest.raises(UsageProblem, match="gray everywhere"):
        read_hints(Image.new("RGB", (4, 4)))
    with pytest.raises(UsageProblem, match="--hints"):
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
