"""How near a colorized picture is to the true one, pixel by pixel: PSNR, SSIM, ab errors and CIEDE2000."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

AB_PEAK = 255.0
"""Peak of the ab PSNR: the span of an 8-bit a* or b* channel, -128 to 127."""


def _decibel(mean_squared_error: float, peak: float) -> float:
    return float("inf") if mean_squared_error == 0 else float(10 * np.log10(peak**2 / mean_squared_error))


def psnr(true: Array, predicted: Array) -> float:
    """Return the peak signal-to-noise ratio in dB of RGB pictures (H, W, 3) uint8; infinite for equal ones.

    10 log10(255^2 / MSE), one MSE over all pixels and the three channels, as in BasicSR (DDColor) and scikit-image.
    """
    difference = true.astype(np.float32) - predicted.astype(np.float32)
    return _decibel(float(np.mean(difference**2, dtype=np.float64)), 255.0)


def ab_mse(true_ab: Array, predicted_ab: Array) -> float:
    """Return the mean squared error of a* and b* (..., 2), in squared Lab units, averaged over both channels."""
    return float(np.mean((true_ab - predicted_ab) ** 2, dtype=np.float64))


def ab_mae(true_ab: Array, predicted_ab: Array) -> float:
    """Return the mean absolute error of a* and b* (..., 2), in Lab units, averaged over both channels."""
    return float(np.mean(np.abs(true_ab - predicted_ab), dtype=np.float64))


def ab_psnr(true_ab: Array, predicted_ab: Array) -> float:
    """Return the PSNR in dB of a* and b* (..., 2) alone: 10 log10(255^2 / ab MSE); infinite for equal ones."""
    return _decibel(ab_mse(true_ab, predicted_ab), AB_PEAK)


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

    The 225 stands in its evaluation script where 255 was probably meant; figures in its tables inherit it.
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


def delta_e_2000(true_lab: Array, predicted_lab: Array) -> Array:
    """Return the CIEDE2000 color difference (...) of CIELAB colors (..., 3), with kL = kC = kH = 1.

    Sharma, Wu & Dalal 2005, "The CIEDE2000 color-difference formula"; 1 is about a just noticeable difference.
    """
    L1, a1, b1 = np.moveaxis(true_lab, -1, 0)
    L2, a2, b2 = np.moveaxis(predicted_lab, -1, 0)
    mean_c7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1 + 0.5 * (1 - np.sqrt(mean_c7 / (mean_c7 + 25.0**7)))
    a1, a2 = a1 * stretch, a2 * stretch
    C1, C2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.arctan2(b1, a1) % (2 * np.pi), np.arctan2(b2, a2) % (2 * np.pi)
    chromatic = C1 * C2 > 0
    turn = h2 - h1
    turn = np.where(turn > np.pi, turn - 2 * np.pi, np.where(turn < -np.pi, turn + 2 * np.pi, turn))
    delta_H = 2 * np.sqrt(C1 * C2) * np.sin(np.where(chromatic, turn, 0) / 2)
    total = h1 + h2
    apart = np.abs(h1 - h2) > np.pi
    mean_h = np.where(apart, np.where(total < 2 * np.pi, total + 2 * np.pi, total - 2 * np.pi), total) / 2
    mean_h = np.where(chromatic, mean_h, total)
    mean_C, mean_L = (C1 + C2) / 2, (L1 + L2) / 2
    T = (
        1
        - 0.17 * np.cos(mean_h - np.pi / 6)
        + 0.24 * np.cos(2 * mean_h)
        + 0.32 * np.cos(3 * mean_h + np.pi / 30)
        - 0.20 * np.cos(4 * mean_h - 63 * np.pi / 180)
    )
    s_L = 1 + 0.015 * (mean_L - 50) ** 2 / np.sqrt(20 + (mean_L - 50) ** 2)
    s_C, s_H = 1 + 0.045 * mean_C, 1 + 0.015 * mean_C * T
    mean_C7 = mean_C**7
    rotation = -2 * np.sqrt(mean_C7 / (mean_C7 + 25.0**7))
    rotation = rotation * np.sin(np.pi / 3 * np.exp(-(((np.degrees(mean_h) - 275) / 25) ** 2)))
    l_term, c_term, h_term = (L2 - L1) / s_L, (C2 - C1) / s_C, delta_H / s_H
    difference: Array = np.sqrt(np.maximum(l_term**2 + c_term**2 + h_term**2 + rotation * c_term * h_term, 0))
    return difference
