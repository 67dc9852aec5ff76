"""``vgg-decoder``: VGG-16 down to 7x7x512, frozen, and a small decoder (Hultgren, Kaya & Ekman, sections 3.1 to 3.6).

The paper gives no kernel size; with 3x3 the decoder has 1.57 million parameters, which fits its "approximately 1.5M"
(section 4.1). Its table 1 lists two convolutions in VGG-16's third block; VGG-16 has three, and so has this encoder.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from colorize_cli.models.encoders.vgg import VGGNet
from colorize_cli.models.heads.color_spaces import lab_to_srgb, srgb_to_ab
from colorize_cli.models.network import padded_to_multiple

AB_RANGE = 128.0
"""The value of a* or b*, in Lab units, that an output of 1 stands for (3.4)."""
CHANNELS = (256, 128, 64, 32, 16)
Regularization = Literal["none", "batchnorm", "dropout"]


class VGGDecoder(VGGNet):
    """Lightness to a*b* at full size, through a bottleneck at 1/32 of that size.

    Parameters
    ----------
    width
        factor for VGG-16's number of channels; the decoder keeps those of table 2.
    regularization
        layer before each convolution of the decoder (3.6): none, batch norm, or dropout.
    dropout
        probability of dropping a value; the paper gives none.
    output
        ``ab``; or ``rgb``, the whole picture (3.3), of which only the chroma is used.
    """

    feature_stride = 32

    def __init__(
        self,
        width: float = 1.0,
        regularization: Regularization = "none",
        dropout: float = 0.3,
        output: Literal["ab", "rgb"] = "ab",
    ) -> None:
        super().__init__(width, blocks=5)
        self.output = output
        layers: list[nn.Module] = []
        before = self.encoder.channels[-1]
        for i, channels in enumerate((*CHANNELS, len(output))):
            if regularization == "batchnorm":
                layers.append(nn.BatchNorm2d(before))
            elif regularization == "dropout":
                layers.append(nn.Dropout(dropout))
            layers.append(nn.Conv2d(before, channels, 3, 1, 1))
            layers.append(nn.Tanh() if i == len(CHANNELS) else nn.ReLU(inplace=True))
            if i > 0:
                layers.append(nn.Upsample(scale_factor=2, mode="nearest"))
            before = channels
        self.decoder = nn.Sequential(*layers)

    def frozen_features(self, lightness: Tensor) -> Tensor:
        """Return the bottleneck (N, 512 * width, H / 32, W / 32) for L* (N, 1, H, W), sides being multiples of 32."""
        return self.encoder.pooled(self.encoder_input(lightness))

    def predictions_of(self, features: Tensor, lightness: Tensor) -> Tensor:
        """Return a*b* / 128, or sRGB as -1..1, for the bottleneck; the lightness is not used."""
        predictions: Tensor = self.decoder(features)
        return predictions

    def predictions(self, lightness: Tensor) -> Tensor:
        """Return a*b* / 128 (N, 2, H, W), or sRGB (N, 3, H, W), within -1..1, for L* (N, 1, H, W) in 0..100."""
        return padded_to_multiple(lambda x: self.predictions_of(self.frozen_features(x), x), lightness, 32)

    def targets(self, lightness: Tensor, ab: Tensor) -> Tensor:
        """Return the target of :meth:`predictions` for a*b* (N, 2, H, W) in Lab units."""
        return ab / AB_RANGE if self.output == "ab" else lab_to_srgb(lightness, ab) * 2 - 1

    @torch.no_grad()
    def accuracies(self, predictions: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Return ``accuracy``: the share of pixels where the same one of a* and b* is larger in both pictures.

        The paper plots an accuracy without defining it. Its tables use the names of Keras, which computes accuracy in
        this way for two output channels.
        """
        return {"accuracy": (predictions.argmax(1) == targets.argmax(1)).float().mean()}

    def chroma(self, lightness: Tensor) -> Tensor:
        """Predict a*b* (N, 2, H, W) in Lab units for L* (N, 1, H, W) in 0..100."""
        predictions = self.predictions(lightness).float()
        return predictions * AB_RANGE if self.output == "ab" else srgb_to_ab((predictions + 1) / 2)
