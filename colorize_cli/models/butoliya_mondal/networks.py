"""The network of Butoliya & Mondal, Image Colorization: a convolutional encoder fused with a picture's embedding.

Details that the paper omits are taken from the system it rebuilds (Baldassarre et al. 2017): the input is L* / 50 - 1,
the output a tanh, of which 1 is 127 Lab units. The photo is scaled and padded to 299x299 pixels (section IV); the
embedding is computed from that, and the network itself reduces it to the encoder's input of 224x224 pixels. The output
has 224x224 pixels as well.

The paper contradicts itself on the encoder's depth: its output is "H/8 x W/8 x 512", but after fusion with 1001 scores
the volume is 1257 deep, which is 256 + 1001. This network uses 256, as in Baldassarre et al. The 1001 classes are those
of Inception-ResNet-v2 as first published; the weights for PyTorch omit the background class and have 1000.

The embedding network is part of the checkpoint, so that a checkpoint is self-contained. It is never trained.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.errors import LibraryMissing
from colorize_cli.models.encoders.efficientnet_lite import EfficientNetLiteEncoder
from colorize_cli.models.encoders.resnet import ResNetEncoder
from colorize_cli.models.network import ColorizationNet, Encoder, normalized_lightness, timm_file

AB_UNIT = 127.0
WORKING_SIZE = 299
"""Pixels of the square that a photo is scaled and padded to (section IV)."""


def squared(lightness: Tensor, size: int) -> Tensor:
    """Resize (N, 1, H, W) bilinearly to (N, 1, size, size), antialiased when shrinking."""
    shrinks = max(lightness.shape[-2:]) > size
    return F.interpolate(lightness, (size, size), mode="bilinear", align_corners=False, antialias=shrinks)


class InceptionEmbedding(Encoder):
    """The 1000 scores of Inception-ResNet-v2 before its softmax, for a gray picture in all channels at 299x299."""

    features = 1000
    hub = timm_file("inception_resnet_v2.tf_in1k", "apache-2.0")

    def __init__(self) -> None:
        super().__init__()
        try:
            import timm
        except ImportError as error:
            raise LibraryMissing(f"Inception-ResNet-v2 needs timm ({error}).", "`pip install timm`.") from error
        self.network = timm.create_model("inception_resnet_v2", pretrained=False, num_classes=self.features)

    def of_imagenet(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return this module's state converted from timm's."""
        return {f"network.{name}": value for name, value in state.items()}

    def forward(self, lightness: Tensor) -> Tensor:
        """Map L* (N, 1, H, W) in 0..100 to scores (N, 1000); timm normalizes the input with mean and deviation 0.5."""
        scores: Tensor = self.network(squared(lightness / 50 - 1, WORKING_SIZE).expand(-1, 3, -1, -1))
        return scores


class EfficientNetEmbedding(EfficientNetLiteEncoder):
    """The 1000 scores of EfficientNet-Lite2 before its softmax, for a gray picture in all channels at 299x299."""

    features = 1000
    bundled = "koalarization"

    def __init__(self) -> None:
        super().__init__()
        self.classifier = nn.Linear(self.channels[-1], self.features)

    def of_imagenet(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return this module's state converted from a published color network, classes included."""
        renamed = {name.replace("_fc.", "classifier."): value for name, value in state.items()}
        return super().of_imagenet(renamed)

    def forward(self, lightness: Tensor) -> Tensor:  # type: ignore[override]
        """Map L* (N, 1, H, W) in 0..100 to scores (N, 1000)."""
        deepest = super().forward(normalized_lightness(squared(lightness, WORKING_SIZE)))[-1]
        scores: Tensor = self.classifier(deepest.mean((2, 3)))
        return scores


class ResNetEmbedding(ResNetEncoder):
    """The pooled deepest features, 512, of a gray ResNet-18 at 128x128 pixels, the size it is pretrained at."""

    features = 512

    def forward(self, lightness: Tensor) -> Tensor:  # type: ignore[override]
        """Map L* (N, 1, H, W) in 0..100 to features (N, 512)."""
        return super().forward(normalized_lightness(squared(lightness, 128)))[-1].mean((2, 3))


EMBEDDINGS: Mapping[str, Callable[[], Any]] = {
    "inception-resnet-v2": InceptionEmbedding,
    "efficientnet": EfficientNetEmbedding,
    "resnet18": ResNetEmbedding,
}


def _convolutions(*layers: tuple[int, int, int]) -> nn.Sequential:
    """3x3 convolutions (channels in, channels, stride), each with a ReLU."""
    modules: list[nn.Module] = []
    for channels_in, channels, stride in layers:
        modules += [nn.Conv2d(channels_in, channels, 3, stride, 1), nn.ReLU(inplace=True)]
    return nn.Sequential(*modules)


class Koalarization(ColorizationNet):
    """Eight convolutions down to 1/8, fusion with the replicated embedding, five convolutions back up.

    Parameters
    ----------
    embedding
        ``inception-resnet-v2``, the paper's; ``efficientnet``, which needs no download beyond a Python package; or
        ``resnet18``, from this project's pretraining. The attribute is called ``encoder``: ``--encoder`` sets its
        weights.
    width
        factor for the number of channels of all other layers.
    local
        side of the square, in pixels, that the convolutions work on, for a photo of 299; other sizes in proportion.
    """

    trains_encoder = False
    feature_stride = 1

    def __init__(self, embedding: str = "inception-resnet-v2", width: float = 1.0, local: int = 224) -> None:
        super().__init__()
        self.encoder = EMBEDDINGS[embedding]()
        features: int = self.encoder.features
        self.scale = local / WORKING_SIZE
        c32, c64, c128, c256, c512 = (round(channels * width) for channels in (32, 64, 128, 256, 512))
        self.local = _convolutions(
            (1, c64, 2), (c64, c128, 1), (c128, c128, 2), (c128, c256, 1), (c256, c256, 2), (c256, c512, 1),
            (c512, c512, 1), (c512, c256, 1),
        )  # fmt: skip
        self.fusion = nn.Conv2d(c256 + features, c256, 1)
        self.at_eighth = _convolutions((c256, c128, 1))
        self.at_quarter = _convolutions((c128, c64, 1), (c64, c64, 1))
        self.at_half = _convolutions((c64, c32, 1))
        self.head = nn.Conv2d(c32, 2, 3, 1, 1)
        self.encoder.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "Koalarization":
        """Set the mode of all parts except the embedding, whose batch norms keep their statistics."""
        super().train(mode)
        self.encoder.eval()
        return self

    def _colors(self, lightness: Tensor, embedding: Tensor) -> Tensor:
        x = self.local(lightness / 50 - 1)
        everywhere = embedding[:, :, None, None].expand(-1, -1, *x.shape[-2:])
        x = self.at_eighth(F.relu(self.fusion(torch.cat([x, everywhere], 1))))
        x = self.at_quarter(F.interpolate(x, scale_factor=2.0))
        x = self.at_half(F.interpolate(x, scale_factor=2.0))
        return F.interpolate(torch.tanh(self.head(x)), scale_factor=2.0)

    def _reduced(self, planes: Tensor) -> Tensor:
        """Reduce (N, C, H, W) from the working size to that of the convolutions, a multiple of 8 pixels."""
        size = [max(8, round(side * self.scale / 8) * 8) for side in planes.shape[-2:]]
        return F.interpolate(planes.float(), size, mode="bilinear", align_corners=False, antialias=True)

    def frozen_features(self, lightness: Tensor) -> Tensor:
        """Return the embedding (N, features) of L* (N, 1, H, W)."""
        with torch.no_grad():
            return self.encoder(lightness)

    def predictions_of(self, features: Tensor, lightness: Tensor) -> Tensor:
        """Return a*b* / 127 (N, 2, h, w) for the embedding and L* (N, 1, H, W)."""
        return self._colors(self._reduced(lightness), features)

    def predictions(self, lightness: Tensor) -> Tensor:
        """Return a*b* / 127 (N, 2, h, w) for L* (N, 1, H, W) in 0..100; 224x224 for 299x299."""
        return self.predictions_of(self.frozen_features(lightness), lightness)

    def targets(self, lightness: Tensor, ab: Tensor) -> Tensor:
        """Return the target of the prediction, (N, 2, h, w), for a*b* (N, 2, H, W) in Lab units."""
        return self._reduced(ab) / AB_UNIT

    def chroma(self, lightness: Tensor) -> Tensor:
        """Predict a*b* (N, 2, h, w) in Lab units, within +-127, for L* (N, 1, H, W) in 0..100."""
        return self.predictions(lightness) * AB_UNIT
