"""The colorizer of Zhang et al. 2017 ("Real-Time User-Guided Image Colorization with Learned Deep Priors", SIGGRAPH).

Takes color hints in addition to lightness; without hints it colorizes automatically. The names and shapes of the state
dict are those of the authors' PyTorch release (``siggraph17``), whose head over 23 x 23 ab bins is therefore kept.
"""

import torch
from torch import Tensor, nn

from colorize_cli.models.network import ColorizationNet, padded_to_multiple
from colorize_cli.models.published.eccv16 import AB_SCALE, L_CENTER, L_SCALE, MULTIPLE, convolutions

BINS = 529


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
        self.model_class = _one(nn.Conv2d(256, BINS, 1))
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
