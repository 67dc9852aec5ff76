"""The encoders that networks with a :class:`~colorize_cli.models.brown.chroma_decoder.ChromaDecoder` choose by name."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from colorize_cli.models.encoders.efficientnet_lite import EfficientNetLiteEncoder
from colorize_cli.models.encoders.resnet import ResNetEncoder
from colorize_cli.models.network import Encoder

EncoderName = Literal["efficientnet", "resnet18", "paired"]


class PairedEncoder(Encoder):
    """EfficientNet-Lite2 and a gray ResNet-18 on the same input; the features of each scale are concatenated.

    One is pretrained on ImageNet in color, the other trained only on gray photographs. Networks with different training
    make different mistakes: the mean of two networks' predictions is better than either
    (docs/lab/training-log.md). Both feed one decoder, which learns how to combine them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.efficientnet = EfficientNetLiteEncoder()
        self.resnet = ResNetEncoder(18)
        scales = zip(self.efficientnet.channels, self.resnet.channels[-4:], strict=True)
        self.channels = tuple(first + second for first, second in scales)

    # Published weights are those of the first encoder; the second is trained from photographs.
    hub = EfficientNetLiteEncoder.hub
    package = EfficientNetLiteEncoder.package
    bundled = "gan"

    def of_imagenet(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return this encoder's state with the first one's weights from a published network, the second unchanged."""
        published = {f"efficientnet.{name}": value for name, value in self.efficientnet.of_imagenet(state).items()}
        return {name: value for name, value in self.state_dict().items() if name.startswith("resnet.")} | published

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map normalized lightness (N, 1, H, W) to features at 1/4, 1/8, 1/16 and 1/32 of its size."""
        scales = zip(self.efficientnet(x), self.resnet(x)[-4:], strict=True)
        return tuple(torch.cat(features, 1) for features in scales)


def create_encoder(name: EncoderName) -> Encoder:
    """Return a new encoder with untrained weights; raises ValueError for an unknown name."""
    if name == "efficientnet":
        return EfficientNetLiteEncoder()
    if name == "resnet18":
        return ResNetEncoder()
    if name == "paired":
        return PairedEncoder()
    raise ValueError(f"there is no encoder {name!r}")
