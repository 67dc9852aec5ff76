import numpy as np
import pytest
from skimage import color as reference

from colorize_cli.imaging import color


@pytest.fixture(scope="module")
def srgb():
    rng = np.random.default_rng(1)
    corners = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1]), axis=-1).reshape(-1, 3)
    return np.concatenate([rng.random((400, 3)), rng.random((100, 3)) * 0.05, corners])[None]


def test_srgb_to_lab_agrees_with_the_reference(srgb):
    np.testing.assert_allclose(color.srgb_to_lab(srgb), reference.rgb2lab(srgb), atol=1e-9)


def test_lab_to_srgb_returns_the_color(srgb):
    np.testing.assert_allclose(color.lab_to_srgb(color.srgb_to_lab(srgb)), srgb, atol=1e-6)


def test_float32_stays_float32_and_close(srgb):
    lab = color.srgb_to_lab(srgb.astype(np.float32))
    assert lab.dtype == np.float32
    np.testing.assert_allclose(lab, reference.rgb2lab(srgb), atol=2e-3)


def test_luv_agrees_with_the_reference(srgb):
    luv = color.lab_to_luv(color.srgb_to_lab(srgb))
    np.testing.assert_allclose(luv, reference.rgb2luv(srgb), atol=5e-3)


@pytest.mark.parametrize("depth", [8, 16])
def test_lightness_of_every_gray_level_is_exact_and_inverted(depth):
    levels = np.arange(1 << depth, dtype=np.uint8 if depth == 8 else np.uint16)
    rgb = np.repeat(levels[None, :, None], 3, axis=2) / levels[-1]
    L = color.lightness(levels)
    assert L.dtype == np.float32
    np.testing.assert_allclose(L, reference.rgb2lab(rgb)[0, :, 0], atol=2e-5)
    np.testing.assert_array_equal(color.gray_of_lightness(L, depth), levels)


def test_gray_of_lightness_clips_to_black_and_white():
    np.testing.assert_array_equal(color.gray_of_lightness([-3, 103], 8), [0, 255])


def test_luminance_is_that_of_the_reference():
    rgb = np.random.default_rng(2).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    np.testing.assert_allclose(color.luminance(rgb), reference.rgb2xyz(rgb)[..., 1], atol=1e-6)


def test_gray_of_another_dtype_is_refused():
    with pytest.raises(TypeError, match="float64"):
        color.lightness(np.zeros((2, 2)))
