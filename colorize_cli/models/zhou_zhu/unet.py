"""The U-Net of Zhou & Zhu 2024, section 3.5: the U-Net of Ronneberger et al. 2015 with batch norm, L* in, a*b* out.

Where the paper is silent: 3x3 convolutions are padded, so that the picture keeps its size (the original makes 388 of
572 pixels); the last 1x1 convolution ends in tanh, as in the DCGAN (Radford et al. 2016) whose initialization and
optimizer the paper uses; an output of 1 is 110 Lab units.
"""

import torch
from torch import Tensor, nn

from colorize_cli.models.network import AB_UNIT, ColorizationNet, padded_to_multiple, resize_like


class DoubleConvolution(nn.Sequential):
    """Twice a 3x3 convolution, batch norm and ReLU."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__(
            nn.Conv2d(channels_in, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )


class UNet(ColorizationNet):
    """Contracting and expanding path with concatenated skips.

    Parameters
    ----------
    widths
        channels at full size and after each 2x2 max pooling; the original's are the default.
    stop
        halvings that the expanding path does not undo: chroma is smooth, and the last levels cost the most.
    """

    def __init__(self, widths: tuple[int, ...] = (64, 128, 256, 512, 1024), stop: int = 0) -> None:
        super().__init__()
        if not 0 <= stop < len(widths) - 1:
            raise ValueError(f"stop must be in 0..{len(widths) - 2}, not {stop}")
        inputs = (1, *widths[:-1])
        self.down = nn.ModuleList(DoubleConvolution(*pair) for pair in zip(inputs, widths, strict=True))
        self.pool = nn.MaxPool2d(2)
        levels = range(len(widths) - 2, stop - 1, -1)
        self.up = nn.ModuleList(nn.ConvTranspose2d(widths[level + 1], widths[level], 2, 2) for level in levels)
        self.merge = nn.ModuleList(DoubleConvolution(2 * widths[level], widths[level]) for level in levels)
        self.head = nn.Conv2d(widths[stop], 2, 1)
        self.multiple = 2 ** (len(widths) - 1)

    def _network(self, lightness: Tensor) -> Tensor:
        x = lightness / 50 - 1
        skips: list[Tensor] = []
        for block in self.down:
            x = block(self.pool(x) if skips else x)
            skips.append(x)
        for up, merge, skip in zip(self.up, self.merge, reversed(skips[:-1]), strict=False):
            x = merge(torch.cat([skip, up(x)], 1))
        return resize_like(torch.tanh(self.head(x)) * AB_UNIT, lightness)

    def chroma(self, lightness: Tensor) -> Tensor:
        """Predict a*b* (N, 2, H, W) in Lab units, within +-110, for L* (N, 1, H, W) in 0..100."""
        return padded_to_multiple(self._network, lightness, self.multiple)
