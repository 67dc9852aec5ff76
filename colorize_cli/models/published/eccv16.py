"""The colorizer of Zhang et al. 2016 ("Colorful Image Colorization", ECCV): VGG-like, 313 ab bins, no skips.

The names and shapes of the state dict are those of the authors' PyTorch release (``colorization_release_v2``).
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.models.heads.uncertainty import expected_error
from colorize_cli.models.network import ColorizationNet, padded_to_multiple

L_CENTER, L_SCALE, AB_SCALE = 50.0, 100.0, 110.0
BINS = 313
MULTIPLE = 8


def convolutions(channels_in: int, channels: int, count: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Return ``count`` 3x3 convolutions, each with ReLU, the last one with ``stride``, followed by a batch norm."""
    layers: list[nn.Module] = []
    for i in range(count):
        step = stride if i == count - 1 else 1
        width = channels_in if i == 0 else channels
        layers += [nn.Conv2d(width, channels, 3, step, dilation, dilation), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.BatchNorm2d(channels))


class ECCV16(ColorizationNet):
    """Eight groups of convolutions to a distribution over ab bins at a quarter of the size, decoded linearly."""

    def __init__(self) -> None:
        super().__init__()
        self.model1 = convolutions(1, 64, 2, stride=2)
        self.model2 = convolutions(64, 128, 2, stride=2)
        self.model3 = convolutions(128, 256, 3, stride=2)
        self.model4 = convolutions(256, 512, 3)
        self.model5 = convolutions(512, 512, 3, dilation=2)
        self.model6 = convolutions(512, 512, 3, dilation=2)
        self.model7 = convolutions(512, 512, 3)
        self.model8 = nn.Sequential(
            nn.ConvTranspose2d(512, 256, 4, 2, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, 1, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, 1, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, BINS, 1),
        )
        self.model_out = nn.Conv2d(BINS, 2, 1, bias=False)

    def logits(self, lightness: Tensor) -> Tensor:
        """Return the logits (N, 313, H / 4, W / 4) over ab bins for L* (N, 1, H, W) in 0..100, multiples of 8."""
        x = (lightness - L_CENTER) / L_SCALE
        for group in (self.model1, self.model2, self.model3, self.model4, self.model5, self.model6, self.model7):
            x = group(x)
        return cast(Tensor, self.model8(x))

    def _network(self, lightness: Tensor) -> Tensor:
        ab = self.model_out(F.softmax(self.logits(lightness), 1)) * AB_SCALE
        return F.interpolate(ab, scale_factor=4, mode="bilinear", align_corners=False)

    def chroma(self, lightness: Tensor) -> Tensor:
        """Predict a*b* (N, 2, H, W) in Lab units for L* (N, 1, H, W) in 0..100."""
        return padded_to_multiple(self._network, lightness, MULTIPLE)

    def chroma_and_error(self, lightness: Tensor) -> tuple[Tensor, Tensor]:
        """Predict a*b* as :meth:`chroma` does, and its expected error (N, 1, H, W) in Lab units.

        Uses the distribution as trained, in which rare colors are overweighted: errors are overestimated.
        """

        def network(x: Tensor) -> Tensor:
            q = F.softmax(self.logits(x), 1)
            ab = self.model_out(q) * AB_SCALE
            planes = torch.cat([ab, expected_error(q, self._colors(), ab)], 1)
            return F.interpolate(planes, scale_factor=4, mode="bilinear", align_corners=False)

        both = padded_to_multiple(network, lightness, MULTIPLE)
        return both[:, :2], both[:, 2:]

    def distribution(self, lightness: Tensor) -> tuple[Tensor, Tensor]:
        """Predict weights of the colors (313, 2), a*b* in Lab units: (N, 313, h, w), a quarter where 8 divides H, W."""

        def network(x: Tensor) -> Tensor:
            return F.interpolate(F.softmax(self.logits(x), 1), scale_factor=4, mode="bilinear", align_corners=False)

        if all(side % MULTIPLE == 0 for side in lightness.shape[-2:]):
            return F.softmax(self.logits(lightness), 1), self._colors()
        return padded_to_multiple(network, lightness, MULTIPLE), self._colors()

    def _colors(self) -> Tensor:
        return self.model_out.weight[:, :, 0, 0].T * AB_SCALE
