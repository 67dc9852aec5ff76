"""How far two results of the same photograph lie apart, in just noticeable differences."""

import numpy as np

from colorize_cli.evaluation.fidelity import delta_e_2000
from colorize_cli.imaging.color import srgb_to_lab


def difference(reference: np.ndarray, result: np.ndarray) -> tuple[float, float]:
    """Return the largest and the mean CIEDE2000 between two RGB pictures (H, W, 3), uint8 or uint16, of one size."""
    if np.array_equal(reference, result):
        return 0.0, 0.0
    delta = delta_e_2000(_lab(reference), _lab(result))
    return float(delta.max()), float(delta.mean())


def _lab(rgb: np.ndarray) -> np.ndarray:
    return srgb_to_lab(rgb / np.iinfo(rgb.dtype).max)
