"""Recipes of Zhou & Zhu 2024, sections 3.1 to 3.5, and those of the bundled weights."""

from dataclasses import replace

from colorize_cli.recipe import AGED, Augmentation, Fitting, Recipe, Stage

_AS_IT_IS = Augmentation(area=None, aspect=1.0, flip=0.0)
"""Section 4: every picture is 400x400 pixels; no augmentation is mentioned."""

_PAPER_ADVERSARIAL = Stage(
    name="adversarial",
    objective="adversarial",
    epochs=100,  # 5.3
    sizes=((0.0, 400),),  # 4
    batch_size=32,
    lr=2e-4,  # 5.3
    optimizer="adam",
    betas=(0.5, 0.999),  # 5.3
    augmentation=_AS_IT_IS,
    pixel_loss="mse",
    pixel_weight=0.0,  # 3.5: the generator's loss is the binary cross-entropy alone
    adversarial_weight=1.0,
    discriminator="binary",
)

UNET_PAPER = Recipe(
    name="paper",
    validation_size=400,
    initialization="normal",
    stages=(replace(_PAPER_ADVERSARIAL, name="mse", objective="mse"),),
)

UNET_GAN_PAPER = Recipe(
    name="paper",
    validation_size=400,
    initialization="normal",  # 5.3: N(0, 0.02), batch norm N(1, 0.02)
    stages=(_PAPER_ADVERSARIAL,),
)

# 5.3: "GAN model sometimes cannot learn anything after a long time of training". One logit for a whole picture says
# little about where its colors belong; the distance to the true colors does (Isola et al. 2018, 3.1, with weight 100).
UNET_GAN_PIXEL = Recipe(
    name="pixel",
    validation_size=400,
    initialization="normal",
    stages=(replace(_PAPER_ADVERSARIAL, pixel_loss="l1", pixel_weight=100.0),),
)

_LIGHT_COLOR = Stage(
    name="color",
    objective="mse",
    epochs=1,
    sizes=((0.0, 64), (0.45, 96), (0.8, 144)),
    batch_size=16,
    lr=2e-3,
    weight_decay=0.02,
    schedule="cosine",
    warmup=100,
    clip=1.0,
    ema=0.998,
    augmentation=AGED,
)
_SOURCES = {"everyday": 2.0}

UNET_BUNDLED = Recipe(
    name="bundled", validation_size=144, source_weights=_SOURCES, stages=(_LIGHT_COLOR,), colorize_at=160
)

UNET_GAN_BUNDLED = Recipe(
    name="bundled",
    validation_size=144,
    colorize_at=160,
    source_weights=_SOURCES,
    stages=(
        _LIGHT_COLOR,
        Stage(
            name="adversarial",
            objective="adversarial",
            epochs=0.5,
            sizes=((0.0, 96),),
            batch_size=16,
            lr=2e-4,
            # The part that recognizes things stays that of `unet`, and is stored once.
            frozen=("down.", "up.0.", "merge.0."),
            betas=(0.5, 0.999),
            schedule="cosine",
            warmup=50,
            clip=1.0,
            ema=0.98,
            augmentation=AGED,
            pixel_loss="mse",
            pixel_weight=20.0,
            adversarial_weight=1.0,
            discriminator="binary",
            discriminator_width=32,
            discriminator_lr=5e-4,
            critic_warmup=50,
        ),
    ),
)


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
