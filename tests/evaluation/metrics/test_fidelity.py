import math

import numpy as np
import pytest
from skimage import metrics

from colorize_cli.evaluation.metrics import fidelity
from colorize_cli.imaging.color_measures import psnr


@pytest.fixture
def pair(rng):
    true = rng.integers(0, 256, (37, 52, 3), dtype=np.uint8)
    noisy = np.clip(true + rng.normal(0, 20, true.shape), 0, 255).astype(np.uint8)
    return true, noisy


def test_psnr_equals_scikit_image(pair):
    assert psnr(*pair) == pytest.approx(metrics.peak_signal_noise_ratio(*pair, data_range=255), abs=1e-5)


def test_psnr_does_not_wrap_around_in_uint8():
    black, white = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)
    assert psnr(black, white) == psnr(white, black) == pytest.approx(0.0)


def test_psnr_of_equal_pictures_is_infinite(pair):
    assert psnr(pair[0], pair[0]) == math.inf


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


def test_ab_errors_average_over_both_channels():
    true, predicted = np.zeros((1, 2, 2)), np.array([[[3.0, 0.0], [0.0, -1.0]]])
    assert fidelity.ab_mae(true, predicted) == 1.0
    assert fidelity.ab_mse(true, predicted) == 2.5
    assert fidelity.ab_psnr(true, predicted) == pytest.approx(10 * math.log10(255**2 / 2.5))
