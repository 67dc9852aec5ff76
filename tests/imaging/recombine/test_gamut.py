import numpy as np
import pytest
from skimage.color import rgb2lab

from colorize_cli.imaging.color import lab_to_srgb, lightness_to_luminance, linear_to_srgb, luminance, srgb_to_lab
from colorize_cli.imaging.recombine.gamut import chroma_limits, compress, fit_gamut, linear_rgb


def planes_of(lab):
    """fy, Y, difference as `linear_rgb` takes them, of Lab colors (n, W, 3)."""
    fy = compress(lightness_to_luminance(lab[..., 0]))
    Y = lightness_to_luminance(lab[..., 0]).astype(np.float32)
    difference = np.concatenate([lab[..., 1] / 500, -lab[..., 2] / 200]).astype(np.float32)
    return np.concatenate([fy, fy]), np.concatenate([Y, Y]), difference


def convert(lab, fitted):
    fy, Y, difference = planes_of(lab)
    light = linear_rgb(fy, Y, difference, np.empty((5, *lab.shape[:2]), np.float32))
    if fitted:
        fit_gamut(light, fy, Y, difference)
    return np.moveaxis(light, 0, -1).astype(np.float64)


@pytest.fixture(scope="module")
def wild():
    rng = np.random.default_rng(0)
    return np.stack([rng.uniform(0, 100, (40, 50)), *rng.uniform(-120, 120, (2, 40, 50))], axis=-1)


def test_colors_in_gamut_are_those_of_the_exact_formulas():
    rgb = np.random.default_rng(0).random((30, 40, 3))
    np.testing.assert_allclose(linear_to_srgb(convert(srgb_to_lab(rgb), fitted=False)), rgb, atol=5e-4)


def test_colors_in_gamut_are_left_alone():
    rgb = np.random.default_rng(0).uniform(0.05, 0.95, (30, 40, 3))
    lab = srgb_to_lab(rgb)
    np.testing.assert_array_equal(convert(lab, fitted=True), convert(lab, fitted=False))


def test_every_color_ends_in_gamut_with_its_lightness_and_hue(wild):
    light = convert(wild, fitted=True)
    assert light.min() >= -1e-5 and light.max() <= 1 + 1e-5
    lab = rgb2lab(linear_to_srgb(light.clip(0, 1)))
    assert np.abs(lab[..., 0] - wild[..., 0]).max() < 0.02
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    turned = np.arctan2(lab[..., 2], lab[..., 1]) - np.arctan2(wild[..., 2], wild[..., 1])
    off_hue = np.abs(chroma * np.sin(turned))
    assert off_hue.max() < 1 and off_hue.mean() < 0.05


def test_no_more_chroma_is_lost_than_must_be(wild):
    lab = rgb2lab(linear_to_srgb(convert(wild, fitted=True).clip(0, 1)))
    reduced = np.hypot(lab[..., 1], lab[..., 2]) < 0.99 * np.hypot(wild[..., 1], wild[..., 2])
    assert reduced.sum() > 100
    more = lab[reduced]
    more[:, 1:] = more[:, 1:] * 1.02 + np.sign(more[:, 1:]) * 0.2
    rgb = lab_to_srgb(more)
    assert ((rgb.min(axis=1) < 0) | (rgb.max(axis=1) > 1)).mean() > 0.99


def test_limits_are_those_of_the_primaries():
    limits = chroma_limits()
    for rgb in ([1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]):
        L, a, b = rgb2lab(np.array([[rgb]], float))[0, 0]
        row, column = int(L / 100 * len(limits)), int(np.arctan2(b, a) % (2 * np.pi) / (2 * np.pi) * limits.shape[1])
        assert limits[row - 2 : row + 3, column - 2 : column + 3].max() == pytest.approx(np.hypot(a, b), rel=0.06)


def test_gray_has_exactly_equal_channels():
    lab = np.zeros((1, 1001, 3))
    lab[..., 0] = np.linspace(0, 100, 1001)
    light = convert(lab, fitted=True)
    assert np.ptp(light, axis=-1).max() < 1e-6
    np.testing.assert_allclose(light[..., 1], lightness_to_luminance(lab[..., 0]), atol=1e-6)


def test_luminance_of_white_is_one():
    assert luminance(np.full((1, 1, 3), 255, np.uint8)) == pytest.approx(1)
