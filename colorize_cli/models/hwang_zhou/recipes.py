"""Recipes of Hwang & Zhou 2016, sections 3.2 to 3.6 and 5.2.

The paper states neither how long it trained nor which VGG-16 layers it tuned: we tune all, at the one learning
rate it gives, for as many epochs as one pass over a few thousand photos takes on a GPU within a night.
"""

from dataclasses import replace

from colorize_cli.recipe import PRETRAINING, Augmentation, Recipe, Stage

AS_IT_IS = Augmentation(area=None, aspect=1.0, flip=0.0)
"""Section 4: each picture is scaled to 224x224; no augmentation is mentioned."""


_COLOR = Stage(
    name="color",
    objective="uv-classes",  # 3.6: the sum of the cross-entropies of U and V
    epochs=50,
    sizes=((0.0, 224),),  # 3.1
    batch_size=6,  # 5.2: faster and stabler than the other sizes
    lr=3e-4,  # 5.2: fastest convergence with the entire training set
    optimizer="adam",  # 5.2
    betas=(0.9, 0.999),  # 5.2
    augmentation=AS_IT_IS,
)

_LIGHT_COLOR = replace(
    _COLOR,
    epochs=1,
    sizes=((0.0, 96),),
    batch_size=16,
    lr=1e-3,
    optimizer="adamw",
    frozen=("encoder.",),  # the bundled models share one encoder
    schedule="cosine",
    warmup=50,
    clip=1.0,
    ema=0.99,
    augmentation=replace(AS_IT_IS, flip=0.5),
)

CLASSIFIER_PAPER = Recipe(
    name="paper",
    validation_size=224,
    encoder="pretrained",  # 3.2: VGG-16 pretrained on ImageNet
    initialization="xavier",  # 5.2, of the new layers
    stages=(PRETRAINING, _COLOR),
)

REGRESSION_PAPER = Recipe(
    name="paper",
    validation_size=224,
    encoder="pretrained",  # 3.2: VGG-16 pretrained on ImageNet
    initialization="xavier",
    # 3.5 ends with the Huber penalty. It gives no threshold M: 0.1 is 10 units of u* or v*.
    stages=(PRETRAINING, replace(_COLOR, objective="huber", huber_threshold=0.1)),
)

REGRESSION_L2 = Recipe(
    name="l2",
    validation_size=224,
    encoder="pretrained",  # 3.2: VGG-16 pretrained on ImageNet
    initialization="xavier",
    stages=(PRETRAINING, replace(_COLOR, objective="mse")),  # 3.5: "the vanilla l2 loss", with which it began
)

CLASSIFIER_BUNDLED = replace(
    CLASSIFIER_PAPER, name="bundled", validation_size=96, stages=(PRETRAINING, _LIGHT_COLOR), colorize_at=128
)
REGRESSION_BUNDLED = replace(
    REGRESSION_PAPER,
    name="bundled",
    validation_size=96,
    stages=(PRETRAINING, replace(_LIGHT_COLOR, objective="huber", huber_threshold=0.1)),
    colorize_at=128,
)

# 5.2: what the paper compared with the recipe above.
CLASSIFIER_NESTEROV = replace(
    CLASSIFIER_PAPER, name="nesterov", stages=(PRETRAINING, replace(_COLOR, optimizer="nesterov"))
)
CLASSIFIER_BETA = replace(CLASSIFIER_PAPER, name="beta2-0.99", stages=(PRETRAINING, replace(_COLOR, betas=(0.9, 0.99))))
