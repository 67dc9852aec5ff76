"""The library API: one loaded model that turns photographs into color."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from colorize_cli._version import __version__
from colorize_cli.imaging.codecs.file_bytes import bytes_of
from colorize_cli.imaging.codecs.formats import format_of_suffix, normalize_format
from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.codecs.to_photo import photo_from_array, photo_from_pil
from colorize_cli.imaging.codecs.write import WriteResult, write_pages
from colorize_cli.imaging.metadata.xmp import Provenance
from colorize_cli.imaging.photo import Photo
from colorize_cli.imaging.recombine.join import recombine
from colorize_cli.inference.color_options import (
    ColorizerOptions,
    check_decoding,
    default_parameters,
    recorded_parameters,
)
from colorize_cli.inference.predictor import ChromaPredictor
from colorize_cli.inference.reference import Reference
from colorize_cli.registry import DEFAULT_MODEL, get

Picture = str | Path | bytes | Image.Image | np.ndarray
"""What a program may give to a colorizer: a path, the bytes of a file, a PIL image, or an array."""


class Colorizer(ChromaPredictor):
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
        consensus: the median of what each of them gives. At one size above the model's own, some models
        average the result with that at their own size (:attr:`.ModelEntry.steadied`).
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
        check_decoding(get(model), decoding or {})
        super().__init__(
            ColorizerOptions(
                model=model, weights=weights, device=device, precision=precision, vividness=vividness,
                size=tuple(size) if isinstance(size, Sequence) else size, strength=strength, keep_borders=keep_borders,
                hints=hints, reference=reference, offline=offline, accept_license=accept_license,
                **dict[str, Any](decoding or {}),
            )
        )  # fmt: skip

    def provenance(self) -> Provenance:
        """Return what a result should record about how it was made."""
        given = recorded_parameters(self.options, self.input.size)
        return Provenance(
            model=self.entry.name,
            weights_sha256=self.weights_sha256,
            version=__version__,
            parameters=given,
            defaults=default_parameters(self.options, self.entry, self.own_choices, but=given),
        )

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


def _with_alpha(rgb: np.ndarray, photo: Photo) -> Image.Image:
    picture = Image.fromarray(rgb)
    if photo.alpha is not None:
        alpha = photo.alpha if photo.alpha.dtype == np.uint8 else (photo.alpha >> 8).astype(np.uint8)
        picture.putalpha(Image.fromarray(alpha))
    return picture


def photo_of(image: Picture) -> Photo:
    """Return the photograph, of a file its first page. Raises :class:`PhotoError`."""
    if isinstance(image, Image.Image):
        return photo_from_pil(image)
    if isinstance(image, np.ndarray):
        return photo_from_array(image)
    return read_photo(Path(image) if isinstance(image, str) else image, digest=True)


class PagesOf:
    """The pages of what was given, decoded one by one as they are asked for.

    All of them where the result is a TIFF file: by ``format``, else the suffix of ``whole_file_in``, else the format of
    the original. ``notes``: what the user should know, complete when the last page has been taken.
    """

    def __init__(self, image: Picture, *, whole_file_in: Path | None, format: str | None) -> None:
        self._image, self._target, self._format = image, whole_file_in, format
        self.notes: list[str] = []

    def __iter__(self) -> Iterator[Photo]:
        if isinstance(self._image, Image.Image | np.ndarray):
            photo = photo_of(self._image)
            self.notes += photo.notes
            yield photo
            return
        path = None if isinstance(self._image, bytes) else Path(self._image)
        name = "the image" if path is None else str(path)
        data = bytes_of(self._image if path is None else path, name)
        number, count = 0, 1
        while number < count:
            photo = replace(read_photo(data, page=number, name=name, digest=True), path=path)
            self.notes += photo.notes
            if number == 0 and photo.pages > 1:
                if self._is_tiff(photo):
                    count = photo.pages
                else:
                    self.notes.append(f"only the first of {photo.pages} pages was colorized; use a TIFF file for all")
            yield photo
            number += 1

    def _is_tiff(self, photo: Photo) -> bool:
        if self._format is not None:
            return normalize_format(self._format) == "TIFF"
        by_name = format_of_suffix(self._target.suffix) if self._target is not None else None
        return (by_name or photo.format) == "TIFF"
