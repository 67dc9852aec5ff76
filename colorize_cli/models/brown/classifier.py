"""``classifier``: every pixel is classified into one of 256 color classes (Brown et al. 3.2).

``PaperClassifier`` is the paper's network: ResNet-18 up to its second stage, three convolutions that each double the
size, and one score per class and pixel. ``LightClassifier`` has the encoder of ``gan`` and predicts at a quarter of the
input size.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.models.brown.encoder_decoder import ChromaDecoder, EncoderName, create_encoder
from colorize_cli.models.encoders.resnet import ResNetEncoder
from colorize_cli.models.heads.color_classes import ClassDecoder
from colorize_cli.models.heads.uncertainty import expected_error
from colorize_cli.models.network import ColorizationNet, normalized_lightness

CLASSES = 256


class _Classifier(ColorizationNet):
    """A network with :meth:`logits` over the classes, (N, 256, h, w), decoded to a*b*."""

    decode: ClassDecoder
    stride: int
    """Side in input pixels of each area that is classified."""

    def color_sample_side(self, size: int) -> int:
        """Return the side of the map that the loss is computed on: averages of larger areas have no rare classes."""
        return max(1, size // self.stride)

    @property
    def color_classes(self) -> ClassDecoder:
        """The decoder that turns the scores over the 256 classes into a*b*."""
        return self.decode

    def chroma(
        self,
        lightness: Tensor,
        vividness: float | None = None,
        temperature: float | None = None,
        fallback: float | None = None,
    ) -> Tensor:
        """Predict a*b* (N, 2, h, w) in Lab units; see :class:`ClassDecoder` for how the scores are decoded."""
        return self.decode(self._scores(lightness), vividness, temperature, fallback)

    def chroma_and_error(self, lightness: Tensor, **decoding: float) -> tuple[Tensor, Tensor]:
        """Predict a*b* as :meth:`chroma` does, and its expected error, (N, 1, h, w), Lab units."""
        return self._decoded(self._scores(lightness), **decoding)

    def chroma_and_error_of_both(self, lightness: Tensor, **decoding: float) -> tuple[Tensor, Tensor]:
        """Predict the same from pictures (N, 1, H, W) and their mirror images.

        The class probabilities are averaged before a class is chosen: the mean of two classes' colors would be a third
        color.
        """
        logits = self._scores(torch.cat([lightness, lightness.flip(-1)]))
        straight, mirrored = F.log_softmax(logits.float(), 1).chunk(2)
        return self._decoded(torch.logaddexp(straight, mirrored.flip(-1)), **decoding)

    def _decoded(self, logits: Tensor, **decoding: float) -> tuple[Tensor, Tensor]:
        ab = self.decode(logits, **decoding)
        return ab, expected_error(self.decode.probabilities(logits, 0.0), self.decode.centers, ab)

    def distribution(self, lightness: Tensor, vividness: float | None = None, **_: float) -> tuple[Tensor, Tensor]:
        """Predict the probabilities (N, 256, h, w) of the colors (256, 2), a*b* in Lab units, before any decision."""
        logits = self._scores(lightness)
        return self.decode.probabilities(logits, vividness), self.decode.centers

    def _scores(self, lightness: Tensor) -> Tensor:
        """Return the logits cropped to the picture if their size was rounded up."""
        return self.logits(lightness)[..., : lightness.shape[-2], : lightness.shape[-1]]


class _Step(nn.Sequential):
    """3x3 convolution with bias, batch norm, ReLU, nearest-neighbour upsampling by 2."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__(
            nn.Conv2d(channels_in, channels, 3, 1, 1), nn.BatchNorm2d(channels), nn.ReLU(True), nn.Upsample(None, 2)
        )


class PaperClassifier(_Classifier):
    """Brown et al. 3.2, figure 2: the first six layers of ResNet-18, then 128, 64 and 64 channels up to full size."""

    stride = 1

    def __init__(self) -> None:
        super().__init__()
        self.encoder = ResNetEncoder(18, stages=2)
        self.head = nn.Sequential(_Step(128, 128), _Step(128, 64), _Step(64, 64))
        self.classifier = nn.Conv2d(64, CLASSES, 1)
        self.decode = ClassDecoder()

    def logits(self, lightness: Tensor) -> Tensor:
        """Return the scores (N, 256, h, w), h and w being H and W rounded up to a multiple of 8."""
        return self.classifier(self.head(self.encoder(normalized_lightness(lightness))[-1]))


class LightClassifier(_Classifier):
    """A whole encoder, additive skips up to a quarter of the input size, and one score per class there."""

    stride = 4

    def __init__(self, width: int = 128, refinements: int = 0, encoder: EncoderName = "efficientnet") -> None:
        super().__init__()
        self.encoder = create_encoder(encoder)
        self.decoder = ChromaDecoder(self.encoder.channels, width, refinements)
        self.classifier = nn.Conv2d(width, CLASSES, 1)
        self.decode = ClassDecoder()

    def set_first_values(self) -> None:
        """Set the initial values that the light 1/8 head has."""
        self.decoder.start_as_light_head()

    def logits(self, lightness: Tensor) -> Tensor:
        """Return the scores (N, 256, H / 4, W / 4)."""
        return self.classifier(self.decoder(self.encoder(normalized_lightness(lightness))))
