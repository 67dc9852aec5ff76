"""ResNet-18 and -34 (He et al. 2015) as encoders of gray pictures, whole or their first stages.

Handwritten because bundled weights have such an encoder, and importing torchvision takes longer than importing torch.
The names are torchvision's, so that published weights load.
"""

from collections.abc import Mapping
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.models.network import Encoder, timm_file

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
"""Blocks of each stage by the number of layers (He et al. 2015, table 1)."""


class BasicBlock(nn.Module):
    """The residual block of two convolutions of ResNet-18 and -34 (He et al. 2015, 3.3).

    Parameters
    ----------
    channels
        channels of the result.
    channels_in
        channels of the input, if they differ.
    stride
        of the first convolution. If shape or channels change, a 1x1 convolution projects the input (their option B).
    """

    norm_follows = (("conv1", "bn1"), ("conv2", "bn2"))

    def __init__(self, channels: int, channels_in: int | None = None, stride: int = 1) -> None:
        super().__init__()
        before = channels_in or channels
        self.conv1 = nn.Conv2d(before, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or before != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels_in, H, W) to (N, channels, H / stride, W / stride), rounded up."""
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)

    def start_as_identity(self) -> None:
        """Zero the last batch norm's scale: a block added to a trained network starts as ``relu(x)``."""
        nn.init.zeros_(self.bn2.weight)


class ResNetEncoder(Encoder):
    """A ResNet of basic blocks for one gray channel, without its classifier; returns every scale.

    The state dict has torchvision's names (``conv1``, ``bn1``, ``layer1`` .. ``layer4``) with ``conv1.weight`` of shape
    (64, 1, 7, 7).

    Parameters
    ----------
    layers
        18 or 34.
    stages
        number of stages, of four.
    """

    channels: tuple[int, ...] = (64, 64, 128, 256, 512)
    norm_follows = (("conv1", "bn1"),)

    def __init__(self, layers: Literal[18, 34] = 18, stages: int = 4) -> None:
        super().__init__()
        self.channels = ResNetEncoder.channels[: stages + 1]
        self.stages = [f"layer{i + 1}" for i in range(stages)]
        self.hub = timm_file(f"resnet{layers}.tv_in1k", "bsd-3-clause")
        self.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        before = 64
        for i, name in enumerate(self.stages):
            channels = ResNetEncoder.channels[i + 1]
            first = BasicBlock(channels, before, 1 if i == 0 else 2)
            self.add_module(name, nn.Sequential(first, *(BasicBlock(channels) for _ in range(BLOCKS[layers][i] - 1))))
            before = channels
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def of_imagenet(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return this encoder's state for torchvision's ResNet: no classes, the first convolution summed over RGB."""
        own = {name: value for name, value in state.items() if name in self.state_dict()}
        return own | {"conv1.weight": state["conv1.weight"].sum(1, keepdim=True)}

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map normalized lightness (N, 1, H, W) to features at 1/2, 1/4, 1/8, 1/16 and 1/32 of its size."""
        stem = F.relu(self.bn1(self.conv1(x)), inplace=True)
        features = [stem, F.max_pool2d(stem, 3, 2, 1)]
        for name in self.stages:
            features.append(self.get_submodule(name)(features[-1]))
        return stem, *features[2:]
