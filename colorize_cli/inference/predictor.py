"""Chroma for gray pictures: one loaded network, what it predicts, and how sure it is."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Self

import cv2
import numpy as np
import torch

from colorize_cli.checkpoints.file import CheckpointInfo
from colorize_cli.checkpoints.input_format import input_format
from colorize_cli.checkpoints.locate import find_weights
from colorize_cli.compute import choose
from colorize_cli.entry import ModelEntry
from colorize_cli.errors import DeviceError, OutOfMemory, UsageProblem
from colorize_cli.imaging.borders import extend, inner_box
from colorize_cli.imaging.color import lightness
from colorize_cli.imaging.geometry import fit, resize, unfit
from colorize_cli.inference.color_options import (
    ColorizerOptions,
    check_decoding,
)
from colorize_cli.inference.correspondence import Cells, Correspondence, correspond
from colorize_cli.inference.forward import (
    compares_photos,
    describe,
    posterior,
    predicted,
    remembering,
    require_encoder,
)
from colorize_cli.inference.hints import Hints, fit_hints, read_hints, require_hints
from colorize_cli.inference.loading import load
from colorize_cli.inference.prediction import (
    Prediction,
    clamped,
    consensus,
    error_by_disagreement,
    second_size,
    steadied,
)
from colorize_cli.inference.propagate import guide_of, with_hints, with_soft_hints
from colorize_cli.inference.reference import Guidance, Reference, read_reference
from colorize_cli.inference.variants import alternative_shifts, require_distribution
from colorize_cli.models.heads.uncertainty import ExpectsError, PredictsDistribution, confidence_of
from colorize_cli.registry import get

_Answer = tuple[np.ndarray, Guidance | None]


class ChromaPredictor:
    """A model with trained weights on a device: a*b* for lightness. See :class:`.colorizer.Colorizer` for the choices.

    Raises :class:`UnknownModel`, :class:`WeightsMissing`, :class:`WeightsInvalid`, :class:`DeviceError` and
    :class:`UsageProblem`.
    """

    def __init__(self, options: ColorizerOptions) -> None:
        self.entry = get(options.model)
        self.decoding = options.decoding
        check_decoding(self.entry, self.decoding)
        self.options = options
        _require_vividness(self.entry, options.vividness)
        self._hints = None if options.hints is None else read_hints(options.hints)
        self.reference = None if options.reference is None else read_reference(options.reference)
        self.path = find_weights(
            self.entry, options.weights, offline=options.offline, accept_license=options.accept_license
        )
        self.compute = choose(options.device, options.precision)
        loaded = load(self.entry, self.path)
        self.info: CheckpointInfo = loaded.info
        self.weights_sha256 = loaded.sha256
        self.own_choices = loaded.own_choices
        self.input = input_format(self.entry, self.info.input)
        self.sizes = options.sizes or (self.input.size,)
        self.size = self.sizes[0]
        self.vividness = options.vividness
        self.strength = options.strength
        self.keep_borders = options.keep_borders
        self.network = loaded.network.to(self.compute.device).to(memory_format=torch.channels_last)
        self._reference_cells: tuple[Cells, np.ndarray] | None = None
        self._guidance: dict[str, Guidance] | None = None  # by reference, where it is remembered
        if self.reference is not None:
            require_encoder(self.entry, self.network, self.compute.device)

    @property
    def device(self) -> torch.device:
        """The device that predictions run on."""
        return self.compute.device

    def predict(self, grays: Sequence[np.ndarray], hints: Sequence[Hints | None] | None = None) -> list[np.ndarray]:
        """Predict the chroma of photographs given as sRGB gray, uint8 or uint16 (H, W), of any sizes.

        Returns one float32 array (2, h, w) for each: a*b* in Lab units at the model's own resolution, covering exactly
        the picture, limited to what sRGB can show. Pictures of one shape share a forward pass. Borders are cut off
        first and take the colors of the edge, unless the model itself takes hints, which lie over the whole.
        ``hints``: for each photograph its own or None, instead of those this object was made with. Raises
        :class:`OutOfMemory`, and :class:`UsageProblem` for a model that needs hints and has none.
        """
        return [planes[:2] for planes, _ in self._predict_planes(grays, hints, error=False)]

    def predict_with_confidence(
        self, grays: Sequence[np.ndarray], hints: Sequence[Hints | None] | None = None
    ) -> list[Prediction]:
        """Predict as :meth:`predict` does, and say how sure the model is.

        One forward pass serves both where the network knows its own error
        (:class:`~colorize_cli.models.heads.uncertainty.ExpectsError`). Any other is judged by how far its predictions
        for the picture, for its mirror image and at a smaller size lie apart. Raises :class:`OutOfMemory`.
        """
        return [
            Prediction(planes[:2], confidence_of(planes[2]), guidance)
            for planes, guidance in self._predict_planes(grays, hints, error=True)
        ]

    @property
    def has_confidence(self) -> bool:
        """Whether a prediction with its confidence costs no more than one without."""
        return isinstance(self.network, ExpectsError)

    @property
    def predicts_distribution(self) -> bool:
        """Whether there can be :meth:`variants`."""
        return isinstance(self.network, PredictsDistribution)

    @property
    def takes_reference(self) -> bool:
        """Whether its encoder can compare photographs, so that a reference is of use."""
        return compares_photos(self.network, self.compute.device)

    def variants(
        self, grays: Sequence[np.ndarray], predictions: Sequence[np.ndarray], count: int, seed: int = 0
    ) -> list[np.ndarray]:
        """Return for each photograph ``count`` plausible a*b*, float32 (count, 2, h, w), Lab units.

        The first is its prediction (2, h, w), the one of :meth:`predict`; the others have other hues where the model
        is unsure (:mod:`colorize_cli.inference.variants`), by its distribution at the first of the working sizes.
        Raises :class:`UsageProblem` for a model that predicts none, :class:`OutOfMemory`.
        """
        require_distribution(self.entry, predicted=self.predicts_distribution)
        return [self._variants(gray, ab, count, seed) for gray, ab in zip(grays, predictions, strict=True)]

    def _variants(self, gray: np.ndarray, prediction: np.ndarray, count: int, seed: int) -> np.ndarray:
        box = None if self.keep_borders else inner_box(gray)
        canvas, place = fit(gray if box is None else box.cut(gray), self.size, self.input.fit)
        light = lightness(canvas)[None]
        weights, colors = self._posterior(light[None])
        weights = unfit(weights[0], place)
        light = resize(unfit(light, place)[0], *weights.shape[1:])
        size = prediction.shape[:0:-1]
        results = [prediction]
        for shift in alternative_shifts(weights, colors[0], light, count - 1, seed):
            whole = shift if box is None else extend(shift, box, gray.shape)
            results.append(clamped(prediction + np.stack([cv2.resize(plane, size) for plane in whole])))
        return np.stack(results)

    def _predict_planes(
        self, grays: Sequence[np.ndarray], hints: Sequence[Hints | None] | None, *, error: bool
    ) -> list[_Answer]:
        """Return a*b* and, where asked for, the expected error: float32 (2 or 3, h, w), Lab units; and the guidance."""
        given = hints if hints is not None else [self._hints] * len(grays)
        require_hints(self.entry, all(one is not None for one in given))
        if self.entry.hints and any(one is not None for one in given):
            return [(self._of_hinted(gray, own, error=error), None) for gray, own in zip(grays, given, strict=True)]
        return [
            (planes if own is None else clamped(with_hints(planes, guide_of(gray), own)), guidance)
            for (planes, guidance), gray, own in zip(
                self._predict_inside(grays, error=error), grays, given, strict=True
            )
        ]

    def _of_hinted(self, gray: np.ndarray, hints: Hints | None, *, error: bool) -> np.ndarray:
        """Return the planes of one photograph by a network that takes hints itself."""
        if hints is None:
            return self._predict_inside([gray], error=error)[0][0]
        return self._predict_sizes([gray], [hints], error=error)[0]

    def _predict_inside(self, grays: Sequence[np.ndarray], *, error: bool) -> list[_Answer]:
        """Return the planes without hints, predicted from what lies inside the borders of the scans."""
        boxes = [None if self.keep_borders else inner_box(gray) for gray in grays]
        inside = [gray if box is None else box.cut(gray) for gray, box in zip(grays, boxes, strict=True)]
        answers = [
            self._guided(planes, gray)
            for planes, gray in zip(self._predict_sizes(inside, None, error=error), inside, strict=True)
        ]
        return [
            (planes if box is None else extend(planes, box, gray.shape), guidance)
            for (planes, guidance), box, gray in zip(answers, boxes, grays, strict=True)
        ]

    def _guided(self, planes: np.ndarray, gray: np.ndarray) -> _Answer:
        """Return the planes of a photograph drawn toward the colors of the reference, if both show the same things."""
        if self.reference is None:
            return planes, None
        guidance = (self._guidance or {}).get(self.reference.sha256)
        if guidance is None:
            guidance = Guidance(self._correspondence(gray, self.reference))
        if self._guidance is not None:
            self._guidance[self.reference.sha256] = guidance
        if not guidance.used:
            return planes, guidance
        return clamped(with_soft_hints(planes, guide_of(gray), guidance.found.hints)), guidance

    def _correspondence(self, gray: np.ndarray, reference: Reference) -> Correspondence:
        if self._reference_cells is None:
            cells = self._described(reference.gray)
            ab = [resize(np.ascontiguousarray(reference.ab[..., i]), *cells.shape) for i in (0, 1)]
            self._reference_cells = cells, np.stack(ab, -1)
        return correspond(self._described(gray), *self._reference_cells)

    def _described(self, gray: np.ndarray) -> Cells:
        with self._computing(1, self.size):
            return describe(self.network, gray, self.size, self.input.fit, self.compute.device)

    def _predict_sizes(
        self, grays: Sequence[np.ndarray], hints: Sequence[Hints] | None, *, error: bool
    ) -> list[np.ndarray]:
        maps = [self._predict(grays, size, hints, error=error) for size in self.sizes]
        results = maps[0] if len(maps) == 1 else [consensus(several) for several in zip(*maps, strict=True)]
        if self.entry.steadied and len(maps) == 1 and self.size > self.input.size:
            own = self._predict(grays, self.input.size, hints, error=error)
            results = [steadied(*both) for both in zip(own, results, strict=True)]
        if error and not self.has_confidence:
            others = self._predict(grays, second_size(min(self.sizes)), hints, error=False)
            return [error_by_disagreement(planes, other) for planes, other in zip(results, others, strict=True)]
        return results

    def _predict(
        self, grays: Sequence[np.ndarray], size: int, hints: Sequence[Hints] | None, *, error: bool
    ) -> list[np.ndarray]:
        fitted = [fit(gray, size, self.input.fit) for gray in grays]
        results: list[np.ndarray] = [np.empty(0)] * len(fitted)
        shapes = sorted({canvas.shape for canvas, _ in fitted})
        for shape in shapes:
            members = [i for i, (canvas, _) in enumerate(fitted) if canvas.shape == shape]
            batch = np.stack([lightness(fitted[i][0]) for i in members])[:, None]
            taken = None if hints is None else [fit_hints(hints[i], fitted[i][1]) for i in members]
            predictions = self._planes(batch, size, taken, error=error)
            for i, planes in zip(members, predictions, strict=True):
                results[i] = unfit(planes, fitted[i][1])
        return results

    def _planes(self, batch: np.ndarray, size: int, hints: Sequence[Hints] | None = None, *, error: bool) -> np.ndarray:
        """Run the network on L* (N, 1, H, W), and on the mirror images where the model is better for it.

        ``hints``: a*b* (2, H, W) and mask (1, H, W) for each, for networks that take them; such a one is not mirrored.
        """
        options: dict[str, Any] = dict(self.decoding)
        if self.vividness is not None:
            options["vividness"] = self.vividness
        if hints is not None:
            for name, planes in zip(("hints", "mask"), zip(*hints, strict=True), strict=True):
                options[name] = torch.from_numpy(np.stack(planes)).to(self.compute.device)
        with self._computing(len(batch), size):
            x = torch.from_numpy(batch).to(self.compute.device, memory_format=torch.channels_last)
            return clamped(predicted(self.network, x, options, mirror=self.input.mirror, error=error).cpu().numpy())

    def _posterior(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        options = self.decoding | ({} if self.vividness is None else {"vividness": self.vividness})
        network = self.network
        assert isinstance(network, PredictsDistribution)
        with self._computing(len(batch), self.size):
            x = torch.from_numpy(batch).to(self.compute.device, memory_format=torch.channels_last)
            weights, colors = posterior(network, x, options, mirror=self.input.mirror)
            return weights.cpu().numpy(), colors.cpu().numpy()

    def adjusted(self, **choices: Any) -> Self:
        """Return one with the same network and other choices: ``vividness``, ``strength``.

        Raises :class:`UsageProblem` for values that make no sense, or that the model does not have.
        """
        twin = copy.copy(self)
        for name, value in choices.items():
            if name not in ("vividness", "strength"):
                raise TypeError(f"{name} belongs to the loaded network")
            setattr(twin, name, value)
        twin.options = replace(self.options, **choices)
        _require_vividness(self.entry, twin.vividness)
        return twin

    def with_reference(self, reference: Reference | None) -> Self:
        """Return one with the same network and another reference, or none.

        Raises :class:`UsageProblem` for a model without an encoder.
        """
        twin = copy.copy(self)
        twin.reference, twin._reference_cells = reference, None
        twin.options = replace(self.options, reference=reference)
        if reference is not None:
            require_encoder(self.entry, self.network, self.compute.device)
        return twin

    def remembering(self) -> Self:
        """Return one whose network remembers what it said of each picture; meant for one photograph.

        Other choices than the first then cost the decoding of the answer only.
        """
        twin = copy.copy(self)
        twin.network = remembering(self.network)
        twin._guidance = {}
        return twin

    @contextlib.contextmanager
    def _computing(self, count: int, size: int) -> Iterator[None]:
        """Run the network on the device without gradients; memory that runs out is told in the user's words."""
        try:
            with torch.inference_mode(), self.compute.autocast():
                yield
        except torch.OutOfMemoryError as error_:
            raise OutOfMemory(
                f"{self.compute.device} ran out of memory with {count} photo(s) of {size} pixels.",
                "Use a smaller --size, or --device cpu.",
            ) from error_
        except RuntimeError as error_:
            if "forked subprocess" not in str(error_):
                raise
            raise DeviceError(
                f"{self.compute.device} cannot be used in a fork of the process that loaded the model.",
                "Load the model after the fork, or start processes with multiprocessing's 'spawn'.",
            ) from error_


def _require_vividness(entry: ModelEntry, vividness: float | None) -> None:
    """Raise :class:`UsageProblem` where a vividness is given to a model that has none."""
    if vividness is not None and not entry.vividness:
        raise UsageProblem(f"Model '{entry.name}' does not take --vividness.", "Leave it out.")
