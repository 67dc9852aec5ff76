"""The generator of ``gan``: an encoder, a U-Net decoder with additive skips, a head over ab bins.

After Brown et al. 3.4 and the ResNet-18 U-Net of the system they build on, lightened for CPUs: the encoder is an
EfficientNet-Lite2, and since chroma is smooth the decoder stops at a quarter of the input size; the full-resolution
lightness guides the rest. The head predicts a distribution over ab bins (Zhang et al. 2016), decoded to a*b* inside the
network, so that the L1 and the adversarial loss see a color, and vividness can still be chosen later.
"""

from torch import Tensor, nn

from colorize_cli.models.brown.encoder_decoder import ChromaDecoder, EncoderName, create_encoder
from colorize_cli.models.heads.ab_bins import AbDecoder, srgb_bins
from colorize_cli.models.network import ColorizationNet, normalized_lightness


class Generator(ColorizationNet):
    """Lightness to a distribution over ab bins at a quarter of the input size, and to a*b*.

    Parameters
    ----------
    bins
        number of ab bins of the head.
    width
        channels of the decoder.
    refinements
        residual blocks at 1/16 and at 1/8 of the input size.
    encoder
        name of the encoder's architecture.
    deep_width, context
        channels and transformer blocks of the decoder at 1/16 of the input size.
    dropout
        share of the encoder's coarse feature maps that are left out in training.
    """

    pretrains_color = True

    def __init__(
        self,
        bins: int = 260,
        width: int = 128,
        refinements: int = 2,
        encoder: EncoderName = "efficientnet",
        deep_width: int | None = None,
        context: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = create_encoder(encoder)
        self.decoder = ChromaDecoder(self.encoder.channels, width, refinements, deep_width, context, dropout)
        self.classifier = nn.Conv2d(width, bins, 1)
        self.decode = AbDecoder(bins)

    @property
    def ab_bins(self) -> AbDecoder:
        """The decoder of the head's bins."""
        return self.decode

    def set_first_values(self) -> None:
        """Initialize like the light 1/8 head, and with the bins of sRGB if their number matches."""
        self.decoder.start_as_light_head()
        centers = srgb_bins()
        if centers.shape == self.decode.centers.shape:
            self.decode.centers.copy_(centers)

    def name_in_head(self, key: str) -> str | None:
        """Return the name of a tensor of the light head: its decoder, its last layer and its bins are the network's."""
        if key == "ab_centers":
            return "decode.centers"
        return key if key.startswith("classifier.") else f"decoder.{key}"

    def pretraining_logits(self, features: tuple[Tensor, ...]) -> Tensor:
        """Return the logits (N, bins, H / 8, W / 8) of all but the finest scale: half the work of the whole."""
        return self.classifier(self.decoder.eighth(features))

    def logits(self, lightness: Tensor) -> Tensor:
        """Return the logits (N, bins, H / 4, W / 4) of the chroma distribution for L* (N, 1, H, W) in 0..100."""
        return self.classifier(self.decoder(self.encoder(normalized_lightness(lightness))))

    def chroma(self, lightness: Tensor, vividness: float | None = None) -> Tensor:
        """Predict a*b* (N, 2, H / 4, W / 4) in Lab units; ``vividness`` 0..1, None for the checkpoint's own."""
        return self.decode(self.logits(lightness), vividness)

    def chroma_and_error(self, lightness: Tensor, vividness: float | None = None) -> tuple[Tensor, Tensor]:
        """Predict a*b* as :meth:`chroma` does, and its expected error, (N, 1, H / 4, W / 4), Lab units."""
        return self.decode.with_error(self.logits(lightness), vividness)

    def distribution(self, lightness: Tensor, vividness: float | None = None) -> tuple[Tensor, Tensor]:
        """Predict weights (N, bins, H / 4, W / 4) of colors (N, bins, 2), a*b* in Lab units (see ``AbDecoder``)."""
        return self.decode.distribution(self.logits(lightness), vividness)
