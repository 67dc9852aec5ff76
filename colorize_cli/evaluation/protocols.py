"""Named protocols: the geometry of the photographs and the variant of each metric, so that figures are comparable.

A published figure is comparable only under the same geometry and definitions; each protocol names its source.
"""

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from colorize_cli.errors import UsageProblem

Array = npt.NDArray[Any]
Geometry = Literal["native", "stretch", "crop"]
Resampling = Literal["bicubic", "opencv-bilinear"]

GENERAL = ("psnr", "ssim", "delta_e", "colorfulness", "delta_cf_means", "auc", "auc_rebalanced", "histogram_tv")


@dataclass(frozen=True)
class Protocol:
    """An evaluation protocol.

    ``geometry``: ``native`` keeps photographs unchanged, ``stretch`` resizes to ``size`` x ``size`` regardless of
    shape, ``crop`` cuts the central square first. ``resampling``: ``bicubic`` is Pillow's, which averages when it
    shrinks; ``opencv-bilinear`` is ``cv2.resize`` with its defaults, which does not. ``headline``: the metrics that are
    listed first in tables. ``ct2_ssim`` adds the SSIM of CT2's script. ``colorfulness_above``: pictures at or below
    this colorfulness are left out of its mean (ColorFormer's script). ``note``: remaining differences from the paper.
    """

    name: str
    title: str
    geometry: Geometry
    size: int = 0
    resampling: Resampling = "bicubic"
    headline: tuple[str, ...] = GENERAL
    ct2_ssim: bool = False
    colorfulness_above: float | None = None
    note: str = ""

    def fit(self, rgb: Array) -> Array:
        """Return the picture (H, W, 3) uint8 as this protocol transforms it."""
        if self.geometry == "native":
            return rgb
        if self.geometry == "crop":
            height, width = rgb.shape[:2]
            side = min(height, width)
            top, left = (height - side) // 2, (width - side) // 2
            rgb = rgb[top : top + side, left : left + side]
        if rgb.shape[:2] == (self.size, self.size):
            return np.ascontiguousarray(rgb)
        if self.resampling == "opencv-bilinear":
            return cv2.resize(np.ascontiguousarray(rgb), (self.size, self.size), interpolation=cv2.INTER_LINEAR)
        resized = Image.fromarray(np.ascontiguousarray(rgb)).resize((self.size, self.size), Image.Resampling.BICUBIC)
        return np.asarray(resized)


_FID_NOTE = "Its FID uses torchvision's Inception weights; --fid uses pytorch-fid's, so the two are not comparable."
_DDCOLOR = ("fid", "colorfulness", "delta_cf_means", "psnr", "ssim")

_ALL = (
    Protocol("native", "every photograph at its own size", "native"),
    Protocol("stretch256", "resized to 256x256, shape not kept", "stretch", 256),
    Protocol("crop256", "central square, resized to 256x256", "crop", 256),
    Protocol(
        "ddcolor-val5k",
        "DDColor on ImageNet-val5k: central square, cv2.resize to 256x256",
        "crop",
        256,
        "opencv-bilinear",
        _DDCOLOR,
        note=_FID_NOTE,
    ),
    Protocol(
        "ddcolor-stretch",
        "DDColor on ImageNet-val50k, COCO-Stuff and ADE20K: cv2.resize to 256x256",
        "stretch",
        256,
        "opencv-bilinear",
        _DDCOLOR,
        note=_FID_NOTE,
    ),
    Protocol(
        "colorformer",
        "ColorFormer: cv2.resize to 256x256, pictures of colorfulness 1 or less left out of its mean",
        "stretch",
        256,
        "opencv-bilinear",
        _DDCOLOR,
        colorfulness_above=1.0,
        note=_FID_NOTE,
    ),
    Protocol(
        "ct2",
        "CT2: central square, resized to 256x256, SSIM with data range 225, LPIPS on VGG",
        "crop",
        256,
        "bicubic",
        ("psnr", "ssim_ct2", "lpips_vgg", "colorfulness", "delta_cf_means", "fid"),
        ct2_ssim=True,
        note=_FID_NOTE,
    ),
    Protocol(
        "zhang",
        "Zhang et al. 2016: AuC of the ab error, raw and class-rebalanced, at 256x256",
        "stretch",
        256,
        "bicubic",
        ("auc", "auc_rebalanced", "psnr"),
        note="Class probabilities come from the evaluated photographs, not from ImageNet.",
    ),
    Protocol(
        "brown",
        "Brown et al. 2024: bicubic resize to 256x256, 256-class accuracy and PSNR",
        "stretch",
        256,
        "bicubic",
        ("accuracy_256", "psnr"),
        note="The paper does not say which channels its PSNR covers; RGB is used.",
    ),
    Protocol(
        "hwang-zhou",
        "Hwang & Zhou 2016: 224x224, Acc(U), Acc(V) and saturation difference",
        "stretch",
        224,
        "bicubic",
        ("uv_squared", "acc_u", "acc_v", "saturation_difference_means", "saturation_difference"),
        note="The paper defines neither saturation (HSV's is used) nor how photographs are averaged.",
    ),
)

PROTOCOLS = {protocol.name: protocol for protocol in _ALL}


def find_protocol(name: str) -> Protocol:
    """Return the protocol called ``name``; raises :class:`UsageProblem` with the list of names."""
    if name not in PROTOCOLS:
        raise UsageProblem(f"There is no protocol '{name}'.", f"Protocols: {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[name]
