import math

import numpy as np
import pytest
from skimage import metrics

from colorize_cli.evaluation.metrics import pixelwise
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
    assert pixelwise.ssim(*pair) == pytest.approx(reference, abs=1e-7)


def test_ssim_of_ct2_equals_scikit_image_with_its_odd_range(pair):
    reference = metrics.structural_similarity(*pair, channel_axis=-1, data_range=225)
    assert pixelwise.ssim_ct2(*pair) == pytest.approx(reference, abs=1e-7)


def test_ssim_of_a_picture_smaller_than_its_window_is_not_a_number():
    tiny = np.zeros((10, 40, 3), np.uint8)
    assert math.isnan(pixelwise.ssim(tiny, tiny))


def test_ab_errors_average_over_both_channels():
    true, predicted = np.zeros((1, 2, 2)), np.array([[[3.0, 0.0], [0.0, -1.0]]])
    assert pixelwise.ab_mae(true, predicted) == 1.0
    assert pixelwise.ab_mse(true, predicted) == 2.5
    assert pixelwise.ab_psnr(true, predicted) == pytest.approx(10 * math.log10(255**2 / 2.5))


def test_256_classes_are_the_nearest_of_8_24_to_248():
    centers = np.arange(8, 249, 16) - 128.0
    for offset in (-7.9, 7.9):
        pixels = np.stack([centers, centers[::-1]], -1)
        assert pixelwise.accuracy_256(pixels, pixels + offset) == 1
    assert pixelwise.accuracy_256(np.array([[8.0, 8.0]]), np.array([[8.0, 16.1]])) == 0


def test_a_pixel_counts_only_when_both_channels_are_right():
    true = np.array([[0.0, 0.0], [0.0, 0.0]])
    assert pixelwise.accuracy_256(true, np.array([[0.0, 15.0], [-1.0, 0.0]])) == 0.5


def test_uv_bins_are_four_units_wide_and_closed_at_the_ends():
    assert pixelwise.uv_accuracy(np.array([-100.0, 0, 3.9, 180]), np.array([-96.1, 3.9, 4.0, 99])) == 0.75


def test_saturation_is_that_of_hsv():
    rgb = np.array([[[200, 100, 50], [0, 0, 0], [255, 255, 255], [10, 0, 0]]], np.uint8)
    assert pixelwise.saturation(rgb) == pytest.approx((0.75 + 0 + 0 + 1) / 4)


def test_saturation_difference_of_gray_is_one_and_undefined_for_a_gray_truth():
    assert pixelwise.saturation_difference(0.4, 0.0) == 1
    assert pixelwise.saturation_difference(0.4, 0.6) == pytest.approx(0.5)
    assert math.isnan(pixelwise.saturation_difference(0.0, 0.2))


def test_auc_equals_the_trapezoid_over_the_cumulative_distribution(rng):
    true = rng.uniform(-110, 110, (2000, 2))
    predicted = true + rng.normal(0, 60, true.shape)
    distance = np.linalg.norm(true - predicted, axis=-1)
    curve = [(distance <= threshold).mean() for threshold in range(151)]
    assert pixelwise.threshold_credit(true, predicted).mean() == pytest.approx(np.trapezoid(curve) / 150)
    assert pixelwise.threshold_credit(true, true).mean() == 1


def test_auc_gives_nothing_beyond_the_last_threshold():
    assert pixelwise.threshold_credit(np.array([100.0, 100.0]), np.array([-100.0, -100.0])) == 0


def test_histogram_puts_colors_into_ten_unit_bins_and_clips_what_lies_outside():
    ab = np.array([[0.0, 0.0], [4.9, -4.9], [5.1, 0.0], [-300.0, 300.0]])
    histogram = pixelwise.ab_histogram(ab).reshape(23, 23)
    assert (histogram[11, 11], histogram[12, 11], histogram[0, 22]) == (2, 1, 1)
    assert pixelwise.ab_histogram(ab, np.array([0.5, 1, 2, 4])).sum() == 7.5


def test_total_variation_goes_from_equal_to_disjoint_whatever_the_counts():
    counts = np.array([[2.0, 2, 0], [5, 0, 0]])
    assert pixelwise.total_variation(counts, np.array([[1.0, 1, 0], [0, 1, 9]])).tolist() == [0, 1]


def test_rebalancing_gives_rare_colors_more_weight_and_keeps_the_mean_at_one():
    counts = np.zeros(529)
    counts[264], counts[20] = 990, 10
    weights = pixelwise.rebalancing_weights(counts)
    assert weights[20] / weights[264] == pytest.approx(99)
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1)
    assert weights[0] == 0


def test_classes_used_counts_colors_that_are_more_than_a_few_pixels():
    ab = np.zeros((50, 100, 2))
    ab[:, :50] = (40.0, -40.0)
    ab[0, 0] = (100.0, 100.0)
    assert pixelwise.classes_used(ab) == 2


def test_the_squared_distance_of_uv_leaves_lightness_out():
    true, other = np.zeros((4, 5, 3)), np.zeros((4, 5, 3))
    other[..., 0] = 30
    other[0, :, 1], other[0, :, 2] = 3.0, 4.0
    assert pixelwise.uv_squared(true, other) == pytest.approx(25 / 4)
