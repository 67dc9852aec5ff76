"""The recipe of Hultgren, Kaya & Ekman, sections 3.1 to 3.6."""

from dataclasses import replace

from colorize_cli.recipe import PRETRAINING, Augmentation, Recipe, Stage

DECODER_PAPER = Recipe(
    name="paper",
    validation_size=224,
    encoder="pretrained",  # 3.1: VGG-16 pretrained on ImageNet
    stages=(
        # Not of the paper, which begins with VGG-16 trained on ImageNet (--encoder hub): for what that does not exist.
        PRETRAINING,
        Stage(
            name="color",
            objective="mse",  # 3.5
            epochs=30,  # not given; figures 4 to 6 are over epochs, and overfitting begins "after a few"
            sizes=((0.0, 224),),  # 3.2
            batch_size=32,  # not given
            lr=1e-3,  # not given: Adam's own
            optimizer="adam",  # 3.5
            frozen=("encoder.",),  # 3.1: "clamp the weights of the trimmed VGG-16"
            augmentation=Augmentation(area=None, aspect=1.0, flip=0.0),  # 3.2: reshaped; nothing else is mentioned
        ),
    ),
)

DECODER_BUNDLED = replace(
    DECODER_PAPER,
    name="bundled",
    stages=(
        PRETRAINING,
        replace(DECODER_PAPER.stages[1], epochs=8, schedule="cosine", warmup=50, ema=0.99),
    ),
)

DECODER_RESAMPLED = replace(
    DECODER_PAPER,
    name="resampled",
    # 5.3: "training data resampling to rebalance the classes", proposed and not run; half of the draws is our choice.
    stages=(PRETRAINING, replace(DECODER_PAPER.stages[1], rare_colors=0.5)),
)
