"""ResNet-18 and -34 (He et al. 2015) as encoders of gray pictures, whole or their first stages: torchvision's networks.

Importing torchvision takes longer than importing torch: modules that bundled weights need import this one in functions.
"""

from collections.abc import Mapping
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import resnet

from colorize_cli.models.encoders.base import Encoder, timm_file

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
"""Blocks of each stage by the number of layers (He et al. 2015, table 1)."""


class _Block(resnet.BasicBlock):
    """torchvision's residual block, whose batch norms can be fused for prediction."""

    norm_follows = (("conv1", "bn1"), ("conv2", "bn2"))


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
        network = resnet.ResNet(_Block, BLOCKS[layers], num_classes=1)
        self.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
        nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")
        self.bn1 = network.bn1
        for name in self.stages:
            self.add_module(name, network.get_submodule(name))

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
