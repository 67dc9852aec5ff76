"""The discriminator of Zhou & Zhu 2024, section 3.5: a binary classifier of whole pictures."""

from itertools import pairwise

import torch
from torch import Tensor, nn


class BinaryDiscriminator(nn.Module):
    """Judges a whole picture: photographed or colorized.

    Convolution, batch norm, LeakyReLU 0.1 and dropout, as the paper says, which leaves their number and sizes to a
    figure: here ``levels`` strided 4x4 convolutions whose widths double up to eight times the first, then the mean over
    the picture and one logit, so that pictures of any size from 2**levels pixels on can be judged.
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
        """Return logits (N, 1), one a picture, for L* (N, 1, H, W) in 0..100 and a*b* (N, 2, H, W) in Lab units."""
        return self.layers(torch.cat([lightness / 50 - 1, ab / 110], 1))
