"""Training objectives, looked up by the name in a recipe's stage."""

from collections.abc import Mapping

from colorize_cli.models.network import ColorizationNet
from colorize_cli.recipe import Stage
from colorize_cli.training.objectives.adversarial import Adversarial
from colorize_cli.training.objectives.base import Losses, Objective, Setting
from colorize_cli.training.objectives.calibration import ColorCalibration
from colorize_cli.training.objectives.chroma import L1, ChromaDistribution, Recognized, UVClasses, WeightedClasses
from colorize_cli.training.objectives.pretraining import Pretraining
from colorize_cli.training.objectives.regression_losses import Huber, MeanSquaredError

OBJECTIVES: Mapping[str, type[Objective]] = {
    "chroma-distribution": ChromaDistribution,
    "recognized": Recognized,
    "pretraining": Pretraining,
    "l1": L1,
    "mse": MeanSquaredError,
    "huber": Huber,
    "weighted-classes": WeightedClasses,
    "uv-classes": UVClasses,
    "adversarial": Adversarial,
    "color-calibration": ColorCalibration,
}

__all__ = ["OBJECTIVES", "Losses", "Objective", "Setting", "create"]


def create(network: ColorizationNet, stage: Stage, setting: Setting) -> Objective:
    """Return the objective of a stage, with new optimizers."""
    return OBJECTIVES[stage.objective](network, stage, setting)
