"""Recipes of the classic regressions of Zhou & Zhu 2024, sections 3.1 to 3.4 and 5.1, 5.2."""

from colorize_cli.training.recipes.base import Fitting, Recipe

_ALPHA = 1.0  # 5.1: "alpha=1.0"
_L1_RATIO = 0.5  # 5.1: "l_1 ratio=0.5"


def _linear(**constants: float) -> Recipe:
    # 5.1: 1,000 images of 400x400 pixels; 3.1: every inner pixel is a sample.
    fitting = Fitting("neighbours", size=400, photos=1000, known_pixels=0.1, constants=constants)
    return Recipe(name="paper", stages=(), validation_size=128, fitting=fitting)


OLS = _linear()
RIDGE = _linear(l2=_ALPHA)
LASSO = _linear(alpha=_ALPHA, l1_ratio=1.0)
ELASTICNET = _linear(alpha=_ALPHA, l1_ratio=_L1_RATIO)


def _rows(name: str, size: int, photos: int = 1000, **constants: float) -> Recipe:
    fitting = Fitting("rows", size=size, photos=photos, constants=constants)
    return Recipe(name=name, stages=(), validation_size=128, fitting=fitting)


# 5.2: 100 trees, learning rate 0.1; every tree of depth 3, which the network's arrays are made for.
GRADIENT_BOOSTING = _rows("paper", 400, learning_rate=0.1)
TREES = _rows("paper", 400)
GRADIENT_BOOSTING_LIGHT = _rows("light", 32, photos=6000, learning_rate=0.1)
TREES_LIGHT = _rows("light", 32, photos=6000)
