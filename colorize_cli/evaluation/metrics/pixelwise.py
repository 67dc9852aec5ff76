"""Metrics of pixels: SSIM, ab errors, class accuracies, AuC of the ab error, saturation, and ab histograms."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.imaging.color_measures import decibel

Array = npt.NDArray[Any]

AB_PEAK = 255.0
"""Peak of the ab PSNR: the span of an 8-bit a* or b* channel, -128 to 127."""
BIN_WIDTH = 10.0
BINS_A_SIDE = 23
"""Bins of the ab histogram on each axis: centers at -110, -100 ... 110, which covers sRGB."""
MAX_THRESHOLD = 150


def ab_mse(true_ab: Array, predicted_ab: Array) -> float:
    """Return the mean squared error of a* and b* (..., 2), in squared Lab units, averaged over both channels."""
    return float(np.mean((true_ab - predicted_ab) ** 2, dtype=np.float64))


def ab_mae(true_ab: Array, predicted_ab: Array) -> float:
    """Return the mean absolute error of a* and b* (..., 2), in Lab units, averaged over both channels."""
    return float(np.mean(np.abs(true_ab - predicted_ab), dtype=np.float64))


def ab_psnr(true_ab: Array, predicted_ab: Array) -> float:
    """Return the PSNR in dB of a* and b* (..., 2) alone: 10 log10(255^2 / ab MSE); infinite for equal ones."""
    return decibel(ab_mse(true_ab, predicted_ab), AB_PEAK)


def ssim(true: Array, predicted: Array) -> float:
    """Return the structural similarity (at most 1) of RGB pictures (H, W, 3) uint8, averaged over the channels.

    Wang et al. 2004: Gaussian window 11x11 with sigma 1.5, K1 = 0.01, K2 = 0.03, population covariance, data range
    255, averaged over the positions where the window lies inside the picture. Equals BasicSR's and scikit-image's
    `structural_similarity(gaussian_weights=True, use_sample_covariance=False)`. NaN for a side below 11 pixels.
    """
    offsets = np.arange(-5, 6)
    kernel = np.exp(-(offsets**2) / (2 * 1.5**2))
    return _ssim(true, predicted, kernel / kernel.sum(), 255.0, sample_covariance=False)


def ssim_ct2(true: Array, predicted: Array) -> float:
    """Return the SSIM that the code of CT2 computes: uniform 7x7 window, sample covariance, and a data range of 225.

    Its evaluation script uses 225 where 255 was probably meant, so the figures in its tables depend on it.
    """
    return _ssim(true, predicted, np.full(7, 1 / 7), 225.0, sample_covariance=True)


def _ssim(true: Array, predicted: Array, kernel: Array, peak: float, *, sample_covariance: bool) -> float:
    border = len(kernel) // 2
    if min(true.shape[:2]) < len(kernel):
        return float("nan")

    def local_mean(picture: Array) -> Array:
        blurred = cv2.sepFilter2D(picture, cv2.CV_64F, kernel, kernel)
        return blurred[border:-border, border:-border]

    x, y = true.astype(np.float64), predicted.astype(np.float64)
    mean_x, mean_y = local_mean(x), local_mean(y)
    window = len(kernel) ** 2
    factor = window / (window - 1) if sample_covariance else 1.0
    variance_x = factor * (local_mean(x * x) - mean_x**2)
    variance_y = factor * (local_mean(y * y) - mean_y**2)
    covariance = factor * (local_mean(x * y) - mean_x * mean_y)
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    similarity = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    )
    return float(similarity.mean())


def _labels_256(ab: Array) -> Array:
    return np.clip(np.floor((ab + 128.0) / 16.0), 0, 15) @ np.array([16, 1])


def classes_used(ab: Array) -> float:
    """Return how many of the 256 classes of :func:`accuracy_256` hold at least 0.1 % of the pixels; ab (..., 2).

    "A wide variety of colors" (Brown et al. 2024, section 5) as a number.
    """
    counts = np.bincount(_labels_256(ab).astype(np.int64).ravel(), minlength=256)
    return float((counts >= 0.001 * counts.sum()).sum())


def accuracy_256(true_ab: Array, predicted_ab: Array) -> float:
    """Return the share (0..1) of pixels whose 256-class label is correct; ab (..., 2) in Lab units.

    Brown et al. 2024: a* and b*, stored as 0..255 (Lab + 128), are rounded to the nearest of 8, 24 ... 248; the 16 x 16
    pairs are the classes. With this grid neutral gray (128) is on the border of two bins of each axis and counts for
    the upper one.
    """
    return float(np.mean(_labels_256(true_ab) == _labels_256(predicted_ab)))


def uv_squared(true_luv: Array, predicted_luv: Array) -> float:
    """Return the mean squared distance of u*v* (..., 3, of which the first is L*).

    L_reg of Hwang & Zhou 2016, section 5.1, which is its sum over the pixels of a picture: the mean does not grow with
    the size.
    """
    difference = true_luv[..., 1:].astype(np.float64) - predicted_luv[..., 1:]
    return float((difference**2).sum(-1).mean())


def uv_accuracy(true: Array, predicted: Array) -> float:
    """Return the share (0..1) of pixels in the correct bin of one CIELUV channel, u* or v*, of any shape.

    Acc(U) and Acc(V) of Hwang & Zhou 2016, section 5.1: [-100, 100] in 50 equal bins; values outside count for the
    outermost bin.
    """

    def label(values: Array) -> Array:
        return np.clip(np.floor((values + 100.0) / 4.0), 0, 49)

    return float(np.mean(label(true) == label(predicted)))


def saturation(rgb: Array) -> float:
    """Return the mean HSV saturation (0..1) of a picture (H, W, 3) uint8: (max - min) / max, 0 for black."""
    top = rgb.max(axis=-1).astype(np.float64)
    span = top - rgb.min(axis=-1)
    return float(np.mean(span / np.maximum(top, 1)))


def saturation_difference(true_saturation: float, predicted_saturation: float) -> float:
    """Return |sum Sp - sum Sa| / sum Sa of one picture, from the two mean saturations: 0 is perfect, gray gives 1.

    Hwang & Zhou 2016, section 5.1. The paper does not define S; HSV saturation is used, the only one it
    mentions. NaN where the true mean saturation is below 0.01: the quotient would be noise.
    """
    if true_saturation < 0.01:
        return float("nan")
    return abs(predicted_saturation - true_saturation) / true_saturation


def threshold_credit(true_ab: Array, predicted_ab: Array) -> Array:
    """Return each pixel's share (0..1) of the area under the accuracy curve ("AuC"); ab (..., 2) in Lab units.

    Zhang et al. 2016, section 3.1: for every whole threshold 0..150 a pixel is correct if its L2 distance in ab is
    within it. Its credit is the area (trapezoid rule) under its own step curve, so that the mean over pixels is the
    area under the cumulative distribution, normalized to 0..1.
    """
    distance = np.sqrt(np.sum((true_ab - predicted_ab) ** 2, axis=-1))
    first = np.ceil(distance)
    # A pixel correct from threshold k on covers MAX - k whole steps and the rising half of the step before.
    area = np.where(first == 0, float(MAX_THRESHOLD), MAX_THRESHOLD - first + 0.5)
    return np.where(first > MAX_THRESHOLD, 0.0, area) / MAX_THRESHOLD


def ab_bins(ab: Array) -> Array:
    """Return the index (...) 0..528 of the 10-unit bin of each color (..., 2); a* changes slowest."""
    nearest = np.rint(ab / BIN_WIDTH).astype(np.int64) + BINS_A_SIDE // 2
    nearest = np.clip(nearest, 0, BINS_A_SIDE - 1)
    return nearest[..., 0] * BINS_A_SIDE + nearest[..., 1]


def ab_histogram(ab: Array, weights: Array | None = None) -> Array:
    """Return the pixel counts, float64 (529,), of the ab bins, or the sums of ``weights`` (...) in each."""
    flat = None if weights is None else weights.ravel()
    return np.bincount(ab_bins(ab).ravel(), flat, minlength=BINS_A_SIDE**2).astype(np.float64)


def total_variation(counts: Array, others: Array) -> Array:
    """Return half the L1 distance (0 equal .. 1 disjoint) between histograms (..., K), each normalized to sum 1."""
    p = counts / counts.sum(axis=-1, keepdims=True)
    q = others / others.sum(axis=-1, keepdims=True)
    distance: Array = 0.5 * np.abs(p - q).sum(axis=-1)
    return distance


def rebalancing_weights(true_counts: Array) -> Array:
    """Return the weight (529,) of a pixel by the bin of its true color, for the class-balanced AuC; mean 1 over pixels.

    Zhang et al. 2016, equation 4 with lambda = 0: the inverse of the probability of the color, smoothed with a Gaussian
    of sigma 5. They estimate it on ImageNet, this function on the true colors of the evaluated photos, so that
    the figure depends on nothing outside the run.
    """
    probability = true_counts / true_counts.sum()
    offsets = BIN_WIDTH * np.arange(-2, 3)
    kernel = np.exp(-(offsets**2) / (2 * 5.0**2))
    kernel /= kernel.sum()
    grid = probability.reshape(BINS_A_SIDE, BINS_A_SIDE)
    for axis in (0, 1):
        grid = np.apply_along_axis(np.convolve, axis, grid, kernel, mode="same")
    smooth = grid.ravel()
    occupied = probability > 0
    weights = np.divide(1.0, smooth, out=np.zeros_like(smooth), where=occupied)
    return weights / np.sum(weights * probability)
