"""The U-Net of ``gan-64``: six levels at 64x64 pixels (Brown et al. 3.4, after Isola et al. 2018, appendix 6.1.1)."""

import torch
from torch import Tensor, nn

from colorize_cli.models.network import ColorizationNet, padded_to_multiple

AB_RANGE = 110.0


class _Level(nn.Module):
    """One level of the U: halve, run the level below, double, and concatenate the input to the result."""

    def __init__(self, outer: int, inner: int, below: nn.Module | None, dropout: bool) -> None:
        super().__init__()
        down: list[nn.Module] = [nn.LeakyReLU(0.2), nn.Conv2d(outer, inner, 4, 2, 1, bias=False)]
        if below is not None:
            down.append(nn.BatchNorm2d(inner))
        up: list[nn.Module] = [
            nn.ReLU(),
            nn.ConvTranspose2d(inner if below is None else 2 * inner, outer, 4, 2, 1, bias=False),
            nn.BatchNorm2d(outer),
        ]
        if dropout:
            up.append(nn.Dropout(0.5))
        self.down = nn.Sequential(*down)
        self.below = below
        self.up = nn.Sequential(*up)

    def forward(self, x: Tensor) -> Tensor:
        y = self.down(x)
        if self.below is not None:
            y = self.below(y)
        return torch.cat([x, self.up(y)], 1)


class Pix2PixUNet(ColorizationNet):
    """Encoder and decoder of ``levels`` strided 4x4 convolutions with concatenated skips, tanh output.

    Widths double from ``width`` to eight times that and stay there; dropout 0.5 in the inner levels of full width, as
    many as are between the innermost and the four widening ones. Sizes that are not multiples of 2**levels are padded.
    """

    def __init__(self, levels: int = 6, width: int = 64) -> None:
        super().__init__()
        if levels < 5:
            raise ValueError("a pix2pix U-Net has at least 5 levels")
        full = width * 8
        inner: nn.Module = _Level(full, full, None, dropout=False)
        for _ in range(levels - 5):
            inner = _Level(full, full, inner, dropout=True)
        for outer in (width * 4, width * 2, width):
            inner = _Level(outer, outer * 2, inner, dropout=False)
        self.multiple = 2**levels
        self.head = nn.Conv2d(1, width, 4, 2, 1, bias=False)
        self.body = inner
        self.tail = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(2 * width, 2, 4, 2, 1), nn.Tanh())

    def _network(self, lightness: Tensor) -> Tensor:
        return self.tail(self.body(self.head(lightness / 50 - 1))) * AB_RANGE

    def chroma(self, lightness: Tensor) -> Tensor:
        """Predict a*b* (N, 2, H, W) in Lab units, within +-110, for L* (N, 1, H, W) in 0..100."""
        return padded_to_multiple(self._network, lightness, self.multiple)
