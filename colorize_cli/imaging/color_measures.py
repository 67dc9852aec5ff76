"""Measures of color: the difference of two pictures (CIEDE2000, PSNR), and how colorful one is."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

PSNR_CAP = 100.0
"""Decibels recorded for a picture equal to the truth: an infinite value would dominate every mean."""


def decibel(mean_squared_error: float, peak: float) -> float:
    """Return 10 log10(peak^2 / MSE); infinite for an error of 0."""
    return float("inf") if mean_squared_error == 0 else float(10 * np.log10(peak**2 / mean_squared_error))


def psnr(true: Array, predicted: Array) -> float:
    """Return the peak signal-to-noise ratio in dB of RGB pictures (H, W, 3) uint8; infinite for equal ones.

    10 log10(255^2 / MSE), one MSE over all pixels and the three channels, as in BasicSR (DDColor) and scikit-image.
    """
    difference = true.astype(np.float32) - predicted.astype(np.float32)
    return decibel(float(np.mean(difference**2, dtype=np.float64)), 255.0)


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


def colorfulness(rgb: Array) -> float:
    """Return the colorfulness of a picture (H, W, 3) uint8 as the colorization literature computes it (no unit).

    rg = |R - G|, yb = |(R + G) / 2 - B|, then sqrt(var rg + var yb) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2), with
    population variances. Absolute values are taken before mean and variance, as in the code behind the figures
    of DDColor, CT2 and ColorFormer, unlike Hasler & Suesstrunk's definition (`signed_colorfulness`): never
    mix the two, which differ by about a tenth.
    """
    rg, yb = _opponents(rgb)
    return _combine(np.abs(rg), np.abs(yb))


def signed_colorfulness(rgb: Array) -> float:
    """Return the colorfulness M3 of Hasler & Suesstrunk 2003 of a picture (H, W, 3) uint8 (no unit).

    "Measuring colourfulness in natural images": rg = R - G, yb = (R + G) / 2 - B, signed. Their survey's scale:
    0 not colorful, 15 slightly, 33 moderately, 45 averagely, 59 quite, 82 highly, 109 extremely.
    """
    return _combine(*_opponents(rgb))


def _opponents(rgb: Array) -> tuple[Array, Array]:
    R, G, B = np.moveaxis(rgb.astype(np.float64), -1, 0)
    return R - G, 0.5 * (R + G) - B


def _combine(rg: Array, yb: Array) -> float:
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))
