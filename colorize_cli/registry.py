"""The one place that knows a model's facts: name -> :class:`ModelEntry`.

Adding a model is one file in ``models/`` and one entry here. Entries are plain data and importing this module imports
no torch; :meth:`ModelEntry.build` does.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from colorize_cli.errors import UnknownModel, UsageProblem

if TYPE_CHECKING:
    from colorize_cli.models.blocks import ColorizationNet
    from colorize_cli.training.recipes import Recipe

Fit = Literal["letterbox", "stretch", "rectangle"]


@dataclass(frozen=True)
class Variant:
    """One architecture that an entry can have: how to build it, how many parameters that gives, how it is trained.

    ``recipes``: name -> ``module:attribute`` of a :class:`~colorize_cli.training.recipes.Recipe`, the first the
    default.
    """

    builder: str
    parameters: int
    arguments: Mapping[str, Any] = field(default_factory=dict)
    recipes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelEntry:
    """The facts of one model.

    ``name``: as given to ``-m``. ``title``: one line for lists. ``paper``: where the system is described.
    ``variants``: architectures by name, the first is the default. ``objective``: how it is trained.
    ``input_size``: pixels of the square it works on. ``fit``: how a photograph is brought there.
    ``bundled``: file name in ``weights/``, None while no trained weights come with the product.
    ``vividness``: whether the prior adjustment at decode time applies. ``licence``: of the bundled weights.
    """

    name: str
    title: str
    paper: str
    variants: Mapping[str, Variant]
    objective: str
    input_size: int
    fit: Fit = "letterbox"
    color_space: str = "CIELAB"
    bundled: str | None = None
    vividness: bool = False
    licence: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def default_variant(self) -> str:
        """Name of the architecture built when nothing else is asked for."""
        return next(iter(self.variants))

    @property
    def parameters(self) -> int:
        """Number of parameters of the default architecture."""
        return self.variants[self.default_variant].parameters

    def build(self, variant: str | None = None, **arguments: Any) -> ColorizationNet:
        """Return a new network with untrained weights; ``arguments`` override the variant's own.

        Raises :class:`UnknownModel` for a variant this entry does not have.
        """
        chosen = variant or self.default_variant
        if chosen not in self.variants:
            raise UnknownModel(
                f"Model {self.name!r} has no variant {chosen!r}.", f"It has: {', '.join(self.variants)}."
            )
        spec = self.variants[chosen]
        module, _, attribute = spec.builder.partition(":")
        network: ColorizationNet = getattr(importlib.import_module(module), attribute)(
            **{**spec.arguments, **arguments}
        )
        return network

    def recipe(self, variant: str | None = None, name: str | None = None) -> Recipe:
        """Return how a variant is trained, by its default recipe or the one called ``name``.

        Raises :class:`UnknownModel` for a variant and :class:`UsageProblem` for a recipe there is not.
        """
        chosen = variant or self.default_variant
        if chosen not in self.variants:
            raise UnknownModel(
                f"Model {self.name!r} has no variant {chosen!r}.", f"It has: {', '.join(self.variants)}."
            )
        recipes = self.variants[chosen].recipes
        wanted = name or next(iter(recipes), "")
        if wanted not in recipes:
            raise UsageProblem(
                f"{self.name} ({chosen}) has no recipe {wanted!r}.", f"It has: {', '.join(recipes) or 'none'}."
            )
        module, _, attribute = recipes[wanted].partition(":")
        recipe: Recipe = getattr(importlib.import_module(module), attribute)
        return recipe


BROWN = "Brown et al. 2024, Image Colorization, section 3.4"

_ENTRIES = (
    ModelEntry(
        name="gan",
        title="ResNet-18 U-Net with a head over ab bins, adversarially refined (default)",
        paper=BROWN,
        variants={
            "light": Variant(
                "colorize_cli.models.gan:Generator",
                13_099_716,
                recipes={"bundled": "colorize_cli.training.recipes:GAN_BUNDLED"},
            ),
            "dynamic-unet": Variant(
                "colorize_cli.models.dynamic_unet:DynamicUNet",
                31_099_672,
                recipes={"paper": "colorize_cli.training.recipes:GAN_PAPER"},
            ),
        },
        objective="adversarial",
        input_size=192,
        bundled="gan.safetensors",
        vividness=True,
        licence="research weights, trained on photographs of mixed terms",
    ),
    ModelEntry(
        name="gan-64",
        title="six-level U-Net and PatchGAN at 64x64 pixels, the paper's own",
        paper=BROWN,
        variants={
            "paper": Variant(
                "colorize_cli.models.pix2pix_unet:Pix2PixUNet",
                29_239_938,
                recipes={"paper": "colorize_cli.training.recipes:GAN_64_PAPER"},
            )
        },
        objective="adversarial",
        input_size=64,
        fit="stretch",
    ),
)

ENTRIES: Mapping[str, ModelEntry] = MappingProxyType({entry.name: entry for entry in _ENTRIES})
DEFAULT_MODEL = "gan"


def get(name: str) -> ModelEntry:
    """Return the entry called ``name``; raises :class:`UnknownModel` with the names there are and the nearest one."""
    if name in ENTRIES:
        return ENTRIES[name]
    near = difflib.get_close_matches(name, ENTRIES, n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    raise UnknownModel(f"There is no model {name!r}.", f"{hint}Models: {', '.join(ENTRIES)}.")
