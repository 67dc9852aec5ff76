"""``vgg-regression``: a VGG-16 residual encoder that predicts u*v* (Hwang & Zhou 2016, section 3.5).

The paper describes the "creating" half as upscaling, an elementwise sum with a map of VGG-16 and a convolution, again
and again, after Dahl's "residual encoder", without naming layers; the layers here are Dahl's: the last maps of the
first four blocks and the gray input itself. Dahl's last layers have three channels and batch norms up to the output;
here the last two convolutions have none, as the paper says (3.4), and the output is linear: u* and v*, by 100.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.models.blocks import resize_like
from colorize_cli.models.luv import ab_to_uv, uv_to_ab
from colorize_cli.models.vgg import VGGNet

UV_UNIT = 100.0
"""u*v* of an output of 1: the paper's targets lie in [-100, 100] (3.6)."""
UV_BINS = 50
"""Bins over [-100, 100] on each axis (3.6)."""


def uv_bins(uv: Tensor) -> Tensor:
    """Return the bin 0..49 of u* and of v*, int64 (N, 2, H, W); what lies outside counts to the outermost one."""
    width = 2 * UV_UNIT / UV_BINS
    return ((uv + UV_UNIT) / width).floor().clamp(0, UV_BINS - 1).long()


def uv_accuracies(predicted: Tensor, true: Tensor) -> dict[str, Tensor]:
    """Return ``acc_u`` and ``acc_v``, Acc(U) and Acc(V) of section 5.1: the shares of equal bins (N, 2, H, W)."""
    same = (predicted == true).float().mean((0, 2, 3))
    return {"acc_u": same[0], "acc_v": same[1]}


class _Step(nn.Sequential):
    """3x3 convolution, batch norm, ReLU."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__(
            nn.Conv2d(channels_in, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
        )


class ResidualEncoder(VGGNet):
    """VGG-16 and the "creating" process on it: upscale, add a map of VGG-16, convolve, again and again (3.5, 5.2).

    ``width``: share of VGG-16's channels.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__(width, blocks=4)
        full, half, quarter, eighth = self.encoder.channels
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for channels in (eighth, quarter, half, full))
        self.reduce = nn.Sequential(
            nn.Conv2d(eighth, quarter, 1, bias=False), nn.BatchNorm2d(quarter), nn.ReLU(inplace=True)
        )
        self.step3 = _Step(quarter, half)
        self.step2 = _Step(half, full)

    def created(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the maps of the creating process for the trunk's input (N, 1, H, W).

        They have 1/8, 1/4, 1/2 and all of its size, and 256, 128, 64 and 64 channels at full width; the last one is
        the sum that the next convolution would take.
        """
        full, half, quarter, eighth = self.encoder(x)
        at_8 = self.reduce(self.norms[0](eighth))
        at_4 = self.step3(resize_like(at_8, quarter) + self.norms[1](quarter))
        at_2 = self.step2(resize_like(at_4, half) + self.norms[2](half))
        return at_8, at_4, at_2, resize_like(at_2, full) + self.norms[3](full)


class VGGRegression(ResidualEncoder):
    """Lightness to u*v* at full size. ``width``: share of VGG-16's channels."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__(width)
        self.step1 = _Step(self.encoder.channels[0], 3)
        self.last = nn.Conv2d(3, 3, 3, 1, 1)
        self.output = nn.Conv2d(3, 2, 3, 1, 1)

    def answers(self, lightness: Tensor) -> Tensor:
        """Return u*v* / 100 (N, 2, H, W) for L* (N, 1, H, W) in 0..100."""
        x = self.encoder_input(lightness)
        # The network of the paper sees the gray picture in all three channels.
        return self.output(F.relu(self.last(self.step1(self.created(x)[-1]) + x)))

    def targets(self, lightness: Tensor, ab: Tensor) -> Tensor:
        """Return the true u*v* / 100 (N, 2, H, W)."""
        return ab_to_uv(lightness, ab) / UV_UNIT

    @torch.no_grad()
    def accuracies(self, answers: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Return ``acc_u`` and ``acc_v``."""
        return uv_accuracies(uv_bins(answers * UV_UNIT), uv_bins(targets * UV_UNIT))

    def chroma(self, lightness: Tensor) -> Tensor:
        """Predict a*b* (N, 2, H, W) in Lab units for L* (N, 1, H, W) in 0..100."""
        return uv_to_ab(lightness, self.answers(lightness).float() * UV_UNIT)
