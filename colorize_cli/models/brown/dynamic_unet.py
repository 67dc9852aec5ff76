"""The full-size generator of the system Brown et al. 3.4 build on: ResNet-18 body, sub-pixel U-Net blocks to full size.

31.1 million parameters and about 27 GMAC at 256x256: too slow for a batch on a CPU, kept as a variant of ``gan``. The
paper's own generator is that of ``gan-64``.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.models.encoders.resnet import ResNetEncoder
from colorize_cli.models.network import AB_UNIT, ColorizationNet, padded_to_multiple


class _SubPixel(nn.Module):
    """1x1 convolution, ReLU, pixel shuffle by 2; initialized so that it starts as nearest upsampling (ICNR)."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels * 4, 1)
        kernel = torch.empty(channels, channels_in, 1, 1)
        nn.init.kaiming_normal_(kernel)
        with torch.no_grad():
            self.conv.weight.copy_(kernel.repeat_interleave(4, 0))
        nn.init.zeros_(self.conv.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(F.relu(self.conv(x)), 2)


def _conv(channels_in: int, channels: int) -> nn.Sequential:
    layer = nn.Conv2d(channels_in, channels, 3, 1, 1)
    nn.init.kaiming_normal_(layer.weight)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return nn.Sequential(layer, nn.ReLU(inplace=True))


class _UpBlock(nn.Module):
    """Double the size, concatenate the encoder's features of that size, two 3x3 convolutions."""

    def __init__(self, channels_in: int, skip: int, hidden: int, channels: int) -> None:
        super().__init__()
        self.up = _SubPixel(channels_in, channels_in // 2)
        self.norm = nn.BatchNorm2d(skip)
        self.conv1 = _conv(channels_in // 2 + skip, hidden)
        self.conv2 = _conv(hidden, channels)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.conv2(self.conv1(F.relu(torch.cat([self.up(x), self.norm(skip)], 1))))


class DynamicUNet(ColorizationNet):
    """ResNet-18 U-Net predicting a*b* at full size, linear output."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = ResNetEncoder()
        self.norm = nn.BatchNorm2d(512)
        self.middle = nn.Sequential(_conv(512, 1024), _conv(1024, 512))
        self.up = nn.ModuleList(
            [
                _UpBlock(512, 256, 512, 512),
                _UpBlock(512, 128, 384, 384),
                _UpBlock(384, 64, 256, 256),
                _UpBlock(256, 64, 96, 96),
            ]
        )
        self.shuffle = _SubPixel(96, 96)
        self.residual1 = _conv(97, 97)
        self.residual2 = nn.Conv2d(97, 97, 3, 1, 1)
        self.head = nn.Conv2d(97, 2, 1)

    def encoder_input(self, lightness: Tensor) -> Tensor:
        """Return L* of 0..100 as -1..1."""
        return lightness / 50 - 1

    def _network(self, lightness: Tensor) -> Tensor:
        x = self.encoder_input(lightness)
        stem, quarter, eighth, sixteenth, deepest = self.encoder(x)
        y = self.middle(F.relu(self.norm(deepest)))
        for block, skip in zip(self.up, (sixteenth, eighth, quarter, stem), strict=True):
            y = block(y, skip)
        y = torch.cat([self.shuffle(y), x], 1)
        return self.head(F.relu(y + self.residual2(self.residual1(y)))) * AB_UNIT

    def chroma(self, lightness: Tensor) -> Tensor:
        """Predict a*b* (N, 2, H, W) in Lab units for L* (N, 1, H, W) in 0..100."""
        return padded_to_multiple(self._network, lightness, 32)
