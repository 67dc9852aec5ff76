"""How models are trained: the vocabulary of recipes, and one module of them for each paper. No torch."""

from colorize_cli.training.recipes.base import AGED, WHOLE, Augmentation, Fitting, Recipe, Stage

__all__ = ["AGED", "WHOLE", "Augmentation", "Fitting", "Recipe", "Stage"]
