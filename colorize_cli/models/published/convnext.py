"""ConvNeXt (Liu et al. 2022, "A ConvNet for the 2020s") as an encoder that returns four scales."""

from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPS = 1e-6
LAYER_SCALE = 1e-6

Features = tuple[Tensor, Tensor, Tensor, Tensor]


class ChannelNorm(nn.Module):
    """Layer normalization over the channels of (N, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return x of the same shape, every pixel normalized over its channels."""
        centered = x - x.mean(1, keepdim=True)
        normalized = centered / torch.sqrt(centered.pow(2).mean(1, keepdim=True) + EPS)
        return self.weight[:, None, None] * normalized + self.bias[:, None, None]


class ConvNeXtBlock(nn.Module):
    """7x7 depthwise convolution, layer norm, four times the channels, GELU, back, layer scale, residual (their 2.6)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=EPS)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.full((channels,), LAYER_SCALE))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        y = self.pwconv2(F.gelu(self.pwconv1(y))) * self.gamma
        return x + y.permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    """Four stages at 1/4, 1/8, 1/16 and 1/32 of the input size, each with a layer norm of its own for its output.

    The names are those of the original release (``downsample_layers``, ``stages``) with ``norm0`` .. ``norm3`` for the
    outputs and the classifier's ``norm``, which checkpoints contain but is not used. Sizes: multiples of 32.
    """

    def __init__(self, depths: tuple[int, int, int, int], channels: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.channels = channels
        stem = nn.Sequential(nn.Conv2d(3, channels[0], 4, 4), ChannelNorm(channels[0]))
        self.downsample_layers = nn.ModuleList([stem])
        for before, after in pairwise(channels):
            self.downsample_layers.append(nn.Sequential(ChannelNorm(before), nn.Conv2d(before, after, 2, 2)))
        self.stages = nn.ModuleList(
            nn.Sequential(*(ConvNeXtBlock(width) for _ in range(depth)))
            for depth, width in zip(depths, channels, strict=True)
        )
        for i, width in enumerate(channels):
            self.add_module(f"norm{i}", ChannelNorm(width))
        self.norm = nn.LayerNorm(channels[-1], eps=EPS)

    def forward(self, x: Tensor) -> Features:
        """Map a normalized picture (N, 3, H, W) to its features, shallowest first."""
        features = []
        for i, (down, stage) in enumerate(zip(self.downsample_layers, self.stages, strict=True)):
            x = stage(down(x))
            features.append(getattr(self, f"norm{i}")(x))
        return cast(Features, tuple(features))


def convnext_tiny() -> ConvNeXt:
    """Return ConvNeXt-T (their section 2.1)."""
    return ConvNeXt((3, 3, 9, 3), (96, 192, 384, 768))


def convnext_large() -> ConvNeXt:
    """Return ConvNeXt-L (their section 3)."""
    return ConvNeXt((3, 3, 27, 3), (192, 384, 768, 1536))
