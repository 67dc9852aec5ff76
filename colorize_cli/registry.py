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
    the network takes color hints.
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


BROWN = "Brown et al. 2024, Image Colorization, section 3.4"

DDCOLOR = "Kang et al. 2023, DDColor, ICCV"
DDCOLOR_BUILDER = "colorize_cli.models.ddcolor:DDColor"
APACHE = "apache-2.0"
DDCOLOR_LICENCE = "Apache-2.0 by its publisher's declaration; trained on ImageNet, whose terms are for research"

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
    ModelEntry(
        name="ddcolor",
        title="ConvNeXt-L and a transformer of color queries, the strongest open colorizer",
        paper=DDCOLOR,
        variants={"large": Variant(DDCOLOR_BUILDER, 227_869_328, {"encoder": "convnext-l"})},
        objective="published weights only",
        input_size=512,
        fit="stretch",
        licence=DDCOLOR_LICENCE,
        mirror=False,
        hub={
            "modelscope": HubFile(
                "piddnad/ddcolor_modelscope",
                "pytorch_model.bin",
                "060f67494e31883a4b13cb27f889f3154847ada4",
                "d81711971ec59200da26d5e8a1afae8dd3778d495ea8ad7a7dadc769f403f7e7",
                911_914_869,
                APACHE,
            ),
            "artistic": HubFile(
                "piddnad/ddcolor_artistic",
                "pytorch_model.bin",
                "aa10f72fffc89a6658e37b48556050b4d9a26f63",
                "5a076e84efce59848394f572a105f7b78f7f6e917f615d1ee88537241b96dca3",
                911_914_869,
                APACHE,
            ),
        },
        notes=("`--weights artistic` takes the checkpoint trained without the colorfulness loss.",),
    ),
    ModelEntry(
        name="ddcolor-tiny",
        title="DDColor with ConvNeXt-T",
        paper=DDCOLOR,
        variants={"tiny": Variant(DDCOLOR_BUILDER, 55_006_640, {"encoder": "convnext-t"})},
        objective="published weights only",
        input_size=512,
        fit="stretch",
        licence=DDCOLOR_LICENCE,
        mirror=False,
        hub={
            "paper": HubFile(
                "piddnad/ddcolor_paper_tiny",
                "pytorch_model.bin",
                "cf9fd99c1d7472689ec7413441c1b799a51866a3",
                "8a1277bc90a1bfbb6d2d83933a9a6bc821931879ca93e26e4fcec12165d41fce",
                220_372_845,
                APACHE,
            )
        },
    ),
    ModelEntry(
        name="eccv16",
        title="VGG-like classifier over 313 ab bins",
        paper="Zhang et al. 2016, Colorful Image Colorization, ECCV",
        variants={"paper": Variant("colorize_cli.models.eccv16:ECCV16", 32_236_011)},
        objective="published weights only",
        input_size=256,
        fit="stretch",
        licence="BSD-2-Clause",
        mirror=False,
        hub={
            "release-v2": HubFile(
                "ckpt/colorization",
                "colorization_release_v2-9b330a0b.pth",
                None,
                "9b330a0bae53f4ded77b1e23defbf78beaa09c10ebc4c4999e8e4f4a160b93f9",
                None,
                "bsd-2-clause",
            )
        },
        original=OriginalFile(
            "https://colorizers.s3.us-east-2.amazonaws.com/colorization_release_v2-9b330a0b.pth",
            "9b330a0b",
            129_000_000,
            "BSD-2-Clause",
        ),
        notes=("The Hub repository is a mirror; its file is the authors' by its sha256.",),
    ),
    ModelEntry(
        name="siggraph17",
        title="U-Net that takes color hints, or none",
        paper="Zhang et al. 2017, Real-Time User-Guided Image Colorization, SIGGRAPH",
        variants={
            "release": Variant("colorize_cli.models.siggraph17:SIGGRAPH17", 34_187_027),
            "centered-mask": Variant("colorize_cli.models.siggraph17:SIGGRAPH17", 34_187_027, {"mask_center": 0.5}),
        },
        objective="published weights only",
        input_size=256,
        fit="stretch",
        licence="BSD-2-Clause",
        mirror=False,
        hints=True,
        original=OriginalFile(
            "https://colorizers.s3.us-east-2.amazonaws.com/siggraph17-df00044c.pth",
            "df00044c",
            137_000_000,
            "BSD-2-Clause",
        ),
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
