"""The library API: one loaded model that turns photographs into color."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
import torch
from PIL import Image

from colorize_cli._version import __version__
from colorize_cli.checkpoints.file import CheckpointInfo
from colorize_cli.checkpoints.foreign import load_network, open_checkpoint
from colorize_cli.checkpoints.input_format import input_format
from colorize_cli.checkpoints.locate import find_weights
from colorize_cli.compute import choose
from colorize_cli.entry import ModelEntry
from colorize_cli.errors import DeviceError, OutOfMemory, UsageProblem, WeightsInvalid
from colorize_cli.imaging.borders import extend, inner_box
from colorize_cli.imaging.codecs.write import WriteResult, write_pages
from colorize_cli.imaging.color import lightness
from colorize_cli.imaging.geometry import fit, resize, unfit
from colorize_cli.imaging.metadata.xmp import Provenance
from colorize_cli.imaging.photo import Photo
from colorize_cli.imaging.recombine.join import recombine
from colorize_cli.inference.alternatives import alternative_shifts
from colorize_cli.inference.color_options import (
    ColorizerOptions,
    check_decoding,
    default_parameters,
    recorded_parameters,
)
from colorize_cli.inference.correspondence import Cells, Correspondence, correspond
from colorize_cli.inference.encoding import compares_photos, describe, require_encoder
from colorize_cli.inference.forward import posterior, predicted
from colorize_cli.inference.fusion import fuse_batch_norm
from colorize_cli.inference.given import PagesOf, Picture, photo_of
from colorize_cli.inference.hints import Hints, fit_hints, read_hints, require_hints
from colorize_cli.inference.host_program import survive_fork, undisturbed
from colorize_cli.inference.memo import remembering
from colorize_cli.inference.prediction import Prediction, clamped, consensus, error_by_disagreement, second_size
from colorize_cli.inference.propagate import guide_of, with_hints, with_soft_hints
from colorize_cli.inference.reference import Guidance, Reference, read_reference
from colorize_cli.inference.variants import require_distribution
from colorize_cli.models.heads.uncertainty import ExpectsError, PredictsDistribution, confidence_of
from colorize_cli.registry import DEFAULT_MODEL, get

_Answer = tuple[np.ndarray, Guidance | None]


class Colorizer:
    """A model with trained weights on a device, ready to colorize.

    Parameters
    ----------
    model
        a name of the registry.
    weights
        a checkpoint file or a folder that holds one; None for the weights that come with the product.
    device, precision
        ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``; ``auto``, ``fp32``, ``bf16``, ``fp16``.
    vividness
        0 (safe, pale) to 1 (vivid, more mistakes); None for the checkpoint's own. Only models that predict a
        distribution of colors have it.
    size
        longer side, in pixels, of the picture given to the network; None for the model's own. Several sizes make a
        consensus: the median of what each of them gives.
    strength
        0..1, the share of the predicted chroma that is applied.
    keep_borders
        show the network the black or white borders of a scan too, not only the picture inside.
    hints
        a picture whose opaque (or, where all is opaque, colored) pixels are hints; see
        :mod:`colorize_cli.inference.hints`. It is laid over every photograph, whatever its size. A model that takes no
        hints is corrected around them; see :mod:`colorize_cli.inference.propagate`.
    reference
        a color photograph whose colors guide those of photographs that show the same things; others are colorized
        without it (:attr:`Prediction.guidance` says which). Only models with an encoder take one; see
        :mod:`colorize_cli.inference.correspondence`.
    decoding
        how a prediction becomes a color, for models that have a choice: ``temperature``, ``fallback``, ``score_blur``,
        ``smoothing``; see :class:`~colorize_cli.inference.color_options.DecodingOptions`.
    offline, accept_license
        never ask the Hub; agree to a licence that forbids commercial use.

    Raises
    ------
    UnknownModel, WeightsMissing, WeightsInvalid, DeviceError, UsageProblem

    Examples
    --------
    >>> from colorize_cli import Colorizer
    >>> colorizer = Colorizer("gan")  # doctest: +SKIP
    >>> colorizer.save("photo.jpg", "photo-color.jpg")  # doctest: +SKIP
    WriteResult(path=PosixPath('photo-color.jpg'), notes=())
    >>> colorizer("photo.jpg").show()  # doctest: +SKIP
    >>> colorizer.batch(["a.jpg", "b.png"])  # doctest: +SKIP
    [<PIL.Image.Image ...>, <PIL.Image.Image ...>]
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        *,
        weights: str | Path | None = None,
        device: str = "auto",
        precision: str = "auto",
        vividness: float | None = None,
        size: int | Sequence[int] | None = None,
        strength: float = 1.0,
        keep_borders: bool = False,
        hints: str | Path | Image.Image | None = None,
        reference: str | Path | Image.Image | Reference | None = None,
        decoding: Mapping[str, float] | None = None,
        offline: bool = False,
        accept_license: bool = False,
    ) -> None:
        self.entry = get(model)
        self.decoding = dict(decoding or {})
        check_decoding(self.entry, self.decoding)
        self.options = ColorizerOptions(
            model=model, weights=weights, device=device, precision=precision, vividness=vividness,
            size=tuple(size) if isinstance(size, Sequence) else size, strength=strength, keep_borders=keep_borders,
            hints=hints, reference=reference, offline=offline, accept_license=accept_license,
            **dict[str, Any](self.decoding),
        )  # fmt: skip
        _require_vividness(self.entry, vividness)
        self._hints = None if hints is None else read_hints(hints)
        self.reference = None if reference is None else read_reference(reference)
        self.path = find_weights(self.entry, weights, offline=offline, accept_license=accept_license)
        self.compute = choose(device, precision)
        survive_fork()
        with undisturbed():
            checkpoint = open_checkpoint(self.path, self.entry)
            if checkpoint.info.model != model:
                raise WeightsInvalid(
                    f"{self.path} holds weights of {checkpoint.info.model!r}, not of {model!r}.",
                    f"Use -m {checkpoint.info.model}.",
                )
            network = load_network(checkpoint, self.entry, str(self.path)).eval()
            self._own_choices = network.own_choices()
            network = fuse_batch_norm(network)
        self.info: CheckpointInfo = checkpoint.info
        self.input = input_format(self.entry, self.info.input)
        self.sizes = self.options.sizes or (self.input.size,)
        self.weights_sha256 = checkpoint.sha256
        self.vividness = vividness
        self.size = self.sizes[0]
        self.strength = strength
        self.keep_borders = keep_borders
        self.network = network.to(self.compute.device).to(memory_format=torch.channels_last)
        self._reference_cells: tuple[Cells, np.ndarray] | None = None
        self._guidance: dict[str, Guidance] | None = None  # by reference, where it is remembered
        if self.reference is not None:
            require_encoder(self.entry, self.network, self.compute.device)

    @property
    def device(self) -> torch.device:
        """The device that predictions run on."""
        return self.compute.device

    def provenance(self) -> Provenance:
        """Return what a result should record about how it was made."""
        given = recorded_parameters(self.options, self.input.size)
        return Provenance(
            model=self.entry.name,
            weights_sha256=self.weights_sha256,
            version=__version__,
            parameters=given,
            defaults=default_parameters(self.options, self.entry, self._own_choices, but=given),
        )

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
        is unsure (:mod:`colorize_cli.inference.alternatives`), by its distribution at the first of the working sizes.
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

    def adjusted(self, **choices: Any) -> Colorizer:
        """Return a colorizer with the same network and other choices: ``vividness``, ``strength``.

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

    def with_reference(self, reference: Reference | None) -> Colorizer:
        """Return a colorizer with the same network and another reference, or none.

        Raises :class:`UsageProblem` for a model without an encoder.
        """
        twin = copy.copy(self)
        twin.reference, twin._reference_cells = reference, None
        twin.options = replace(self.options, reference=reference)
        if reference is not None:
            require_encoder(self.entry, self.network, self.compute.device)
        return twin

    def remembering(self) -> Colorizer:
        """Return a colorizer whose network remembers what it said of each picture; meant for one photograph.

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

    def colorize(
        self, photo: Photo, ab: np.ndarray | None = None, *, depth: int | None = None, threads: int | None = None
    ) -> np.ndarray:
        """Return the photograph in color at full size: RGB (H, W, 3), uint8 or uint16 by ``depth``, the photo's own.

        ``ab``: a prediction of :meth:`predict` for it, where one is at hand. ``threads``: of the recombination, None
        for as many as there are processors, at most 4.
        """
        if ab is None:
            (ab,) = self.predict([photo.gray])
        chosen: Any = depth or photo.depth
        return recombine(photo.gray, ab, depth=chosen, strength=self.strength, threads=threads)

    def __call__(self, image: Picture) -> Image.Image:
        """Colorize a path, the bytes of a file, a PIL image or an array, and return a PIL image of the same size.

        Arrays are uint8 or uint16, (H, W) gray or (H, W, 3) RGB. The result is 8-bit RGB (RGBA where the source has
        transparency): the pixels that the command line writes for 8-bit photographs. :meth:`colorize` keeps 16 bits.
        """
        return self.batch([image])[0]

    def save(
        self,
        image: Picture,
        target: str | Path | BinaryIO,
        *,
        format: str | None = None,
        quality: int | None = None,
        overwrite: bool = False,
    ) -> WriteResult:
        """Colorize a path, the bytes of a file, a PIL image or an array, and write what the command line writes.

        That is: the depth and the metadata of the original, an sRGB profile, the provenance, all pages of a TIFF file
        (into a TIFF file), the file whole or not at all. Only files have metadata: a PIL image or an array has none
        here. What is in color already is colorized too. ``target``: a path, or a binary stream; ``format`` is that of
        its suffix, else that of the original; ``quality`` 1..100, by default the estimated one of the original.

        Returns the path and what the user should know. Raises :class:`PhotoError`, :class:`OutputExists` where the file
        exists and ``overwrite`` is off, and always for an original, :class:`OutputError`, :class:`UsageProblem` for
        a format that cannot hold it, :class:`OutOfMemory`.
        """
        place = target if isinstance(target, Path) or not isinstance(target, str) else Path(target)
        pages = PagesOf(image, whole_file_in=place if isinstance(place, Path) else None, format=format)
        colored = ((self.colorize(photo), photo) for photo in pages)
        written = write_pages(
            place, colored, provenance=self.provenance(), format=format, quality=quality, overwrite=overwrite
        )
        return replace(written, notes=tuple(dict.fromkeys((*pages.notes, *written.notes))))

    def batch(self, images: Sequence[Picture]) -> list[Image.Image]:
        """Colorize several images, predicting them together; see :meth:`__call__`."""
        photos = [photo_of(image) for image in images]
        predictions = self.predict([photo.gray for photo in photos])
        return [
            _with_alpha(self.colorize(photo, ab, depth=8), photo) for photo, ab in zip(photos, predictions, strict=True)
        ]


def _require_vividness(entry: ModelEntry, vividness: float | None) -> None:
    """Raise :class:`UsageProblem` where a vividness is given to a model that has none."""
    if vividness is not None and not entry.vividness:
        raise UsageProblem(f"Model '{entry.name}' does not take --vividness.", "Leave it out.")


def _with_alpha(rgb: np.ndarray, photo: Photo) -> Image.Image:
    picture = Image.fromarray(rgb)
    if photo.alpha is not None:
        alpha = photo.alpha if photo.alpha.dtype == np.uint8 else (photo.alpha >> 8).astype(np.uint8)
        picture.putalpha(Image.fromarray(alpha))
    return picture
