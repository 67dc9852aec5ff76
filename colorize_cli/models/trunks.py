"""The trunks that the models with a :class:`~colorize_cli.models.gan.ChromaDecoder` stand on, by name."""

from typing import Literal

from colorize_cli.models.blocks import ResNetTrunk
from colorize_cli.models.efficientnet_lite import EfficientNetLiteTrunk
from colorize_cli.models.paired_encoder import PairedEncoder

TrunkName = Literal["efficientnet", "resnet18", "paired"]


def create_trunk(name: TrunkName) -> EfficientNetLiteTrunk | ResNetTrunk | PairedEncoder:
    """Return a new trunk with untrained weights; raises KeyError for a name there is not."""
    return {"efficientnet": EfficientNetLiteTrunk, "resnet18": ResNetTrunk, "paired": PairedEncoder}[name]()
