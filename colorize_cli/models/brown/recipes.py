"""Recipes of Brown et al. 2024, and those of the bundled weights.

``paired``, then ``recognized``, made the bundled `gan`; ``paired`` the bundled `classifier` and `regression`;
``bundled`` the network that `gan` started from, and `gan-64`. ``imagenet`` trains another head together with an
ImageNet encoder. ``scratch`` makes a network of the kind with a ResNet-18 from photographs alone, without outside
weights; ``head`` trains another head on its encoder (``--encoder FILE``).
"""

from dataclasses import replace

from colorize_cli.recipe import AGED, PRETRAINING, WHOLE, Augmentation, Recipe, Stage

_BALANCE = {
    "everyday": 1.8,
    "scene": 0.6,
    "news": 0.5,
    "pets": 0.6,
    "breeds": 0.6,
    "faces": 0.8,
    "fashion": 0.8,
    "flowers": 0.8,
    "food": 0.7,
    "traffic": 0.8,
    "sports2": 0.7,
    "work2": 0.8,
    "imagenette2": 0.5,
    "fashion2": 0.8,
    "coco2": 1.6,
    "events2": 0.8,
    "actions1": 1.6,
    "actions2": 0.8,
    "voc1": 0.8,
    "voc2": 1.6,
    "sports3": 0.7,
    "lsp1": 1.4,
    "helmets1": 0.5,
    "smoke1": 0.8,
    "sports5": 0.7,
    "coco4": 1.6,
    "miniplaces": 0.35,
    "utkface": 0.3,
    "human-dataset": 1.2,
    "human-dataset-2": 1.4,
    "lsp-extended": 1.1,
    "face-mask-detection": 0.4,
    "clothing-dataset": 0.4,
    "pedestrian-behavior-dete": 0.5,
    "homework2-caltech101": 0.4,
    "cars": 0.35,
    "imagenet-sample-images": 0.6,
    "grocerystoredataset": 0.3,
    "food2": 0.6,
}
"""Sampling weights by source: photos most like those of users are drawn more often."""

_RESNET_STEM = ("encoder.conv1", "encoder.bn1", "encoder.layer1")
_STEM = ("encoder.conv_stem", "encoder.bn1", "encoder.blocks.0", "encoder.blocks.1")
_WIDELY_CROPPED = replace(AGED, area=(0.2, 1.0))
_COARSE = Stage(
    name="coarse",
    objective="pretraining",
    epochs=1,
    sizes=((0.0, 128),),
    batch_size=64,
    lr=1e-3,
    group_lr={"encoder.": 4e-4},
    frozen=_STEM,
    weight_decay=0.02,
    schedule="cosine",
    warmup=100,
    clip=2.0,
    ema=0.998,
    augmentation=_WIDELY_CROPPED,
    small_share=0.15,
    class_weight=0.2,
)
_COLOR = Stage(
    name="color",
    objective="chroma-distribution",
    epochs=2,
    sizes=((0.0, 128), (0.5, 144)),
    batch_size=32,
    lr=8e-4,
    # All but the finest scale is pretrained; new layers learn faster than pretrained ones.
    group_lr={"encoder.": 3e-4},
    frozen=(*_STEM, "encoder.blocks.2"),
    weight_decay=0.02,
    schedule="cosine",
    warmup=100,
    clip=2.0,
    ema=0.999,
    augmentation=_WIDELY_CROPPED,
)
_FINE = replace(
    _COLOR,
    name="fine",
    epochs=1.25,
    # Nearly whole photographs, at nearly the working size.
    sizes=((0.0, 144), (0.6, 160)),
    lr=6e-4,
    group_lr={"encoder.": 2.5e-4},
    augmentation=replace(AGED, area=(0.3, 1.0)),
)
_PEOPLE = replace(
    _FINE,
    name="people",
    epochs=1.2,
    sizes=((0.0, 160),),
    schedule="constant",
    warmup=200,
)
_LARGE = replace(_FINE, name="large", epochs=0.9, sizes=((0.0, 192),))
_STEADY = replace(
    _PEOPLE,
    name="steady",
    epochs=4.12,
    # The later stages are better on photographs of people, the earlier one has forgotten less about others.
    mean_of=("fine", "people", "large"),
    # Two thousand steps: at a constantly high rate, the average is better than any network in it.
    ema=0.9995,
)
_CALIBRATION = Stage(
    name="calibration",
    objective="color-calibration",
    epochs=0.7,
    sizes=((0.0, 192),),
    batch_size=64,
    lr=0.45,  # Lab units
    # The last stage counts half: it is best on people, and the mean of all four on the rest.
    mean_of=("fine", "people", "large", "steady", "steady", "steady"),
    optimizer="adam",
    frozen=("",),  # every layer; only the decoder's fields are learned
    schedule="cosine",
    warmup=10,
    augmentation=Augmentation(area=(0.6, 1.0)),
    # Training photographs come out more colorful than others; below the default, their colorfulness is closer.
    vividness=0.53,
)

GAN_BUNDLED = Recipe(
    name="bundled",
    validation_size=192,
    source_weights=_BALANCE,
    encoder="pretrained",
    stages=(_COARSE, _COLOR, _FINE, _PEOPLE, _LARGE, _STEADY, _CALIBRATION),
    colorize_at=224,
)

_WIDE = Stage(
    name="wide",
    objective="chroma-distribution",
    epochs=6,
    sizes=((0.0, 160),),
    batch_size=256,
    lr=1.2e-3,
    group_lr={"encoder.": 4e-4},
    weight_decay=0.06,
    schedule="constant",
    warmup=150,
    clip=2.0,
    ema=0.999,
    augmentation=AGED,
)
_ADVERSARIAL = Stage(
    name="adversarial",
    objective="adversarial",
    epochs=0.03,
    sizes=((0.0, 144),),
    batch_size=24,
    lr=5e-5,
    # What the encoders know stays as it is: other heads share them.
    frozen=("encoder.",),
    betas=(0.5, 0.99),
    weight_decay=0.02,
    warmup=20,
    clip=2.0,
    ema=0.99,
    augmentation=AGED,
    pixel_weight=20.0,
    adversarial_weight=0.05,
    distribution_weight=1.0,
    discriminator_width=32,
    discriminator_norm="spectral",
    discriminator_lr=4e-4,
    adversarial_loss="hinge",
    critic_warmup=60,
    vividness=0.55,
    judged_as_predicted=True,
)

GAN_PAIRED = Recipe(
    name="paired",
    validation_size=192,
    source_weights=_BALANCE,
    encoder="imagenet",
    stages=(
        _WIDE,
        _ADVERSARIAL,
        # Half of the adversarial stage's change: all of it costs 0.1 dB at the true colorfulness.
        replace(
            _CALIBRATION,
            mean_of=("wide", "adversarial"),
            epochs=0.03,
            sizes=((0.0, 160),),
            batch_size=48,
            vividness=0.58,
        ),
    ),
    colorize_at=224,
)

_RECOGNIZED = replace(
    _ADVERSARIAL,
    name="recognized",
    objective="recognized",
    epochs=0.2,
    sizes=((0.0, 160),),
    batch_size=12,
    lr=7e-5,
    betas=(0.9, 0.99),
    warmup=30,
    mean_of=("wide", "adversarial"),
    ema=0.998,
    # UTKFace sorted by tools/skin.py: all tones are drawn about as often, dark and very light faces more.
    source_weights={
        "utkface-dark": 1.2,
        "utkface-brown": 0.2,
        "utkface-tan": 0.2,
        "utkface-intermediate": 0.25,
        "utkface-light": 0.3,
        "utkface-very-light": 0.5,
        "human-dataset": 1.6,
        "human-dataset-2": 1.8,
    },
    # In small batches other statistics than those kept make the network more vivid, and it learns to undo that.
    keep_statistics=True,
    pixel_weight=0.0,
    recognition_weight=0.3,
    # At 0.6 the loss makes colors paler, at 0.1 more vivid.
    vividness=0.4,
)

# The bundled network came out of these stages, with another mean; docs/lab/training-log.md has the steps.
GAN_RECOGNIZED = replace(
    GAN_PAIRED,
    name="recognized",
    stages=(
        _WIDE,
        _ADVERSARIAL,
        _RECOGNIZED,
        replace(GAN_PAIRED.stages[-1], mean_of=("wide", "adversarial", "recognized", "recognized")),
    ),
)

_RESNET_COLOR = replace(
    _COLOR,
    epochs=1,
    sizes=((0.0, 144),),
    lr=6e-4,
    group_lr={"encoder.": 2.5e-4},
    frozen=_RESNET_STEM,
    ema=0.998,
)

GAN_SCRATCH = Recipe(
    name="scratch",
    validation_size=192,
    source_weights=_BALANCE,
    stages=(
        replace(
            PRETRAINING,
            epochs=24,
            sizes=((0.0, 64), (0.45, 96), (0.8, 128)),
            batch_size=128,
            warmup=300,
            ema=0.9996,
            augmentation=Augmentation(area=(0.3, 1.0), tone=1.0),
            small_share=0.5,
            class_weight=0.5,
        ),
        replace(
            _RESNET_COLOR,
            name="decoder",
            epochs=0.35,
            batch_size=20,
            lr=1e-3,
            # The encoder and the light head are pretrained; new layers learn faster than pretrained ones.
            group_lr={
                "encoder.": 2.5e-4,
                "classifier.": 6e-4,
                "decoder.lateral2.": 6e-4,
                "decoder.lateral3.": 6e-4,
                "decoder.lateral4.": 6e-4,
                "decoder.smooth": 6e-4,
            },
            frozen=(*_RESNET_STEM, "encoder.layer2"),
            augmentation=AGED,
        ),
        Stage(
            name="adversarial",
            objective="adversarial",
            epochs=0.22,
            sizes=((0.0, 144),),
            batch_size=20,
            lr=1e-4,
            group_lr={"encoder.": 2.5e-5},
            frozen=(*_RESNET_STEM, "encoder.layer2"),
            betas=(0.5, 0.999),
            weight_decay=0.02,
            schedule="cosine",
            warmup=100,
            clip=2.0,
            ema=0.998,
            augmentation=AGED,
            pixel_weight=5.0,
            adversarial_weight=0.05,
            distribution_weight=1.0,
            discriminator_norm="spectral",
            discriminator_lr=2e-4,
        ),
        replace(_COARSE, epochs=3, group_lr={}, frozen=_RESNET_STEM, weight_decay=0.05, warmup=200, ema=0.999),
        _RESNET_COLOR,
    ),
)

# Not the network of Brown et al. but of the tutorial that they build on (Shariatnia 2020), whose constants these are.
_TUTORIAL_ADVERSARIAL = Stage(
    name="adversarial",
    objective="adversarial",
    epochs=20,
    sizes=((0.0, 256),),
    batch_size=16,
    lr=2e-4,
    optimizer="adam",
    betas=(0.5, 0.999),  # Isola et al. 2018, 3.3
    augmentation=WHOLE,
    pixel_weight=100.0,  # Isola et al. 2018, 3.1
    adversarial_weight=1.0,
    discriminator_norm="batch",
)

GAN_TUTORIAL = Recipe(
    name="tutorial",
    validation_size=256,
    encoder="pretrained",
    stages=(
        # The tutorial: the generator alone learns first, by L1 loss. Brown et al. name no such stage.
        Stage(
            name="l1",
            objective="l1",
            epochs=20,
            sizes=((0.0, 256),),
            batch_size=16,
            lr=1e-4,
            optimizer="adam",
            augmentation=WHOLE,
        ),
        _TUTORIAL_ADVERSARIAL,
    ),
)

GAN_64_PAPER = Recipe(
    name="paper",
    validation_size=64,
    initialization="normal",  # N(0, 0.02)
    stages=(
        Stage(
            name="adversarial",
            objective="adversarial",
            epochs=50,  # 3.4
            sizes=((0.0, 64),),
            batch_size=16,  # Brown et al. 3.4
            lr=2e-4,  # 3.4
            optimizer="adam",
            betas=(0.5, 0.999),  # Isola et al. 2018, 3.3; Brown et al. give none
            augmentation=WHOLE,
            small_share=0.5,
            pixel_weight=100.0,  # Isola et al. 2018, 3.1; Brown et al. give none
            adversarial_weight=1.0,
            discriminator_norm="batch",
        ),
    ),
)

GAN_64_BUNDLED = replace(
    GAN_64_PAPER,
    name="bundled",
    # Few steps: a rate that falls to zero and averaged weights, and as narrow a discriminator as the generator is.
    stages=(
        replace(
            GAN_64_PAPER.stages[0],
            epochs=3,
            lr=6e-4,
            schedule="cosine",
            ema=0.99,
            discriminator_width=16,
        ),
    ),
)

UNCHANGED = Augmentation(area=None, aspect=1.0, flip=0.0)
"""Brown et al. 3.2: the whole photo resized to the square, and nothing else."""

CLASSIFIER_PAPER = Recipe(
    name="paper",
    validation_size=256,
    encoder="pretrained",
    stages=(
        Stage(
            name="classes",
            objective="weighted-classes",
            epochs=50,  # 3.2, training
            sizes=((0.0, 256),),  # 3.2, preprocessing
            batch_size=8,  # 3.2, training
            lr=0.01,  # 3.2, training; all else are the optimizer's defaults
            optimizer="adam",
            augmentation=UNCHANGED,
        ),
    ),
)

REGRESSION_PAPER = Recipe(
    name="paper",
    validation_size=256,
    encoder="pretrained",
    stages=(
        Stage(
            name="regression",
            objective="mse",  # not stated; from the code the paper names (Francis)
            epochs=50,  # 3.3
            sizes=((0.0, 256),),
            batch_size=16,  # 3.3
            lr=1e-3,  # 3.3
            optimizer="adam",
            augmentation=WHOLE,
        ),
    ),
)

_ON_THE_ENCODER_OF_GAN = Stage(
    name="head",
    objective="mse",
    epochs=1,
    sizes=((0.0, 144),),
    batch_size=20,
    lr=1e-3,
    # The decoder starts from that of `gan`; only the last layer is new.
    group_lr={"decoder.": 5e-4},
    frozen=("encoder.",),
    weight_decay=0.02,
    schedule="cosine",
    warmup=100,
    clip=2.0,
    ema=0.998,
    augmentation=AGED,
)

CLASSIFIER_PAIRED = Recipe(
    name="paired",
    validation_size=192,
    source_weights=_BALANCE,
    encoder="gan",
    colorize_at=192,
    stages=(replace(_ON_THE_ENCODER_OF_GAN, objective="weighted-classes"),),
)
REGRESSION_PAIRED = replace(CLASSIFIER_PAIRED, stages=(_ON_THE_ENCODER_OF_GAN,))

REGRESSION_L1 = replace(REGRESSION_PAIRED, name="l1", stages=(replace(_ON_THE_ENCODER_OF_GAN, objective="l1"),))
"""The same encoders with L1 only: shows how much color that loss removes."""

_WITH_ITS_ENCODER = replace(_ON_THE_ENCODER_OF_GAN, frozen=_STEM, group_lr={"encoder.": 2.5e-4, "decoder.": 5e-4})

CLASSIFIER_IMAGENET = replace(
    CLASSIFIER_PAIRED,
    name="imagenet",
    encoder="imagenet",
    stages=(replace(_WITH_ITS_ENCODER, objective="weighted-classes"),),
)
REGRESSION_IMAGENET = replace(
    REGRESSION_PAIRED,
    name="imagenet",
    encoder="imagenet",
    stages=(_WITH_ITS_ENCODER,),
)

CLASSIFIER_HEAD = replace(CLASSIFIER_PAIRED, name="head", encoder="scratch")
REGRESSION_HEAD = replace(REGRESSION_PAIRED, name="head", encoder="scratch")
