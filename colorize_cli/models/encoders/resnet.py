"""ResNet-18 and -34 (He et al. 2015) as encoders of gray pictures, whole or their first stages."""

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

RESNET_18 = (2, 2, 2, 2)
RESNET_34 = (3, 4, 6, 3)
"""Blocks of each stage (He et al. 2015, table 1)."""


class BasicBlock(nn.Module):
    """The two-convolution residual block of ResNet-18 and -34 (He et al. 2015, 3.3), torchvision's key names."""

    norm_follows = (("conv1", "bn1"), ("conv2", "bn2"))

    def __init__(self, channels_in: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample: nn.Module | None = None
        if stride != 1 or channels_in != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels_in, H, W) to (N, channels, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(x)) + shortcut, inplace=True)

    def start_as_identity(self) -> None:
        """Zero the last batch norm's scale: a block added to a trained network begins as ``relu(x)``."""
        nn.init.zeros_(self.bn2.weight)


class ResNetEncoder(nn.Module):
    """A ResNet of basic blocks for one gray channel, without its classifier; returns every scale.

    The state dict has torchvision's names (``conv1``, ``bn1``, ``layer1`` .. ``layer4``) with ``conv1.weight`` of shape
    (64, 1, 7, 7). ``depths``: blocks of each stage, (2, 2, 2, 2) for ResNet-18 and (3, 4, 6, 3) for ResNet-34; fewer
    numbers make an encoder that ends earlier. ``hub``: repository on the Hub with weights that fit.
    """

    channels: tuple[int, ...] = (64, 64, 128, 256, 512)
    norm_follows = (("conv1", "bn1"),)

    def __init__(self, depths: Sequence[int] = RESNET_18) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.stages = [f"layer{i + 1}" for i in range(len(depths))]
        self.channels = ResNetEncoder.channels[: len(depths) + 1]
        layers = 34 if tuple(depths) == RESNET_34[: len(depths)] else 18
        self.hub = f"timm/resnet{layers}.tv_in1k"
        for i, (name, depth) in enumerate(zip(self.stages, depths, strict=True)):
            self.add_module(name, self._stage(self.channels[i], self.channels[i + 1], depth, 1 if i == 0 else 2))

    @staticmethod
    def _stage(channels_in: int, channels: int, depth: int, stride: int) -> nn.Sequential:
        blocks = [BasicBlock(channels_in, channels, stride)]
        blocks += [BasicBlock(channels, channels) for _ in range(depth - 1)]
        return nn.Sequential(*blocks)

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
