"""DDColor (Kang et al. 2023, "DDColor: Towards Photo-Realistic Image Colorization via Dual Decoders").

A ConvNeXt encoder (Liu et al. 2022, "A ConvNet for the 2020s") that returns four scales, a pixel decoder that restores
resolution, a color decoder of learned queries; the state dict has the names and shapes of the published checkpoints.
Two steps are reordered without changing the result: the last 1x1 convolution is applied to the query embeddings instead
of to one map per query, and the blur after the last pixel shuffle, which commutes with it, acts on two channels instead
of 256.
"""

from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.models.network import ColorizationNet, padded_to_multiple
from colorize_cli.models.published.query_decoder import QueryDecoder, SpectralConv2d

EPS = 1e-6
LAYER_SCALE = 1e-6
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
LAST_SCALE = 4
STRIP = 16

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


ENCODERS = {"convnext-t": convnext_tiny, "convnext-l": convnext_large}


def gray_rgb(lightness: Tensor) -> Tensor:
    """Return the sRGB-encoded gray, (N, 1, H, W) in 0..1, whose CIE L* is ``lightness`` (0..100): R = G = B."""
    root = (lightness + 16) / 116
    linear = torch.where(lightness > 8, root**3, lightness * (27 / 24389))
    encoded = torch.where(linear > 0.0031308, 1.055 * linear.clamp(min=1e-8) ** (1 / 2.4) - 0.055, 12.92 * linear)
    return encoded.clamp(0, 1)


def blur(x: Tensor) -> Tensor:
    """Average each pixel with those above and left of it, borders repeated; removes pixel-shuffle checkerboards.

    Sugawara et al. 2018 ("Super-Resolution using Convolutional Neural Networks without Any Checkerboard Artifacts").
    """
    return F.avg_pool2d(F.pad(x, (1, 0, 1, 0), mode="replicate"), 2, 1)


class SubPixel(nn.Module):
    """1x1 convolution, batch norm, ReLU, pixel shuffle by two, blur."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            SpectralConv2d(channels_in, channels * 4, 1, bias=False), nn.BatchNorm2d(channels * 4)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels_in, H, W) to (N, channels, 2 H, 2 W)."""
        return blur(F.pixel_shuffle(F.relu(self.conv(x)), 2))


class UpBlock(nn.Module):
    """Double the size, concatenate the encoder's batch-normalized features of that size, ReLU, 3x3 convolution."""

    def __init__(self, channels_in: int, skip: int, channels: int) -> None:
        super().__init__()
        self.shuf = SubPixel(channels_in, channels)
        self.bn = nn.BatchNorm2d(skip)
        self.conv = nn.Sequential(
            SpectralConv2d(channels + skip, channels, 3, bias=False), nn.ReLU(inplace=True), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Map (N, channels_in, H, W) and the skip (N, skip, 2 H, 2 W) to (N, channels, 2 H, 2 W)."""
        return self.conv(F.relu(torch.cat([self.shuf(x), self.bn(skip)], 1)))


class LastShuffle(nn.Module):
    """1x1 convolution, ReLU, pixel shuffle by four, and a mixture of the resulting channels, blurred."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(SpectralConv2d(channels, channels * LAST_SCALE**2, 1, bias=True))

    def forward(self, x: Tensor, mixture: Tensor) -> Tensor:
        """Return (N, K, 4 H, 4 W) for x (N, C, H, W) and the channel weights ``mixture`` (N, K, C) of each output."""
        strips = []
        for strip in x.split(STRIP, 2):
            wide = F.relu(self.conv(strip)).unflatten(1, (x.shape[1], LAST_SCALE**2))
            strips.append(torch.einsum("nkc,ncshw->nkshw", mixture, wide).flatten(1, 2))
        return blur(F.pixel_shuffle(torch.cat(strips, 2), LAST_SCALE))


class Decoder(nn.Module):
    """Pixel decoder (their section 3.2) and color decoder (3.3)."""

    def __init__(self, encoder: tuple[int, int, int, int], width: int, queries: int, blocks: int) -> None:
        super().__init__()
        scales = (width, width, width // 2)
        self.layers = nn.ModuleList(
            UpBlock(below, skip, channels)
            for below, skip, channels in zip((encoder[3], width, width), encoder[2::-1], scales, strict=True)
        )
        self.last_shuf = LastShuffle(width // 2)
        self.color_decoder = QueryDecoder(scales, queries, blocks, channels=width // 2)

    def features(self, encoded: tuple[Tensor, Tensor, Tensor, Tensor]) -> list[Tensor]:
        """Return the pixel decoder's features at 1/16, 1/8 and 1/4 of the input size."""
        x, found = encoded[3], []
        for layer, skip in zip(self.layers, encoded[2::-1], strict=True):
            x = layer(x, skip)
            found.append(x)
        return found


class ImageEncoder(nn.Module):
    """The encoder under its name in checkpoints."""

    def __init__(self, arch: ConvNeXt) -> None:
        super().__init__()
        self.arch = arch


class DDColor(ColorizationNet):
    """Lightness to a*b* at the input's size.

    Parameters
    ----------
    encoder
        ``convnext-t`` (the tiny model) or ``convnext-l`` (the large ones).
    width
        channels of the pixel decoder at its coarser scales; the color decoder has half as many.
    queries
        number of color queries.
    blocks
        number of blocks of the color decoder.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, encoder: str = "convnext-l", width: int = 512, queries: int = 100, blocks: int = 9) -> None:
        super().__init__()
        if encoder not in ENCODERS:
            raise ValueError(f"encoder must be one of {', '.join(ENCODERS)}, not {encoder!r}")
        arch = ENCODERS[encoder]()
        self.encoder = ImageEncoder(arch)
        self.decoder = Decoder(arch.channels, width, queries, blocks)
        refine = SpectralConv2d(queries + 3, 2, 1, bias=True)
        self.refine_net = nn.Sequential(nn.Sequential(refine))
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))
        self.queries = queries

    def from_rgb(self, rgb: Tensor) -> Tensor:
        """Predict a*b* (N, 2, H, W), Lab units, from a gray sRGB picture (N, 3, H, W) in 0..1; multiples of 32."""
        x = (rgb - self.mean) / self.std
        features = self.decoder.features(self.encoder.arch(x))
        colors = self.decoder.color_decoder(features)
        refine = cast(SpectralConv2d, self.refine_net.get_submodule("0.0"))
        weight = (refine.weight if not self.training else refine.normalized_weight()).flatten(1).to(colors.dtype)
        mixture = torch.einsum("kq,nqc->nkc", weight[:, : self.queries], colors)
        own = F.conv2d(x, weight[:, self.queries :, None, None], refine.bias)
        return self.decoder.last_shuf(features[-1], mixture) + own

    def chroma(self, lightness: Tensor) -> Tensor:
        """Predict a*b* (N, 2, H, W) in Lab units for L* (N, 1, H, W) in 0..100; not limited to the gamut of sRGB."""
        return padded_to_multiple(self._network, lightness, 32)

    def _network(self, lightness: Tensor) -> Tensor:
        return self.from_rgb(gray_rgb(lightness).expand(-1, 3, -1, -1))
