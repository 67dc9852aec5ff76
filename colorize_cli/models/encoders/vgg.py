"""The convolutional part of VGG-16 (Simonyan & Zisserman 2014, configuration D) for one gray channel.

The names are torchvision's and timm's (``features.0`` ... ``features.28``), so that published weights load. Without
batch norm such an encoder hardly learns from random initialization; :meth:`VGGEncoder.with_batch_norm` returns one to
pretrain (torchvision's ``vgg16_bn``), and :func:`folded` converts it to an equivalent plain encoder.
Handwritten because torchvision's layers take three channels, and its import would delay the narrow variants' start.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from colorize_cli.models.network import ColorizationNet, Encoder, timm_file

BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels and convolutions of each block; a max pooling by 2 follows each block."""
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
GRAY_MEAN, GRAY_STD = sum(IMAGENET_MEAN) / 3, sum(IMAGENET_STD) / 3
PUBLISHED = timm_file("vgg16.tv_in1k", "bsd-3-clause")
BUNDLED_WIDTH = 0.25
"""Width of the encoder in the bundled weights of ``vgg-decoder``."""


def zero_centered(lightness: Tensor) -> Tensor:
    """Return L* / 100, less the mean of ImageNet's pixels, in units of their deviation: the encoder's input."""
    return (lightness / 100 - GRAY_MEAN) / GRAY_STD


class VGGEncoder(Encoder):
    """Blocks of 3x3 convolutions and ReLU; returns the last map of every block, before its pooling.

    Parameters
    ----------
    width
        share of the channels, 1 for VGG-16 itself.
    blocks
        number of blocks, of five.
    batch_norm
        whether a batch norm follows each convolution (``vgg16_bn``).
    """

    def __init__(self, width: float = 1.0, blocks: int = 5, batch_norm: bool = False) -> None:
        super().__init__()
        self.width, self.blocks = width, blocks
        self.hub = PUBLISHED if width == 1 else None
        self.bundled = "vgg-decoder" if width == BUNDLED_WIDTH else None
        self.channels = tuple(round(channels * width) for channels, _ in BLOCKS[:blocks])
        layers: list[nn.Module] = []
        self.taps: list[int] = []
        before = 1
        for channels, (_, count) in zip(self.channels, BLOCKS, strict=False):
            for _ in range(count):
                layers.append(nn.Conv2d(before, channels, 3, 1, 1))
                layers += [nn.BatchNorm2d(channels)] if batch_norm else []
                layers.append(nn.ReLU(inplace=True))
                before = channels
            self.taps.append(len(layers))
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        for layer in self.convolutions():
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(cast(Tensor, layer.bias))

    def convolutions(self) -> list[nn.Conv2d]:
        """Return the convolutions in order."""
        return [layer for layer in self.features if isinstance(layer, nn.Conv2d)]

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 1, H, W) to the maps of the blocks, the size of the input and 1/2, 1/4, 1/8, 1/16 of it."""
        maps = []
        for start, end in pairwise([0, *self.taps]):
            for layer in self.features[start:end]:
                x = layer(x)
            maps.append(x)
        return tuple(maps)

    def pooled(self, x: Tensor) -> Tensor:
        """Map (N, 1, H, W) to the input of VGG-16's classifier: (N, 512 * width, H / 32, W / 32) with five blocks."""
        return cast(Tensor, self.features(x))

    def with_batch_norm(self) -> "VGGEncoder":
        """Return an encoder with batch norms that starts with the weights of this one."""
        other = VGGEncoder(self.width, self.blocks, batch_norm=True)
        for own, new in zip(self.convolutions(), other.convolutions(), strict=True):
            new.load_state_dict(own.state_dict())
        return other

    def pretraining_twin(self) -> "VGGEncoder":
        """Return :meth:`with_batch_norm`: the plain encoder does not learn from random initialization."""
        return self.with_batch_norm()

    def of_twin(self, twin: Encoder) -> dict[str, Tensor]:
        """Return the weights of a twin with its batch norms folded in."""
        return folded(cast(VGGEncoder, twin))

    def of_imagenet(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the state of this encoder for torchvision's VGG-16 on gray pictures, replicated to three channels.

        The first convolution is summed over R, G and B; its weights and bias absorb the difference between the three
        channels' normalization and :func:`zero_centered`, so that the sum is equal inside the picture.
        """
        own = {name: value for name, value in state.items() if name in self.state_dict()}
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
        weight = own["features.0.weight"].float()
        own["features.0.weight"] = (weight * GRAY_STD / std).sum(1, keepdim=True)
        own["features.0.bias"] = own["features.0.bias"] + (weight * (GRAY_MEAN - mean) / std).sum((1, 2, 3))
        return own


def folded(encoder: VGGEncoder) -> dict[str, Tensor]:
    """Return the state of a plain encoder that equals ``encoder``, with batch norms, in evaluation mode."""
    layers = list(encoder.features)
    state: dict[str, Tensor] = {}
    place = 0
    for i, layer in enumerate(layers):
        if isinstance(layer, nn.BatchNorm2d):
            continue
        if isinstance(layer, nn.Conv2d):
            weight, bias = layer.weight, layer.bias
            norm = layers[i + 1]
            if isinstance(norm, nn.BatchNorm2d):
                mean, variance = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
                weight, bias = fuse_conv_bn_weights(weight, bias, mean, variance, norm.eps, norm.weight, norm.bias)
            state[f"features.{place}.weight"] = weight.detach()
            state[f"features.{place}.bias"] = cast(Tensor, bias).detach()
        place += 1
    return state


class VGGNet(ColorizationNet):
    """A network on a gray VGG-16; only the full width has published weights."""

    def __init__(self, width: float, blocks: int) -> None:
        super().__init__()
        self.encoder = VGGEncoder(width, blocks)

    def encoder_input(self, lightness: Tensor) -> Tensor:
        """Return the encoder input for L* (N, 1, H, W) in 0..100."""
        return zero_centered(lightness)
