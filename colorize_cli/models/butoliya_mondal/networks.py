"""The network of Butoliya & Mondal, Image Colorization: a convolutional encoder fused with a picture's embedding.

Details missing in the paper come from the system it rebuilds (Baldassarre et al. 2017): the input is L* / 50 - 1,
the output a tanh, where 1 is 127 Lab units. The paper's embedding has 1001 classes, as Inception-ResNet-v2 was
first published; timm's weights, the only ones for PyTorch, omit the background class: 1000.

The embedding network is part of the checkpoint, so that a checkpoint is self-contained. It is never trained.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.errors import LibraryMissing
from colorize_cli.models.encoders.base import Encoder, timm_file
from colorize_cli.models.network import ColorizationNet, padded_to_multiple

AB_UNIT = 127.0


def squared(lightness: Tensor, size: int) -> Tensor:
    """Resize (N, 1, H, W) bilinearly to (N, 1, size, size), smoothed where it shrinks."""
    shrinks = max(lightness.shape[-2:]) > size
    return F.interpolate(lightness, (size, size), mode="bilinear", align_corners=False, antialias=shrinks)


class InceptionEmbedding(Encoder):
    """The scores before the softmax of Inception-ResNet-v2, 1000 for a gray picture stacked three times at 299x299."""

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
        """Return this module's state for timm's."""
        return {f"network.{name}": value for name, value in state.items()}

    def forward(self, lightness: Tensor) -> Tensor:
        """Map L* (N, 1, H, W) in 0..100 to scores (N, 1000); mean and deviation of the input are 0.5 (timm)."""
        scores: Tensor = self.network(squared(lightness / 50 - 1, 299).expand(-1, 3, -1, -1))
        return scores


def _resnet_embedding() -> Any:
    from colorize_cli.models.butoliya_mondal.resnet_embedding import ResNetEmbedding

    return ResNetEmbedding()


EMBEDDINGS: Mapping[str, Callable[[], Any]] = {
    "inception-resnet-v2": InceptionEmbedding,
    "resnet18": _resnet_embedding,
}


def _convolutions(*layers: tuple[int, int, int]) -> nn.Sequential:
    """3x3 convolutions (channels in, channels, stride), each with a ReLU."""
    modules: list[nn.Module] = []
    for channels_in, channels, stride in layers:
        modules += [nn.Conv2d(channels_in, channels, 3, stride, 1), nn.ReLU(inplace=True)]
    return nn.Sequential(*modules)


class Koalarization(ColorizationNet):
    """Eight convolutions down to 1/8, fusion with the replicated embedding, five convolutions back up; linear in size.

    Parameters
    ----------
    embedding
        ``inception-resnet-v2``, the paper's, or ``resnet18``, which our own pretraining makes. The attribute is
        ``encoder``: what ``--encoder`` fills.
    """

    def __init__(self, embedding: str = "inception-resnet-v2") -> None:
        super().__init__()
        self.encoder = EMBEDDINGS[embedding]()
        self.local = _convolutions(
            (1, 64, 2), (64, 128, 1), (128, 128, 2), (128, 256, 1), (256, 256, 2), (256, 512, 1), (512, 512, 1),
            (512, 256, 1),
        )  # fmt: skip
        self.fusion = nn.Conv2d(256 + self.encoder.features, 256, 1)
        self.at_eighth = _convolutions((256, 128, 1))
        self.at_quarter = _convolutions((128, 64, 1), (64, 64, 1))
        self.at_half = _convolutions((64, 32, 1))
        self.head = nn.Conv2d(32, 2, 3, 1, 1)
        self.encoder.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "Koalarization":
        """Set the mode of everything but the embedding, whose batch norms keep their statistics."""
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

    def predictions(self, lightness: Tensor) -> Tensor:
        """Return a*b* / 127 (N, 2, H, W) for L* (N, 1, H, W) in 0..100."""
        with torch.no_grad():
            embedding = self.encoder(lightness)
        return padded_to_multiple(lambda x: self._colors(x, embedding), lightness, 8)

    def targets(self, lightness: Tensor, ab: Tensor) -> Tensor:
        """Return the training target for a*b* (N, 2, H, W) in Lab units."""
        return ab / AB_UNIT

    def chroma(self, lightness: Tensor) -> Tensor:
        """Predict a*b* (N, 2, H, W) in Lab units, within +-127, for L* (N, 1, H, W) in 0..100."""
        return self.predictions(lightness) * AB_UNIT
