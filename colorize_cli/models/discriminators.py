"""Discriminators: the 70x70 PatchGAN (Isola et al. 2018, 3.2.2 and appendix 6.1.2), as Brown et al. 3.4 use it, and
the binary classifier of whole pictures of Zhou & Zhu 2024, section 3.5.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class PatchDiscriminator(nn.Module):
    """Judges every 70x70 patch of a picture: real or colorized.

    Five 4x4 convolutions, strides 2, 2, 2, 1, 1, widths 64, 128, 256, 512, 1, LeakyReLU 0.2. ``norm`` is ``"batch"``
    or ``"spectral"`` (Miyato et al. 2018), steadier when the adversarial loss has a low weight. With ``"batch"`` each
    of the first four convolutions is followed by a batch norm, as Brown et al. say; Isola et al. leave out the first.
    """

    def __init__(self, channels_in: int = 3, width: int = 64, norm: str = "batch") -> None:
        super().__init__()
        if norm not in ("batch", "spectral"):
            raise ValueError(f"norm must be 'batch' or 'spectral', not {norm!r}")
        widths = [channels_in, width, width * 2, width * 4, width * 8, 1]
        strides = [2, 2, 2, 1, 1]
        layers: list[nn.Module] = []
        last = len(strides) - 1
        for i, stride in enumerate(strides):
            normalized = norm == "batch" and i < last
            convolution: nn.Module = nn.Conv2d(widths[i], widths[i + 1], 4, stride, 1, bias=not normalized)
            layers.append(spectral_norm(convolution) if norm == "spectral" else convolution)
            if normalized:
                layers.append(nn.BatchNorm2d(widths[i + 1]))
            if i < last:
                layers.append(nn.LeakyReLU(0.2, inplace=True))
        self.layers = nn.Sequential(*layers)

    def forward(self, lightness: Tensor, ab: Tensor) -> Tensor:
        """Return logits (N, 1, h, w) per patch, for L* (N, 1, H, W) in 0..100 and a*b* (N, 2, H, W) in Lab units."""
        return self.layers(torch.cat([lightness / 50 - 1, ab / 110], 1))


class BinaryDiscriminator(nn.Module):
    """Judges a whole picture: photographed or colorized.

    Convolution, batch norm, LeakyReLU 0.1 and dropout, as in the paper, which shows their number and sizes only in a
    figure: ``levels`` strided 4x4 convolutions whose widths double up to eight times the first, then the mean over
    the picture and one logit, so that pictures of any size from 2**levels pixels up are accepted.
    """

    def __init__(self, channels_in: int = 3, width: int = 64, levels: int = 5, dropout: float = 0.25) -> None:
        super().__init__()
        widths = [channels_in, *(min(width * 2**level, width * 8) for level in range(levels))]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [
                nn.Conv2d(before, after, 4, 2, 1, bias=False),
                nn.BatchNorm2d(after),
                nn.LeakyReLU(0.1, inplace=True),
                nn.Dropout2d(dropout),
            ]
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Conv2d(widths[-1], 1, 1), nn.Flatten())

    def forward(self, lightness: Tensor, ab: Tensor) -> Tensor:
        """Return logits (N, 1) per picture, for L* (N, 1, H, W) in 0..100 and a*b* (N, 2, H, W) in Lab units."""
        return self.layers(torch.cat([lightness / 50 - 1, ab / 110], 1))
