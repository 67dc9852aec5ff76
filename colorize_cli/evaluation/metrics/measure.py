"""Every metric of ``colorize evaluate``: its name, and the measurement of one photograph.

All figures are measured on 8-bit RGB pictures, as users get them, not on the network's floating-point output; Lab and
Luv are exact, for sRGB under D65 (``imaging.color``). All photographs have equal weight, whatever their size.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from colorize_cli.evaluation.metrics import pixelwise
from colorize_cli.evaluation.metrics.pixelwise import (
    ab_histogram,
    saturation,
    saturation_difference,
    ssim,
    total_variation,
)
from colorize_cli.imaging.color import lab_to_luv, linear_to_xyz, luminance_table, xyz_to_lab
from colorize_cli.imaging.color_measures import PSNR_CAP, colorfulness, delta_e_2000, psnr, signed_colorfulness

__all__ = ["BY_KEY", "METRICS", "Measurement", "Metric", "Picture", "colorfulness", "measure", "psnr", "ssim"]

Array = npt.NDArray[Any]
Better = Literal["higher", "lower", "none"]


@dataclass(frozen=True)
class Metric:
    """A metric: its key in rows and tables, its title, unit, digits to print, and which direction is better.

    ``of_set``: it is computed for the whole set and has no value for a single photograph.
    """

    key: str
    title: str
    better: Better
    digits: int = 2
    unit: str = ""
    of_set: bool = False


METRICS = (
    Metric("psnr", "PSNR", "higher", 2, "dB"),
    Metric("ssim", "SSIM", "higher", 4),
    Metric("ssim_ct2", "SSIM (CT2's)", "higher", 4),
    Metric("psnr_ab", "PSNR of ab", "higher", 2, "dB"),
    Metric("delta_e", "ΔE2000", "lower", 2),
    Metric("ab_mse", "ab MSE", "lower", 1),
    Metric("ab_mae", "ab MAE", "lower", 2),
    Metric("colorfulness", "CF (abs)", "none", 2),
    Metric("colorfulness_signed", "CF (signed)", "none", 2),
    Metric("delta_cf_means", "ΔCF of means", "lower", 2, of_set=True),
    Metric("delta_cf", "ΔCF per image", "lower", 2),
    Metric("auc", "AuC", "higher", 4),
    Metric("auc_rebalanced", "AuC rebalanced", "higher", 4, of_set=True),
    Metric("histogram_tv", "ab histogram TV", "lower", 4, of_set=True),
    Metric("histogram_tv_image", "ab histogram TV per image", "lower", 4),
    Metric("accuracy_256", "256-class accuracy", "higher", 4),
    Metric("classes_used", "Classes of 256 used", "none", 1),
    Metric("uv_squared", "u*v* squared distance", "lower", 1),
    Metric("acc_u", "Acc(U)", "higher", 4),
    Metric("acc_v", "Acc(V)", "higher", 4),
    Metric("saturation_difference_means", "Saturation difference of means", "lower", 4, of_set=True),
    Metric("saturation_difference", "Saturation difference", "lower", 4),
    Metric("lpips_alex", "LPIPS (alex)", "lower", 4),
    Metric("lpips_vgg", "LPIPS (vgg)", "lower", 4),
    Metric("fid", "FID", "lower", 2, of_set=True),
    Metric("kid", "KID", "lower", 5, of_set=True),
    Metric("kid_lite2", "KID (EfficientNet-Lite2)", "lower", 5, of_set=True),
    Metric("agreement", "Top-1 agreement", "higher", 4),
)
BY_KEY = {metric.key: metric for metric in METRICS}


class Picture:
    """An 8-bit RGB picture (H, W, 3) with derived values, each computed once."""

    def __init__(self, rgb: Array) -> None:
        self.rgb = rgb

    @cached_property
    def lab(self) -> Array:
        """CIELAB, float32 (H, W, 3)."""
        linear = np.take(luminance_table(8).astype(np.float32), self.rgb)
        return xyz_to_lab(linear_to_xyz(linear))

    @property
    def ab(self) -> Array:
        """a*b* in Lab units, float32 (H, W, 2)."""
        return self.lab[..., 1:]

    @cached_property
    def luv(self) -> Array:
        """CIELUV, float32 (H, W, 3)."""
        return lab_to_luv(self.lab)

    @cached_property
    def colorfulness(self) -> float:
        """Colorfulness, the absolute variant."""
        return colorfulness(self.rgb)

    @cached_property
    def signed_colorfulness(self) -> float:
        """Colorfulness as Hasler & Suesstrunk define it."""
        return signed_colorfulness(self.rgb)

    @cached_property
    def saturation(self) -> float:
        """Mean HSV saturation, 0..1."""
        return saturation(self.rgb)

    @cached_property
    def histogram(self) -> Array:
        """Share of the pixels in each ab bin, float64 (529,), sum 1."""
        return ab_histogram(self.ab) / self.rgb[..., 0].size


@dataclass(frozen=True)
class Measurement:
    """The measurement of one picture: ``values`` by metric key, and the arrays (529,) for metrics of the whole set.

    ``histogram``: share of its pixels by the ab bin predicted; ``credit``: AuC credit summed by the true bin,
    divided by the number of pixels.
    """

    values: dict[str, float]
    histogram: Array
    credit: Array


def measure(true: Picture, predicted: Picture, *, ct2: bool = False) -> Measurement:
    """Return all per-photo figures of a colorized picture against the true one of the same size.

    ``ct2`` adds the SSIM of that paper's script. Raises ValueError when the sizes differ.
    """
    if true.rgb.shape != predicted.rgb.shape:
        raise ValueError(f"pictures of {true.rgb.shape} and {predicted.rgb.shape} cannot be compared")
    credit = pixelwise.threshold_credit(true.ab, predicted.ab)
    values = {
        "psnr": min(PSNR_CAP, psnr(true.rgb, predicted.rgb)),
        "ssim": ssim(true.rgb, predicted.rgb),
        "psnr_ab": min(PSNR_CAP, pixelwise.ab_psnr(true.ab, predicted.ab)),
        "delta_e": float(delta_e_2000(true.lab, predicted.lab).mean(dtype=np.float64)),
        "ab_mse": pixelwise.ab_mse(true.ab, predicted.ab),
        "ab_mae": pixelwise.ab_mae(true.ab, predicted.ab),
        "colorfulness": predicted.colorfulness,
        "colorfulness_true": true.colorfulness,
        "colorfulness_signed": predicted.signed_colorfulness,
        "colorfulness_signed_true": true.signed_colorfulness,
        "delta_cf": abs(predicted.colorfulness - true.colorfulness),
        "auc": float(credit.mean(dtype=np.float64)),
        "histogram_tv_image": float(total_variation(true.histogram, predicted.histogram)),
        "accuracy_256": pixelwise.accuracy_256(true.ab, predicted.ab),
        "classes_used": pixelwise.classes_used(predicted.ab),
        "classes_used_true": pixelwise.classes_used(true.ab),
        "uv_squared": pixelwise.uv_squared(true.luv, predicted.luv),
        "acc_u": pixelwise.uv_accuracy(true.luv[..., 1], predicted.luv[..., 1]),
        "acc_v": pixelwise.uv_accuracy(true.luv[..., 2], predicted.luv[..., 2]),
        "saturation": predicted.saturation,
        "saturation_true": true.saturation,
        "saturation_difference": saturation_difference(true.saturation, predicted.saturation),
    }
    if ct2:
        values["ssim_ct2"] = pixelwise.ssim_ct2(true.rgb, predicted.rgb)
    return Measurement(values, predicted.histogram, ab_histogram(true.ab, credit) / credit.size)
