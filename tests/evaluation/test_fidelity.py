import math

import numpy as np
import pytest
from skimage import metrics
from skimage.color import deltaE_ciede2000

from colorize_cli.evaluation import fidelity


@pytest.fixture
def pair(rng):
    true = rng.integers(0, 256, (37, 52, 3), dtype=np.uint8)
    noisy = np.clip(true + rng.normal(0, 20, true.shape), 0, 255).astype(np.uint8)
    return true, noisy


def test_psnr_equals_scikit_image(pair):
    assert fidelity.psnr(*pair) == pytest.approx(metrics.peak_signal_noise_ratio(*pair, data_range=255), abs=1e-5)


def test_psnr_does_not_wrap_around_in_uint8():
    black, white = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)
    assert fidelity.psnr(black, white) == fidelity.psnr(white, black) == pytest.approx(0.0)


def test_psnr_of_equal_pictures_is_infinite(pair):
    assert fidelity.psnr(pair[0], pair[0]) == math.inf


def test_ssim_equals_scikit_image_with_the_gaussian_window(pair):
    reference = metrics.structural_similarity(
        *pair, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert fidelity.ssim(*pair) == pytest.approx(reference, abs=1e-7)


def test_ssim_of_ct2_equals_scikit_image_with_its_odd_range(pair):
    reference = metrics.structural_similarity(*pair, channel_axis=-1, data_range=225)
    assert fidelity.ssim_ct2(*pair) == pytest.approx(reference, abs=1e-7)


def test_ssim_of_a_picture_smaller_than_its_window_is_not_a_number():
    tiny = np.zeros((10, 40, 3), np.uint8)
    assert math.isnan(fidelity.ssim(tiny, tiny))


def test_delta_e_2000_equals_scikit_image(rng):
    true = rng.uniform([0, -100, -100], [100, 100, 100], (5000, 3))
    predicted = true + rng.normal(0, 25, true.shape)
    predicted[:50, 1:] = 0
    true[25:75, 1:] = 0
    np.testing.assert_allclose(
        fidelity.delta_e_2000(true, predicted), deltaE_ciede2000(true, predicted), rtol=1e-9, atol=1e-9
    )


def test_delta_e_2000_equals_the_published_test_data():
    # Rows 1, 7, 17 and 25 of the supplement of Sharma, Wu & Dalal.
    true = np.array([[50, 2.6772, -79.7751], [50, 0, 0], [50, 2.5, 0], [60.2574, -34.0099, 36.2677]])
    predicted = np.array([[50, 0, -82.7485], [50, -1, 2], [73, 25, -18], [60.4626, -34.1751, 39.4387]])
    np.testing.assert_allclose(fidelity.delta_e_2000(true, predicted), [2.0425, 2.3669, 27.1492, 1.2644], atol=5e-5)


def test_ab_errors_average_over_both_channels():
    true, predicted = np.zeros((1, 2, 2)), np.array([[[3.0, 0.0], [0.0, -1.0]]])
    assert fidelity.ab_mae(true, predicted) == 1.0
    assert fidelity.ab_mse(true, predicted) == 2.5
    assert fidelity.ab_psnr(true, predicted) == pytest.approx(10 * math.log10(255**2 / 2.5))
