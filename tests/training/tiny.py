"""A network small enough to train in a test, with dropout, batch norm and ab bins, and recipes for it.

``python -m tests.training.tiny train PHOTOS -m tiny -o run`` is the command line with this model in the registry.
"""

import os
import sys
from dataclasses import replace
from types import MappingProxyType

import torch
from torch import Tensor, nn

from colorize_cli import registry
from colorize_cli.entry import ModelEntry, Variant
from colorize_cli.models.heads.ab_bins import AbDecoder
from colorize_cli.models.network import ColorizationNet
from colorize_cli.recipe import Augmentation, Recipe, Stage


class TinyNet(ColorizationNet):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.3), nn.Conv2d(8, 8, 3, 2, 1), nn.ReLU()
        )
        self.classifier = nn.Conv2d(8, 25, 1)
        self.decode = AbDecoder(25)
        axis = torch.arange(-20.0, 21.0, 10.0)
        self.decode.centers.copy_(torch.cartesian_prod(axis, axis))

    @property
    def ab_bins(self) -> AbDecoder:
        return self.decode

    def logits(self, lightness: Tensor) -> Tensor:
        return self.classifier(self.body(lightness / 50 - 1))

    def chroma(self, lightness: Tensor) -> Tensor:
        return self.decode(self.logits(lightness))


class Exploding(TinyNet):
    """Its loss is no number from the third step on."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def logits(self, lightness: Tensor) -> Tensor:
        self.calls += self.training
        return super().logits(lightness) * (float("nan") if self.calls > 2 and self.training else 1.0)


class Steady(TinyNet):
    """Without dropout: what it learns depends on the photos alone."""

    def __init__(self) -> None:
        super().__init__()
        self.body[3] = nn.Identity()


class Failing(Steady):
    """Fails in the second process alone, from its third answer on."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def logits(self, lightness: Tensor) -> Tensor:
        self.calls += self.training
        if self.calls > 2 and os.environ.get("RANK") == "1":
            raise ValueError("this process fails")
        return super().logits(lightness)


AGED = Augmentation(blur=0.5, tone=0.5, gamma=0.5, grain=0.5, vignette=0.5, jpeg=0.5)
DISTRIBUTION = Stage(
    name="color", objective="chroma-distribution", epochs=3, sizes=((0.0, 32),), batch_size=4, lr=1e-2,
    weight_decay=0.01, schedule="cosine", warmup=2, clip=1.0, ema=0.9, augmentation=AGED,
)  # fmt: skip
ADVERSARIAL = Stage(
    name="adversarial", objective="adversarial", epochs=2, sizes=((0.0, 32),), batch_size=4, lr=1e-3,
    optimizer="adam", betas=(0.5, 0.999), discriminator_norm="spectral", discriminator_width=8, ema=0.9,
    augmentation=AGED, distribution_weight=1.0,
)  # fmt: skip
L1 = Stage(
    name="l1", objective="l1", epochs=1, sizes=((0.0, 32),), batch_size=4, lr=1e-3, augmentation=Augmentation(area=None)
)

BATCH_NORM = replace(ADVERSARIAL, discriminator_norm="batch", epochs=3)

COLOR = Recipe("color", (DISTRIBUTION,), validation_size=32, source_weights={"bright": 3.0})
GAN = Recipe("gan", (ADVERSARIAL,), validation_size=32)
PARALLEL = Recipe("parallel", (DISTRIBUTION, BATCH_NORM), validation_size=32)
BOTH = Recipe("both", (L1, DISTRIBUTION, ADVERSARIAL), validation_size=32)
MEAN = Recipe(
    "mean",
    (L1, replace(DISTRIBUTION, epochs=1), replace(L1, name="again", lr=1e-12, mean_of=("l1", "color"))),
    validation_size=32,
)

_RECIPES = {name: f"{__name__}:{name.upper()}" for name in ("color", "gan", "both", "parallel", "mean")}
ENTRY = ModelEntry(
    name="tiny",
    title="for tests",
    paper="none",
    variants={
        "plain": Variant("tests.training.tiny:TinyNet", 0, recipes=_RECIPES),
        "steady": Variant("tests.training.tiny:Steady", 0, recipes=_RECIPES),
        "failing": Variant("tests.training.tiny:Failing", 0, recipes=_RECIPES),
        "exploding": Variant("tests.training.tiny:Exploding", 0, recipes=_RECIPES),
    },
    objective="chroma-distribution",
    input_size=32,
)
ENTRIES = MappingProxyType({**registry.ENTRIES, "tiny": ENTRY})


if __name__ == "__main__":
    from colorize_cli.cli import main

    # Under ``-m`` this file is ``__main__``: recipes are found under its real name.
    _named = __import__("tests.training.tiny", fromlist=["ENTRIES"])
    registry.ENTRIES = _named.ENTRIES
    sys.exit(main())
