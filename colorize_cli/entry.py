"""What a registry entry is: plain data about one model, its architectures and its published checkpoints."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from colorize_cli.errors import UnknownModel, UsageProblem

if TYPE_CHECKING:
    from colorize_cli.models.network import ColorizationNet
    from colorize_cli.recipe import Recipe

Fit = Literal["letterbox", "letterbox-white", "stretch", "rectangle", "native"]
"""How a photograph is brought to the input of a network; see :func:`colorize_cli.imaging.geometry.fit`."""


@dataclass(frozen=True)
class Variant:
    """One architecture that an entry can have: how to build it, how many parameters that gives, how it is trained.

    ``recipes``: name -> ``module:attribute`` of a :class:`~colorize_cli.recipe.Recipe`, the first the
    default. ``title``, ``objective``, ``encoder`` and ``notes``: as in :class:`ModelEntry`, where this architecture
    differs from the entry's others; see :meth:`ModelEntry.described`.
    """

    builder: str
    parameters: int
    arguments: Mapping[str, Any] = field(default_factory=dict)
    recipes: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    objective: str = ""
    encoder: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class HubFile:
    """A checkpoint file on the Hugging Face Hub.

    ``revision``: commit (40 hex digits), branch or tag; None for whatever is found at the first download, which is then
    pinned. ``sha256`` (hex) and ``size`` (bytes): None where not known. ``licence``: of the weights, as an SPDX-like
    identifier of the Hub; empty where not known.
    """

    repo: str
    file: str
    revision: str | None = None
    sha256: str | None = None
    size: int | None = None
    licence: str = ""

    def __str__(self) -> str:
        return f"hf://{self.repo}/{self.file}" + (f"@{self.revision}" if self.revision else "")


@dataclass(frozen=True)
class PackageFile:
    """A weights file in a Python package. ``file``: path inside the site folder; ``sha256``: hex."""

    package: str
    version: str
    file: str
    sha256: str

    @property
    def requirement(self) -> str:
        """The package at the version that has this file, as installers take it."""
        return f"{self.package}=={self.version}"


@dataclass(frozen=True)
class OriginalFile:
    """A checkpoint published outside the Hub: the user fetches it and ``colorize models convert`` turns it into ours.

    ``sha256``: beginning of the file's sha256 (hex), as its publisher states it in the name. ``size``: bytes, about.
    """

    url: str
    sha256: str
    size: int
    licence: str

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class ModelEntry:
    """The facts of one model.

    ``name``: as given to ``-m``. ``title``: one line for lists. ``paper``: where the system is described.
    ``variants``: architectures by name, the first is the default. ``objective``: what training minimizes.
    ``encoder``: the pretrained part, empty where there is none. ``notes``: what else a user should know.
    ``input_size``: pixels of the square it works on. ``fit``: how a photograph is brought there.
    ``bundled``: file name in ``weights/``, None while no trained weights come with the product.
    ``vividness``: whether the prior adjustment at decode time applies. ``licence``: of the weights.
    ``hub``: published checkpoints by name, the first is the default. ``original``: where a checkpoint lies that is not
    on the Hub. ``mirror``: whether a picture and its mirror image are averaged. ``hints``: whether
    the network itself takes color hints (others have them worked in afterwards); ``needs_hints``: whether it cannot do
    without. ``distribution``: whether the default architecture predicts a distribution over colors, from which variants
    come. ``decoding``: choices of :mod:`colorize_cli.inference.decoding` that its ``chroma`` takes.
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
    hub: Mapping[str, HubFile] = field(default_factory=dict)
    original: OriginalFile | None = None
    mirror: bool = True
    hints: bool = False
    needs_hints: bool = False
    distribution: bool = False
    decoding: tuple[str, ...] = ()
    encoder: str = ""
    notes: tuple[str, ...] = ()

    @property
    def default_variant(self) -> str:
        """Name of the architecture built when nothing else is asked for."""
        return next(iter(self.variants))

    @property
    def parameters(self) -> int:
        """Number of parameters of the default architecture."""
        return self.variants[self.default_variant].parameters

    def variant(self, name: str | None = None) -> Variant:
        """Return an architecture, by default the first; raises :class:`UnknownModel` for one it does not have."""
        chosen = name or self.default_variant
        if chosen not in self.variants:
            raise UnknownModel(
                f"Model {self.name!r} has no variant {chosen!r}.", f"Variants: {', '.join(self.variants)}."
            )
        return self.variants[chosen]

    def described(self, name: str | None = None) -> Variant:
        """Return an architecture with the entry's title, objective, encoder and notes where it has none of its own."""
        found = self.variant(name)
        return replace(
            found,
            title=found.title or self.title,
            objective=found.objective or self.objective,
            encoder=found.encoder or self.encoder,
            notes=(*self.notes, *found.notes),
        )

    def build(self, variant: str | None = None, **arguments: Any) -> ColorizationNet:
        """Return a new network with untrained weights; ``arguments`` override the variant's own.

        Raises :class:`UnknownModel` for a variant this entry does not have.
        """
        spec = self.variant(variant)
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
        recipes = self.variant(chosen).recipes
        if not recipes:
            raise UsageProblem(
                f"{self.name} ({chosen}) has no training recipe.", "Run `colorize models list` to see all models."
            )
        wanted = name or next(iter(recipes), "")
        if wanted not in recipes:
            raise UsageProblem(f"{self.name} ({chosen}) has no recipe {wanted!r}.", f"Recipes: {', '.join(recipes)}.")
        module, _, attribute = recipes[wanted].partition(":")
        recipe: Recipe = getattr(importlib.import_module(module), attribute)
        return recipe
