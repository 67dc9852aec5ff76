"""Training recipes: stages with objectives, optimizers, schedules and augmentation, as plain data.

A recipe is a list of stages that the training loop (:mod:`colorize_cli.training.loop`) runs in order; each stage starts
with the final weights of the previous one. Constants from a paper are given with their section.
Importing this module imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Range = tuple[float, float]


@dataclass(frozen=True)
class Augmentation:
    """Augmentation of a training photograph.

    ``area``: share of the largest square that a crop covers; None uses the whole photo, stretched to the square, or, if
    ``padding`` is given, padded with neutral gray of that L* to keep its shape. ``aspect``: largest stretch of a crop,
    as a factor (1: none). ``flip``: probability of mirroring. All others age the *input* only, to look like old
    photographs; each is a probability: ``blur`` (sigma 0.4 to 1.6 px), ``tone`` (gain 0.6 to 1.15, offset +-10 L*),
    ``gamma`` (exponent 0.7 to 1.4), ``grain`` (sigma 1 to 6 L*, fine or clumped), ``vignette`` (corners up to 35 %
    darker or faded), ``jpeg`` (quality 25 to 85), ``halation`` (highlights that glow), ``scratches``. The last three
    are shares of a batch: ``orthochromatic`` (red-blind film), ``mounted`` (on a page without color), ``pages`` (blank
    or printed pages in place of photographs).
    """

    area: Range | None = (0.35, 1.0)
    aspect: float = 1.12
    padding: float | None = None
    flip: float = 0.5
    blur: float = 0.0
    tone: float = 0.0
    gamma: float = 0.0
    grain: float = 0.0
    vignette: float = 0.0
    jpeg: float = 0.0
    halation: float = 0.0
    scratches: float = 0.0
    orthochromatic: float = 0.0
    mounted: float = 0.0
    pages: float = 0.0

    @property
    def repeats(self) -> bool:
        """Whether a photo is the same in every epoch."""
        return self == Augmentation(area=None, aspect=1.0, flip=0.0, padding=self.padding)


@dataclass(frozen=True)
class Stage:
    """One part of a training run with one objective.

    ``objective``: a name of :data:`colorize_cli.training.objectives.OBJECTIVES`. ``epochs``: passes over its photos; a
    fraction makes each epoch shorter: 1.5 epochs are two epochs of three quarters each. ``sizes``: (share of the stage
    that is done, side of the square in pixels from then on). ``batch_size``: photos per optimizer step over all
    processes and accumulation steps. ``lr``: learning rate of all parameters without a prefix in ``group_lr``.
    ``weight_decay`` applies to convolutions and linear layers only. ``mean_of``: names of earlier stages, whose final
    weights are averaged to start this one; a stage that is named twice counts twice. If one of them is not part of the
    run, this stage starts with the current weights. ``frozen``: prefixes of layers that keep their weights and their
    batch-norm statistics; with ``keep_statistics`` those of all layers are kept. ``warmup``: steps of linear rise of
    the rate; ``schedule``: after that, the rate is constant, falls to zero along half a cosine or a line, or is
    multiplied by ``decay`` every ``decay_every`` epochs. ``clip``: largest gradient norm. ``ema``: largest decay of the
    averaged weights, min(ema, step / (step + 10)); the average is validated, saved and passed to the next stage.
    ``small_share``: probability of drawing from the photos whose short side is under 96 px (None: they are excluded if
    there are larger ones). ``source_weights``: in place of the recipe's for the sources it names. ``rare_colors``:
    probability of drawing a photo by the rarity of its colors (:func:`colorize_cli.training.data.batches.rarity`).
    """

    name: str
    objective: str
    epochs: float
    sizes: tuple[tuple[float, int], ...]
    batch_size: int
    lr: float
    optimizer: Literal["adam", "adamw", "nesterov"] = "adamw"
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    group_lr: Mapping[str, float] = field(default_factory=dict)
    mean_of: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    keep_statistics: bool = False
    schedule: Literal["constant", "cosine", "linear", "step"] = "constant"
    decay: float = 0.5
    decay_every: int = 5
    warmup: int = 0
    clip: float | None = None
    ema: float | None = None
    augmentation: Augmentation = Augmentation()
    small_share: float | None = None
    source_weights: Mapping[str, float] = field(default_factory=dict)
    rare_colors: float = 0.0
    class_weight: float = 0.0
    label_smoothing: float = 0.1
    smallest_class: int = 20
    pixel_loss: Literal["l1", "mse"] = "l1"
    pixel_weight: float = 100.0
    adversarial_weight: float = 1.0
    distribution_weight: float = 0.0
    recognition_weight: float = 0.0
    discriminator: Literal["patch", "binary"] = "patch"
    discriminator_width: int = 64
    discriminator_norm: Literal["batch", "spectral"] = "batch"
    discriminator_lr: float | None = None
    adversarial_loss: Literal["bce", "hinge"] = "bce"
    critic_warmup: int = 0
    judged_as_predicted: bool = False
    vividness: float | None = None
    huber_threshold: float = 0.1

    @property
    def size(self) -> int:
        """Side of the square in pixels at the end of the stage."""
        return self.sizes[-1][1]

    def size_at(self, progress: float) -> int:
        """Side of the square in pixels after a share ``progress`` (0..1) of the stage."""
        return [size for start, size in self.sizes if start <= progress][-1]


@dataclass(frozen=True)
class Fitting:
    """Training without epochs: statistics of all pixels, or tree models fitted one by one.

    ``method``: a name of :data:`colorize_cli.training.fitting.methods.METHODS`. ``size``: maximum short side of the
    photos in pixels, or the side of the square, depending on the method. ``photos``: maximum number; which ones
    depends on their content only.
    ``known_pixels``: share of known pixels in validation; None for models without hints.
    ``validation_photos``: maximum number. ``constants``: those of the method, as given in its paper.
    """

    method: str
    size: int
    photos: int
    known_pixels: float | None = None
    validation_photos: int = 64
    constants: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """A whole training: ``stages`` in order, or a ``fitting`` in place of stages.

    ``source_weights``: by name of the photos' top-level folder, 1 for all others. ``validation_size``: side of the
    square, in pixels, on which validation is measured. ``initialization``: of the convolutions. ``encoder``: origin of
    the encoder's weights without ``--encoder``. ``colorize_at``: size in pixels to colorize at, if it is not that of
    the last stage.
    """

    name: str
    stages: tuple[Stage, ...]
    validation_size: int
    source_weights: Mapping[str, float] = field(default_factory=dict)
    initialization: Literal["default", "normal", "xavier"] = "default"
    encoder: str = "scratch"
    fitting: Fitting | None = None
    colorize_at: int | None = None

    @property
    def largest(self) -> int:
        """Largest side of a square, or short side, in pixels, that the photos are needed at."""
        return self.fitting.size if self.fitting is not None else max(stage.size for stage in self.stages)


AGED = Augmentation(
    blur=0.25,
    tone=0.6,
    gamma=0.35,
    grain=0.35,
    vignette=0.12,
    jpeg=0.2,
    halation=0.08,
    scratches=0.05,
    orthochromatic=0.12,
    mounted=0.05,
    pages=0.04,
)
"""Make clean modern photographs look like decades-old prints after a quick scan."""

WHOLE = Augmentation(area=None, aspect=1.0)
"""Brown et al. 3.4 and the code it builds on: the whole photo stretched to the square, mirrored half the time."""

PRETRAINING = Stage(
    name="pretraining",
    objective="pretraining",
    epochs=8,
    sizes=((0.0, 64),),
    batch_size=64,
    lr=2e-3,
    weight_decay=0.05,
    schedule="cosine",
    warmup=100,
    clip=2.0,
    ema=0.998,
    augmentation=Augmentation(area=(0.4, 1.0)),
    small_share=0.6,
    class_weight=1.0,
)
"""Pretrains an encoder on photographs. It is of no paper: theirs begin with networks trained on ImageNet."""
