"""The encoders that the models with a :class:`~colorize_cli.models.brown.chroma_decoder.ChromaDecoder` use, by name."""

from typing import Literal

from colorize_cli.models.encoders.base import Encoder
from colorize_cli.models.encoders.efficientnet_lite import EfficientNetLiteEncoder

EncoderName = Literal["efficientnet", "resnet18", "paired"]


def create_encoder(name: EncoderName) -> Encoder:
    """Return a new encoder with untrained weights; raises ValueError for a name there is not."""
    if name == "efficientnet":
        return EfficientNetLiteEncoder()
    if name == "resnet18":
        # Weights that are bundled have the other encoder: they do not wait for torchvision.
        from colorize_cli.models.encoders.resnet import ResNetEncoder

        return ResNetEncoder()
    if name == "paired":
        from colorize_cli.models.encoders.paired import PairedEncoder

        return PairedEncoder()
    raise ValueError(f"there is no encoder {name!r}")
