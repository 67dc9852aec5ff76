"""The generator of ``gan``: an encoder, a U-Net decoder with additive skips, a head over ab bins.

After Brown et al. 3.4 and the ResNet-18 U-Net of the system they build on, lightened for CPUs: the encoder is an
EfficientNet-Lite2, and since chroma is smooth the decoder stops at a quarter of the input size; the full-resolution
lightness guides the rest. The head predicts a distribution over ab bins (Zhang et al. 2016), decoded to a*b* inside the
network, so that the L1 and the adversarial loss see a color while vividness can still be chosen afterwards.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.models.brown.context import ContextBlock
from colorize_cli.models.encoders.create import EncoderName, create_encoder
from colorize_cli.models.encoders.resnet import BasicBlock
from colorize_cli.models.heads.ab_bins import AbDecoder
from colorize_cli.models.network import ColorizationNet, normalized_lightness, resize_like


class Smooth(nn.Sequential):
    """3x3 convolution, batch norm, ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(True))


class ChromaDecoder(nn.Module):
    """Top-down decoder over an encoder's scales with additive skips, from 1/32 up to a quarter of the input size.

    ``channels``: those of the encoder's features at 1/4, 1/8, 1/16 and 1/32, after any of finer scales. ``deep_width``:
    channels of the decoder at 1/16, where not ``width``; ``context``: transformer blocks there;
    ``dropout``: share of the coarse feature maps left out in training.
    """

    def __init__(
        self,
        channels: Sequence[int],
        width: int,
        refinements: int,
        deep_width: int | None = None,
        context: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        deep = deep_width or width
        self.lateral4 = nn.Conv2d(channels[-1], deep, 1)
        self.lateral3 = nn.Conv2d(channels[-2], deep, 1)
        self.lateral2 = nn.Conv2d(channels[-3], width, 1)
        self.lateral1 = nn.Conv2d(channels[-4], width, 1)
        self.smooth3 = Smooth(deep)
        self.smooth2 = Smooth(width)
        self.refine3 = nn.Sequential(*(BasicBlock(deep, deep) for _ in range(refinements)))
        self.context = nn.Sequential(*(ContextBlock(deep) for _ in range(context)))
        self.dropout = nn.Dropout2d(dropout)
        self.narrow = nn.Identity() if deep == width else nn.Conv2d(deep, width, 1)
        self.refine2 = nn.Sequential(*(BasicBlock(width, width) for _ in range(refinements)))
        self.refine1 = BasicBlock(width, width)

    def start_as_light_head(self) -> None:
        """Make everything beyond the light 1/8 head the identity, so that training starts from what that head knows."""
        nn.init.zeros_(self.lateral1.weight)
        if self.lateral1.bias is not None:
            nn.init.zeros_(self.lateral1.bias)
        for block in (*self.refine3, *self.context, *self.refine2, self.refine1):
            if isinstance(block, BasicBlock | ContextBlock):
                block.start_as_identity()

    def eighth(self, features: tuple[Tensor, ...]) -> Tensor:
        """Map the encoder's features to (N, width, H / 8, W / 8): all but the finest scale, as pretraining uses it."""
        *_, eighth, sixteenth, deepest = features
        x = self.lateral3(self.dropout(sixteenth)) + resize_like(self.lateral4(self.dropout(deepest)), sixteenth)
        x = self.narrow(self.context(self.refine3(self.smooth3(x))))
        x = self.lateral2(eighth) + resize_like(x, eighth)
        return self.refine2(self.smooth2(x))

    def forward(self, features: tuple[Tensor, ...]) -> Tensor:
        """Map the encoder's features to (N, width, H / 4, W / 4)."""
        quarter = features[-4]
        return self.refine1(F.relu(self.lateral1(quarter) + resize_like(self.eighth(features), quarter)))


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

    def logits(self, lightness: Tensor) -> Tensor:
        """Return the logits (N, bins, H / 4, W / 4) of the chroma distribution for L* (N, 1, H, W) in 0..100."""
        return self.classifier(self.decoder(self.encoder(normalized_lightness(lightness))))

    def chroma(self, lightness: Tensor, vividness: float | None = None) -> Tensor:
        """Predict a*b* (N, 2, H / 4, W / 4) in Lab units; ``vividness`` 0..1, None for the checkpoint's own."""
        return self.decode(self.logits(lightness), vividness)

    def chroma_and_error(self, lightness: Tensor, vividness: float | None = None) -> tuple[Tensor, Tensor]:
        """Predict a*b* as :meth:`chroma` does, and the error to expect of it, (N, 1, H / 4, W / 4), Lab units."""
        return self.decode.with_error(self.logits(lightness), vividness)

    def distribution(self, lightness: Tensor, vividness: float | None = None) -> tuple[Tensor, Tensor]:
        """Predict weights (N, bins, H / 4, W / 4) of colors (N, bins, 2), a*b* in Lab units (see ``AbDecoder``)."""
        return self.decode.distribution(self.logits(lightness), vividness)
