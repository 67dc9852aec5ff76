"""Registry entries: plain data about one model, its architectures and its published checkpoints."""

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
"""How a photograph is fitted to the input of a network; see :func:`colorize_cli.imaging.geometry.fit`."""

DEFAULT_MODEL = "gan"


@dataclass(frozen=True)
class Variant:
    """One architecture of an entry: how to build it, its number of parameters, and how to train it.

    ``recipes``: name -> ``module:attribute`` of a :class:`~colorize_cli.recipe.Recipe`; the first is the
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

    ``revision``: commit (40 hex digits), branch or tag; None for the latest at the first download, which is then
    pinned. ``sha256`` (hex) and ``size`` (bytes): None if unknown. ``licence``: of the weights, as an SPDX-like
    identifier of the Hub; empty if unknown.
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
        """The package with the version that contains this file, as a pip requirement."""
        return f"{self.package}=={self.version}"


@dataclass(frozen=True)
class OriginalFile:
    """A checkpoint published outside the Hub: users download it and convert it with ``colorize models convert``.

    ``sha256``: prefix of the file's sha256 (hex), as published in its name. ``size``: approximate, in bytes.
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
    ``encoder``: the pretrained part, empty if there is none. ``notes``: further information for users.
    ``input_size``: side of the square input, in pixels. ``fit``: how a photograph is fitted to it.
    ``bundled``: file name in ``weights/``, None if no trained weights are included.
    ``vividness``: whether the prior adjustment at decode time applies. ``licence``: of the weights.
    ``hub``: published checkpoints by name, the first is the default. ``original``: where to find a checkpoint that is
    not on the Hub. ``mirror``: whether a picture and its mirror image are averaged. ``steadied``: whether a
    prediction at a working size larger than the model's own is averaged with one at its own. ``hints``: whether
    the network itself takes color hints (otherwise they are applied afterwards); ``needs_hints``: whether it cannot
    work without. ``distribution``: whether the default architecture predicts a distribution over colors, to draw
    variants from. ``no_onnx``: why the network cannot be exported to ONNX, empty if it can. ``decoding``: the decoding
    options that its ``chroma`` accepts.
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
    steadied: bool = False
    hints: bool = False
    needs_hints: bool = False
    distribution: bool = False
    decoding: tuple[str, ...] = ()
    encoder: str = ""
    no_onnx: str = ""
    notes: tuple[str, ...] = ()

    @property
    def default_variant(self) -> str:
        """Name of the architecture that is built by default."""
        return next(iter(self.variants))

    @property
    def parameters(self) -> int:
        """Number of parameters of the default architecture."""
        return self.variants[self.default_variant].parameters

    def variant(self, name: str | None = None) -> Variant:
        """Return an architecture, by default the first; raises :class:`UnknownModel` for an unknown name."""
        chosen = name or self.default_variant
        if chosen not in self.variants:
            raise UnknownModel(
                f"Model {self.name!r} has no variant {chosen!r}.", f"Variants: {', '.join(self.variants)}."
            )
        return self.variants[chosen]

    def described(self, name: str | None = None) -> Variant:
        """Return an architecture with the entry's title, objective, encoder and notes where it does not set its own."""
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

        Raises :class:`UnknownModel` for an unknown variant.
        """
        spec = self.variant(variant)
        module, _, attribute = spec.builder.partition(":")
        network: ColorizationNet = getattr(importlib.import_module(module), attribute)(
            **{**spec.arguments, **arguments}
        )
        return network

    def recipe(self, variant: str | None = None, name: str | None = None) -> Recipe:
        """Return how a variant is trained, by its default recipe or the one called ``name``.

        Raises :class:`UnknownModel` for an unknown variant and :class:`UsageProblem` for an unknown recipe.
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
