"""How models are trained: stages, their objectives, optimizers, schedules and augmentation, as plain data.

A recipe is a list of stages that the one training loop (:mod:`colorize_cli.training.loop`) works off; each stage begins
with the weights the one before ended with. Constants taken from a paper stand here with the section they come from.
Importing this module imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Range = tuple[float, float]


@dataclass(frozen=True)
class Augmentation:
    """What happens to a training photograph.

    ``area``: share of the largest square that a crop covers; None takes the whole photo, stretched to the square.
    ``aspect``: largest stretch of a crop, as a factor (1 none). ``flip``: chance of mirroring. The rest ages the
    *input* only, as old photographs are; each comes with its chance: ``blur`` (sigma 0.4 to 1.6 px), ``tone`` (gain
    0.65 to 1.15, offset +-8 L*), ``gamma`` (exponent 0.7 to 1.4), ``grain`` (sigma 1 to 6 L*, fine or clumped),
    ``vignette`` (corners up to 35 % darker or faded), ``jpeg`` (quality 25 to 85).
    """

    area: Range | None = (0.35, 1.0)
    aspect: float = 1.12
    flip: float = 0.5
    blur: float = 0.0
    tone: float = 0.0
    gamma: float = 0.0
    grain: float = 0.0
    vignette: float = 0.0
    jpeg: float = 0.0


@dataclass(frozen=True)
class Stage:
    """One stretch of training with one objective.

    ``objective``: ``chroma-distribution``, ``pretraining``, ``l1`` or ``adversarial``. ``epochs``: passes over its
    photos. ``sizes``: (share of the stage done, pixels of the square from there on). ``batch_size``: photos an
    optimizer step, however they are split. ``lr``: learning rate of every parameter that no prefix in ``group_lr``
    names. ``weight_decay`` applies to convolutions and linear layers only. ``frozen``: prefixes of layers that keep
    their weights and their batch-norm statistics. ``warmup``: steps of linear rise; ``schedule``: what follows.
    ``clip``: largest gradient norm. ``ema``: largest decay of the averaged weights, min(ema, step / (step + 10)); the
    average is what is validated, saved and handed on. ``small_share``: chance of drawing from the photos whose short
    side is under 96 px (None: they are left out while there are larger ones).
    """

    name: str
    objective: str
    epochs: float
    sizes: tuple[tuple[float, int], ...]
    batch_size: int
    lr: float
    optimizer: Literal["adam", "adamw"] = "adamw"
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    group_lr: Mapping[str, float] = field(default_factory=dict)
    frozen: tuple[str, ...] = ()
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: int = 0
    clip: float | None = None
    ema: float | None = None
    augmentation: Augmentation = Augmentation()
    small_share: float | None = None
    class_weight: float = 0.0
    label_smoothing: float = 0.1
    smallest_class: int = 20
    l1_weight: float = 100.0
    adversarial_weight: float = 1.0
    distribution_weight: float = 0.0
    discriminator_norm: Literal["batch", "spectral"] = "batch"
    discriminator_lr: float | None = None
    vividness: float | None = None

    @property
    def size(self) -> int:
        """Pixels of the square at the end of the stage."""
        return self.sizes[-1][1]

    def size_at(self, progress: float) -> int:
        """Pixels of the square when a share ``progress`` (0..1) of the stage is done."""
        return [size for start, size in self.sizes if start <= progress][-1]


@dataclass(frozen=True)
class Recipe:
    """A whole training: ``stages`` in order, ``source_weights`` by name of the photos' top-level folder (1 where
    none is named), the square that validation is measured on, and how convolutions are initialized.
    """

    name: str
    stages: tuple[Stage, ...]
    validation_size: int
    source_weights: Mapping[str, float] = field(default_factory=dict)
    initialization: Literal["default", "normal"] = "default"


AGED = Augmentation(blur=0.25, tone=0.6, gamma=0.35, grain=0.3, vignette=0.1, jpeg=0.15)
"""Clean modern photographs as they would look after decades in a drawer and a quick scan."""

WHOLE = Augmentation(area=None, aspect=1.0)
"""Brown et al. 3.4 and the code it builds on: the whole photo stretched to the square, mirrored half the time."""

GAN_BUNDLED = Recipe(
    name="bundled",
    validation_size=192,
    source_weights={
        "everyday": 2.2,
        "scene": 0.6,
        "news": 0.5,
        "pets": 0.6,
        "breeds": 0.6,
        "faces": 0.8,
        "fashion": 0.8,
        "flowers": 0.8,
        "food": 0.7,
        "traffic": 0.8,
    },
    stages=(
        Stage(
            name="pretraining",
            objective="pretraining",
            epochs=24,
            sizes=((0.0, 64), (0.45, 96), (0.8, 128)),
            batch_size=128,
            lr=2e-3,
            weight_decay=0.05,
            schedule="cosine",
            warmup=300,
            clip=2.0,
            ema=0.9996,
            augmentation=Augmentation(area=(0.3, 1.0), tone=1.0),
            small_share=0.5,
            class_weight=0.5,
        ),
        Stage(
            name="color",
            objective="chroma-distribution",
            epochs=3,
            sizes=((0.0, 144),),
            batch_size=20,
            lr=1e-3,
            # The encoder and the light head come trained; what is new learns faster than what is kept.
            group_lr={
                "encoder.": 2.5e-4,
                "classifier.": 6e-4,
                "decoder.lateral2.": 6e-4,
                "decoder.lateral3.": 6e-4,
                "decoder.lateral4.": 6e-4,
                "decoder.smooth": 6e-4,
            },
            frozen=("encoder.conv1", "encoder.bn1", "encoder.layer1", "encoder.layer2"),
            weight_decay=0.02,
            schedule="cosine",
            warmup=100,
            clip=2.0,
            ema=0.998,
            augmentation=AGED,
        ),
        Stage(
            name="adversarial",
            objective="adversarial",
            epochs=1,
            sizes=((0.0, 144),),
            batch_size=20,
            lr=1e-4,
            group_lr={"encoder.": 2.5e-5},
            frozen=("encoder.conv1", "encoder.bn1", "encoder.layer1", "encoder.layer2"),
            betas=(0.5, 0.999),
            weight_decay=0.02,
            schedule="cosine",
            warmup=100,
            clip=2.0,
            ema=0.998,
            augmentation=AGED,
            l1_weight=5.0,
            adversarial_weight=0.05,
            distribution_weight=1.0,
            discriminator_norm="spectral",
            discriminator_lr=2e-4,
        ),
    ),
)

_PAPER_ADVERSARIAL = Stage(
    name="adversarial",
    objective="adversarial",
    epochs=20,
    sizes=((0.0, 256),),
    batch_size=16,  # Brown et al. 3.4; the code it builds on uses 16 as well (specs of the system, optimizer)
    lr=2e-4,
    optimizer="adam",
    betas=(0.5, 0.999),
    augmentation=WHOLE,
    l1_weight=100.0,
    adversarial_weight=1.0,
    discriminator_norm="batch",
)

GAN_PAPER = Recipe(
    name="paper",
    validation_size=256,
    stages=(
        # Brown et al. 3.4: the generator alone learns first, by L1 loss, before the two networks compete.
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
        _PAPER_ADVERSARIAL,
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
            epochs=50,
            sizes=((0.0, 64),),
            batch_size=16,
            lr=2e-4,
            optimizer="adam",
            betas=(0.5, 0.999),
            augmentation=WHOLE,
            small_share=0.5,
            l1_weight=100.0,
            adversarial_weight=1.0,
            discriminator_norm="batch",
        ),
    ),
)
