"""The trunks that the models with a :class:`~colorize_cli.models.brown.generator.ChromaDecoder` stand on, by name."""

from typing import Literal

from colorize_cli.models.encoders.efficientnet_lite import EfficientNetLiteTrunk
from colorize_cli.models.encoders.resnet import ResNetTrunk

TrunkName = Literal["efficientnet", "resnet18"]


def create_trunk(name: TrunkName) -> EfficientNetLiteTrunk | ResNetTrunk:
    """Return a new trunk with untrained weights; raises KeyError for a name there is not."""
    return {"efficientnet": EfficientNetLiteTrunk, "resnet18": ResNetTrunk}[name]()
