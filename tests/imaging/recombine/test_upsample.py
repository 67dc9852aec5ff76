import cv2
import numpy as np
import pytest

from colorize_cli.imaging.color import gray_of_lightness, lightness
from colorize_cli.imaging.recombine.upsample import chroma_field, guided_slope


def wide_step(height=240, width=320, low=30.0, high=70.0):
    """L* with an upright edge in the middle, and a* that changes sign there: the truth and a coarse prediction."""
    left = np.arange(width) < width // 2
    L = np.where(left, low, high) * np.ones((height, 1))
    a = np.where(left, -20.0, 20.0) * np.ones((height, 1))
    ab = np.stack([a, np.zeros_like(a)]).astype(np.float32)
    coarse = np.stack([cv2.resize(plane, (width // 16, height // 16), interpolation=cv2.INTER_AREA) for plane in ab])
    coarse = np.stack([cv2.GaussianBlur(plane, (0, 0), 1.0) for plane in coarse])
    return gray_of_lightness(L, 8), ab, coarse


def upsampled(gray, ab):
    """Return a*b* (2, H, W) at full size, before any limit to the gamut, all rows at once."""
    guide = lightness(gray)
    rows = chroma_field(gray, ab).widened(0, len(gray))
    planes = np.empty((8, *gray.shape), np.float32)
    return rows.chroma(0, np.concatenate([guide, guide]), planes).reshape(2, *gray.shape)


def bleeding(chroma):
    """Pixels of a row whose a* is off by more than a quarter of the step."""
    row = chroma[0, chroma.shape[1] // 2]
    truth = np.where(np.arange(row.size) < row.size // 2, -20, 20)
    return int((np.abs(row - truth) > 10).sum())


def test_color_follows_the_edges_of_the_scan():
    gray, _, coarse = wide_step()
    bilinear = np.stack([cv2.resize(plane, gray.shape[::-1]) for plane in coarse])
    assert bleeding(bilinear) > 20
    assert bleeding(upsampled(gray, coarse)) <= bleeding(bilinear) / 4


def test_upsampled_chroma_is_nearer_to_the_truth_than_interpolation():
    gray, truth, coarse = wide_step()
    bilinear = np.stack([cv2.resize(plane, gray.shape[::-1]) for plane in coarse])
    assert np.abs(upsampled(gray, coarse) - truth).mean() < 0.6 * np.abs(bilinear - truth).mean()


def test_no_halo_leaves_the_range_of_the_prediction():
    gray, _, coarse = wide_step()
    gray[:, 100:103] = 255
    chroma = upsampled(gray, coarse)
    assert chroma.min() >= coarse.min() - 1e-4 and chroma.max() <= coarse.max() + 1e-4


def test_flat_lightness_keeps_the_prediction():
    coarse = np.random.default_rng(0).uniform(-30, 30, (2, 12, 16)).astype(np.float32)
    chroma = upsampled(np.full((96, 128), 90, np.uint8), coarse)
    np.testing.assert_allclose(chroma, [cv2.resize(plane, (128, 96)) for plane in coarse], atol=1e-3)


def test_grain_does_not_become_color_noise():
    rng = np.random.default_rng(0)
    gray = gray_of_lightness(50 + 4 * rng.standard_normal((480, 640)), 16)
    coarse = np.stack(np.broadcast_arrays(np.linspace(-20, 20, 32)[None, :], np.linspace(5, 9, 24)[:, None]))
    coarse = coarse.astype(np.float32)
    smooth = np.stack([cv2.resize(plane, (640, 480)) for plane in coarse])
    assert (upsampled(gray, coarse) - smooth).std() < 0.25


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (33, 47), (5, 3)])
@pytest.mark.parametrize("cells", [(1, 1), (1, 9), (9, 1), (64, 64)])
def test_constant_chroma_stays_constant_at_any_size(shape, cells):
    gray = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    chroma = upsampled(gray, np.full((2, *cells), 7, np.float32))
    assert chroma.shape == (2, *shape) and chroma.dtype == np.float32
    np.testing.assert_allclose(chroma, 7, atol=1e-3)


def test_slope_is_that_of_the_linear_fit():
    guide = lightness(np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8))
    np.testing.assert_allclose(guided_slope(guide, 0.4 * guide - 9, 1e-6), 0.4, rtol=1e-3)
    np.testing.assert_allclose(guided_slope(np.full_like(guide, 50), guide, 36.0), 0, atol=1e-6)
