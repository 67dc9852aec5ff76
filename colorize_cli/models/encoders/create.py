"""The encoders that the models with a :class:`~colorize_cli.models.brown.chroma_decoder.ChromaDecoder` use, by name."""

from typing import Literal

from colorize_cli.models.encoders.base import Encoder
from colorize_cli.models.encoders.efficientnet_lite import EfficientNetLiteEncoder
from colorize_cli.models.encoders.paired import PairedEncoder
from colorize_cli.models.encoders.resnet import ResNetEncoder

EncoderName = Literal["efficientnet", "resnet18", "paired"]


def create_encoder(name: EncoderName) -> Encoder:
    """Return a new encoder with untrained weights; raises ValueError for an unknown name."""
    if name == "efficientnet":
        return EfficientNetLiteEncoder()
    if name == "resnet18":
        return ResNetEncoder()
    if name == "paired":
        return PairedEncoder()
    raise ValueError(f"there is no encoder {name!r}")
