"""The recipe of Butoliya & Mondal, Image Colorization, section IV."""

from colorize_cli.recipe import Augmentation, Recipe, Stage

KOALARIZATION_PAPER = Recipe(
    name="paper",
    validation_size=224,
    stages=(
        Stage(
            name="mse",
            objective="mse",
            epochs=30,  # not given in the paper
            sizes=((0.0, 224),),
            batch_size=100,  # Baldassarre et al. 2017, whose system the paper rebuilds
            lr=1e-3,
            optimizer="adam",
            frozen=("encoder.",),
            augmentation=Augmentation(area=None, aspect=1.0, flip=0.0, padding=100.0),
        ),
    ),
)
