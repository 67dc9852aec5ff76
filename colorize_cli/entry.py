"""What a registry entry is: plain data about one model, its architectures and its published checkpoints."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from colorize_cli.errors import UnknownModel, UsageProblem

if TYPE_CHECKING:
    from colorize_cli.models.network import ColorizationNet
    from colorize_cli.recipe import Recipe

Fit = Literal["letterbox", "letterbox-white", "stretch", "rectangle", "native"]


@dataclass(frozen=True)
class Variant:
    """One architecture that an entry can have: how to build it, how many parameters that gives, how it is trained.

    ``recipes``: name -> ``module:attribute`` of a :class:`~colorize_cli.recipe.Recipe`, the first the
    default.
    """

    builder: str
    parameters: int
    arguments: Mapping[str, Any] = field(default_factory=dict)
    recipes: Mapping[str, str] = field(default_factory=dict)


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
    ``variants``: architectures by name, the first is the default. ``objective``: how it is trained.
    ``input_size``: pixels of the square it works on. ``fit``: how a photograph is brought there.
    ``bundled``: file name in ``weights/``, None while no trained weights come with the product.
    ``vividness``: whether the prior adjustment at decode time applies. ``licence``: of the weights.
    ``hub``: published checkpoints by name, the first is the default. ``original``: where a checkpoint lies that is not
    on the Hub. ``mirror``: whether a picture and its mirror image are averaged. ``hints``: whether
    the network itself takes color hints (others have them worked in afterwards); ``needs_hints``: whether it cannot do
    without. ``distribution``: whether the default architecture predicts a distribution over colors, from which variants
    come. ``no_onnx``: why the network cannot be exported to ONNX, empty where it can. ``decoding``: choices of
    :mod:`colorize_cli.inference.decoding` that its ``chroma`` takes.
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
    no_onnx: str = ""
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
        if not recipes:
            raise UsageProblem(
                f"{self.name} ({chosen}) cannot be trained here.", "`colorize models list` shows the models there are."
            )
        wanted = name or next(iter(recipes), "")
        if wanted not in recipes:
            raise UsageProblem(f"{self.name} ({chosen}) has no recipe {wanted!r}.", f"It has: {', '.join(recipes)}.")
        module, _, attribute = recipes[wanted].partition(":")
        recipe: Recipe = getattr(importlib.import_module(module), attribute)
        return recipe
