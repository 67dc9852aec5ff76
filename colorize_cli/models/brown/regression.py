"""``regression``: a*b* predicted directly (Brown et al. 3.3).

``PaperRegression`` is the paper's network: ResNet-34 up to its second stage and an upsampling decoder, after the code
the paper names (Francis). ``LightRegression`` has the encoder of ``gan`` and predicts at a quarter of the input size.
"""

from torch import Tensor, nn

from colorize_cli.models.brown.encoder_decoder import ChromaDecoder, EncoderName, create_encoder
from colorize_cli.models.encoders.resnet import ResNetEncoder
from colorize_cli.models.network import AB_UNIT, ColorizationNet, normalized_lightness


def _step(channels_in: int, channels: int) -> list[nn.Module]:
    return [nn.Conv2d(channels_in, channels, 3, 1, 1), nn.BatchNorm2d(channels), nn.ReLU(True)]


class PaperRegression(ColorizationNet):
    """Brown et al. 3.3, figure 3: the first six layers of ResNet-34, six convolutions, three doublings.

    ``layers``: further convolutions directly after the ResNet, which the paper tried (section 5) without saying how
    many.
    """

    def __init__(self, layers: int = 0) -> None:
        super().__init__()
        self.encoder = ResNetEncoder(34, stages=2)
        self.head = nn.Sequential(
            *(layer for _ in range(layers) for layer in _step(128, 128)),
            *_step(128, 128),
            nn.Upsample(None, 2),
            *_step(128, 64),
            *_step(64, 64),
            nn.Upsample(None, 2),
            *_step(64, 32),
            *_step(32, 16),
            nn.Conv2d(16, 2, 3, 1, 1),
            nn.Upsample(None, 2),
        )

    def encoder_input(self, lightness: Tensor) -> Tensor:
        """Return L* of 0..100 as -1..1 (3.3: L, a and b are normalized to [-1, 1])."""
        return lightness / 50 - 1

    def chroma(self, lightness: Tensor) -> Tensor:
        """Predict a*b* (N, 2, H, W) in Lab units."""
        ab = AB_UNIT * self.head(self.encoder(self.encoder_input(lightness))[-1])
        return ab[..., : lightness.shape[-2], : lightness.shape[-1]]


class LightRegression(ColorizationNet):
    """A whole encoder, additive skips up to a quarter of the input size, and a*b* there."""

    def __init__(self, width: int = 128, refinements: int = 0, encoder: EncoderName = "efficientnet") -> None:
        super().__init__()
        self.encoder = create_encoder(encoder)
        self.decoder = ChromaDecoder(self.encoder.channels, width, refinements)
        self.output = nn.Conv2d(width, 2, 1)

    def set_first_values(self) -> None:
        """Initialize like the light 1/8 head."""
        self.decoder.start_as_light_head()

    def chroma(self, lightness: Tensor) -> Tensor:
        """Predict a*b* (N, 2, H / 4, W / 4) in Lab units."""
        return AB_UNIT * self.output(self.decoder(self.encoder(normalized_lightness(lightness))))
