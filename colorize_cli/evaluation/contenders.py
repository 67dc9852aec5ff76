"""Contenders of an evaluation: models with their weights, and two baselines that need no model."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.recombine.join import recombine
from colorize_cli.inference.color_options import check_decoding
from colorize_cli.inference.hints import known_pixels
from colorize_cli.registry import get

if TYPE_CHECKING:
    from colorize_cli.inference.colorizer import Colorizer

Array = npt.NDArray[Any]
GRAY = "gray"
MEAN_CHROMA = "mean-chroma"
BASELINES = (GRAY, MEAN_CHROMA)


class Contender(ABC):
    """A colorizer under evaluation; ``name`` is its name in tables."""

    name: str

    @abstractmethod
    def colorize(self, grays: Sequence[Array], indices: Sequence[int]) -> list[Array]:
        """Return RGB (H, W, 3) uint8 for each sRGB gray (H, W) uint8 or uint16; ``indices``: positions in the list."""

    def colorize_beside(self, grays: Sequence[Array], indices: Sequence[int], truths: Sequence[Array]) -> list[Array]:
        """Colorize with the true a*b* (H, W, 2) of each photograph at hand, for contenders that take hints."""
        return self.colorize(grays, indices)

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return its description for the record of a run."""


class GrayBaseline(Contender):
    """The photograph left gray."""

    name = GRAY

    def colorize(self, grays: Sequence[Array], indices: Sequence[int]) -> list[Array]:
        """Return each gray as R = G = B."""
        return [recombine(gray, np.zeros((2, 1, 1), np.float32), depth=8) for gray in grays]

    def describe(self) -> dict[str, Any]:
        """Return the record of the baseline."""
        return {"name": self.name, "kind": "baseline", "definition": "a* = b* = 0"}


class MeanChromaBaseline(Contender):
    """Every pixel gets the mean a*b* of all *other* photographs in the list (leave-one-out).

    ``mean_ab``: float64 (n, 2), the mean a*b* of each photograph, NaN for unreadable ones. A photograph
    never contributes to its own color, so the baseline knows no more than a model that was trained on the collection.
    """

    name = MEAN_CHROMA

    def __init__(self, mean_ab: Array) -> None:
        self._known: Array = np.isfinite(mean_ab[:, 0] + mean_ab[:, 1])
        self._mean_ab = np.where(self._known[:, None], mean_ab, 0.0)
        if self._known.sum() < 2:
            raise UsageProblem("The mean-chroma baseline needs at least two photographs.")

    def chroma(self, index: int) -> Array:
        """Return the a*b* (2,) that photograph ``index`` gets."""
        others = self._mean_ab.sum(axis=0) - self._mean_ab[index]
        mean: Array = others / (self._known.sum() - self._known[index])
        return mean

    def colorize(self, grays: Sequence[Array], indices: Sequence[int]) -> list[Array]:
        """Return each gray with the constant chroma of the others, at its own lightness and in gamut."""
        return [
            recombine(gray, self.chroma(index).astype(np.float32).reshape(2, 1, 1), depth=8)
            for gray, index in zip(grays, indices, strict=True)
        ]

    def describe(self) -> dict[str, Any]:
        """Return the record of the baseline."""
        return {"name": self.name, "kind": "baseline", "definition": "mean a*b* of the other photographs"}


class ModelContender(Contender):
    """A model with its weights.

    ``known_share``: 0..1, the share of pixels whose true a*b* are given as hints, chosen by ``seed``.
    """

    def __init__(self, name: str, colorizer: Colorizer, known_share: float | None = None, seed: int = 0) -> None:
        self.name, self.colorizer, self.known_share, self.seed = name, colorizer, known_share, seed

    def colorize(self, grays: Sequence[Array], indices: Sequence[int]) -> list[Array]:
        """Predict all grays together and recombine each at 8 bits."""
        return self._recombined(grays, self.colorizer.predict(grays))

    def colorize_beside(self, grays: Sequence[Array], indices: Sequence[int], truths: Sequence[Array]) -> list[Array]:
        """Colorize with the known share of the true a*b* as hints."""
        if self.known_share is None:
            return self.colorize(grays, indices)
        hints = [
            known_pixels(ab, self.known_share, (self.seed, index)) for ab, index in zip(truths, indices, strict=True)
        ]
        return self._recombined(grays, self.colorizer.predict(grays, hints))

    def _recombined(self, grays: Sequence[Array], predictions: Sequence[Array]) -> list[Array]:
        strength = self.colorizer.strength
        return [recombine(gray, ab, depth=8, strength=strength) for gray, ab in zip(grays, predictions, strict=True)]

    def describe(self) -> dict[str, Any]:
        """Return model, weights hash, parameters and device."""
        provenance = self.colorizer.provenance()
        return {
            "name": self.name,
            "kind": "model",
            "model": provenance.model,
            "weights_sha256": provenance.weights_sha256,
            "parameters": dict(provenance.parameters),
            "device": str(self.colorizer.compute),
            **({} if self.known_share is None else {"known_pixels": self.known_share}),
        }


def contender_names(pairs: Sequence[tuple[str, str | None]]) -> list[str]:
    """Return short distinct names: the model, and as much of the weights' path as needed."""
    names = [model for model, _ in pairs]
    for depth in (1, 2, 3, 99):
        counts = Counter(names)
        if max(counts.values()) == 1:
            break
        for i, (model, weights) in enumerate(pairs):
            if counts[names[i]] > 1 and weights:
                names[i] = f"{model}:{'/'.join(Path(weights).with_suffix('').parts[-depth:])}"
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated or set(names) & set(BASELINES):
        raise UsageProblem(f"{(repeated or names)[0]} is given twice.", "Give each model with its weights once.")
    return names


def load_models(
    pairs: Sequence[tuple[str, str | None]],
    *,
    vividness: Sequence[float] = (),
    decoding: Mapping[str, float] | None = None,
    size: int | None = None,
    device: str = "auto",
    precision: str = "auto",
    known_share: float | None = None,
    seed: int = 0,
    offline: bool = False,
    accept_license: bool = False,
) -> list[Contender]:
    """Load every model once; each of several ``vividness`` values becomes a contender called ``NAME@VALUE``.

    ``known_share`` and ``seed`` are those of :class:`ModelContender`, ``decoding``, ``offline`` and ``accept_license``
    those of :class:`Colorizer`.

    Raises the errors of :class:`Colorizer`; unsupported options are reported before any model is loaded.
    """
    from colorize_cli.inference.colorizer import Colorizer

    for model, _ in pairs:
        check_decoding(get(model), decoding or {})
        if get(model).needs_hints and not known_share:
            raise UsageProblem(
                f"Model {model!r} needs known colors to spread.", "Set their share, e.g. --known-pixels 0.1."
            )
    contenders: list[Contender] = []
    for name, (model, weights) in zip(contender_names(pairs), pairs, strict=True):
        first = vividness[0] if vividness else None
        colorizer = Colorizer(
            model, weights=weights, device=device, precision=precision, vividness=first, size=size, decoding=decoding,
            offline=offline, accept_license=accept_license,
        )  # fmt: skip
        if len(vividness) < 2:
            contenders.append(ModelContender(name, colorizer, known_share, seed))
        for value in vividness if len(vividness) > 1 else ():
            variant = copy.copy(colorizer)  # the network itself is shared
            variant.vividness = value
            contenders.append(ModelContender(f"{name}@{value:g}", variant, known_share, seed))
    return contenders
