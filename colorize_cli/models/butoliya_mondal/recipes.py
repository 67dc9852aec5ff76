"""The recipe of Butoliya & Mondal, Image Colorization, section IV."""

from dataclasses import replace

from colorize_cli.recipe import Augmentation, Recipe, Stage

KOALARIZATION_PAPER = Recipe(
    name="paper",
    validation_size=299,
    encoder="pretrained",  # I: the Inception model is pretrained
    stages=(
        Stage(
            name="mse",
            objective="mse",
            epochs=30,  # the paper gives no number
            sizes=((0.0, 299),),  # IV
            batch_size=100,  # Baldassarre et al. 2017, whose system the paper rebuilds
            lr=1e-3,
            optimizer="adam",
            frozen=("encoder.",),
            augmentation=Augmentation(area=None, aspect=1.0, flip=0.0, padding=100.0),
        ),
    ),
)

KOALARIZATION_BUNDLED = replace(
    KOALARIZATION_PAPER,
    name="bundled",
    stages=(
        replace(
            KOALARIZATION_PAPER.stages[0],
            epochs=12,
            batch_size=32,
            schedule="cosine",
            warmup=100,
            ema=0.998,
        ),
    ),
)
