"""The colorizers of Zhang et al.: ``eccv16`` and ``siggraph17``.

"Colorful Image Colorization", ECCV 2016: VGG-like, 313 ab bins, no skips. "Real-Time User-Guided Image Colorization
with Learned Deep Priors", SIGGRAPH 2017: takes color hints in addition to lightness; without hints it colorizes
automatically. The names and shapes of the state dicts are those of the authors' PyTorch releases
(``colorization_release_v2``), so that the head of ``siggraph17`` over 23 x 23 ab bins is kept.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.models.heads.uncertainty import expected_error
from colorize_cli.models.network import ColorizationNet, padded_to_multiple

L_CENTER, L_SCALE, AB_SCALE = 50.0, 100.0, 110.0
BINS, USER_GUIDED_BINS = 313, 529
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


def _one(layer: nn.Module) -> nn.Sequential:
    return nn.Sequential(layer)


def _conv(channels_in: int, channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels, 3, 1, 1)


def _double(channels_in: int, channels: int) -> nn.Sequential:
    return _one(nn.ConvTranspose2d(channels_in, channels, 4, 2, 1))


def _subsample(x: Tensor) -> Tensor:
    return x[:, :, ::2, ::2]


class SIGGRAPH17(ColorizationNet):
    """A U-Net with additive skips; input L*, hints a*b* and their mask, output tanh.

    ``mask_center`` is subtracted from the mask: 0 for the published ``siggraph17`` weights, where 0 means no hint;
    0.5 for weights trained with a centered mask, as the authors' training code does.
    """

    def __init__(self, mask_center: float = 0.0) -> None:
        super().__init__()
        self.mask_center = mask_center
        self.model1 = convolutions(4, 64, 2)
        self.model2 = convolutions(64, 128, 2)
        self.model3 = convolutions(128, 256, 3)
        self.model4 = convolutions(256, 512, 3)
        self.model5 = convolutions(512, 512, 3, dilation=2)
        self.model6 = convolutions(512, 512, 3, dilation=2)
        self.model7 = convolutions(512, 512, 3)
        self.model8up = _double(512, 256)
        self.model8 = nn.Sequential(nn.ReLU(), *convolutions(256, 256, 2))
        self.model9up = _double(256, 128)
        self.model9 = nn.Sequential(nn.ReLU(), *convolutions(128, 128, 1))
        self.model10up = _double(128, 128)
        self.model10 = nn.Sequential(nn.ReLU(), _conv(128, 128), nn.LeakyReLU(0.2))
        self.model3short8 = _one(_conv(256, 256))
        self.model2short9 = _one(_conv(128, 128))
        self.model1short10 = _one(_conv(64, 128))
        self.model_class = _one(nn.Conv2d(256, USER_GUIDED_BINS, 1))
        self.model_out = nn.Sequential(nn.Conv2d(128, 2, 1), nn.Tanh())

    def _features(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        full = self.model1(x)
        half = self.model2(_subsample(full))
        quarter = self.model3(_subsample(half))
        deepest = self.model7(self.model6(self.model5(self.model4(_subsample(quarter)))))
        return full, half, self.model8(self.model8up(deepest) + self.model3short8(quarter))

    def _network(self, x: Tensor) -> Tensor:
        full, half, quarter = self._features(x)
        y = self.model9(self.model9up(quarter) + self.model2short9(half))
        y = self.model10(self.model10up(y) + self.model1short10(full))
        return self.model_out(y) * AB_SCALE

    def _input(self, lightness: Tensor, hints: Tensor | None, mask: Tensor | None) -> Tensor:
        nothing = torch.zeros_like(lightness)
        hints = nothing.expand(-1, 2, -1, -1) if hints is None else hints
        mask = nothing if mask is None else mask
        return torch.cat([(lightness - L_CENTER) / L_SCALE, hints / AB_SCALE, mask - self.mask_center], 1)

    def chroma(self, lightness: Tensor, hints: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Predict a*b* (N, 2, H, W) in Lab units, within +-110, for L* (N, 1, H, W) in 0..100.

        ``hints``: a*b* (N, 2, H, W) in Lab units, 0 where none is given; ``mask``: (N, 1, H, W), 1 where there is a
        hint, else 0.
        """
        return padded_to_multiple(self._network, self._input(lightness, hints, mask), MULTIPLE)
