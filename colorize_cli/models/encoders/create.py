"""The encoders that the models with a :class:`~colorize_cli.models.brown.generator.ChromaDecoder` stand on, by name."""

from typing import Literal

from colorize_cli.models.encoders.efficientnet_lite import EfficientNetLiteEncoder
from colorize_cli.models.encoders.paired import PairedEncoder
from colorize_cli.models.encoders.resnet import ResNetEncoder

EncoderName = Literal["efficientnet", "resnet18", "paired"]


def create_encoder(name: EncoderName) -> EfficientNetLiteEncoder | ResNetEncoder | PairedEncoder:
    """Return a new encoder with untrained weights; raises KeyError for a name there is not."""
    return {"efficientnet": EfficientNetLiteEncoder, "resnet18": ResNetEncoder, "paired": PairedEncoder}[name]()
