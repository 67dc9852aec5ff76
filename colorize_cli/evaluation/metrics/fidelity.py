"""Pixelwise fidelity of a colorized picture to the true one: SSIM and ab errors."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.imaging.color_measures import decibel

Array = npt.NDArray[Any]

AB_PEAK = 255.0
"""Peak of the ab PSNR: the span of an 8-bit a* or b* channel, -128 to 127."""


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
