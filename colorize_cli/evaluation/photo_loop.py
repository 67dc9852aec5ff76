"""The photographs of an evaluation: found, hashed, converted to gray, colorized by every contender, compared."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import local
from typing import Any
from typing import Protocol as Shape

import numpy as np
import numpy.typing as npt
from PIL import Image

from colorize_cli.color_photos import PhotoReader, PhotoRef, decode_color, list_photos
from colorize_cli.errors import OutOfMemory, PhotoError, UnreadablePhoto, UsageProblem
from colorize_cli.evaluation.contenders import Contender
from colorize_cli.evaluation.metrics.measure import Measurement, Picture, measure
from colorize_cli.evaluation.protocols import Protocol
from colorize_cli.evaluation.results import PhotoResult
from colorize_cli.evaluation.summary import Interval
from colorize_cli.imaging.color import linear_to_srgb, luminance

Array = npt.NDArray[Any]
MEAN_CHROMA_SIDE = 64
_NO_COLOR = 1.0
"""a* and b*, Lab units, that rounding and JPEG leave in a gray picture at most."""
_handles = local()


@dataclass(frozen=True)
class Photograph:
    """A photograph to evaluate on: its index in the list, the name shown, and where to read it."""

    index: int
    name: str
    ref: PhotoRef


def find_photographs(places: Sequence[Path], limit: int | None = None, seed: int = 0) -> list[Photograph]:
    """Return the photographs in files, folders and .zip archives (nested ones too), sorted by name.

    ``limit`` keeps this many, chosen by a hash of ``seed`` and the name: the same on every machine, and mostly
    stable when photographs are added. Raises :class:`UsageProblem` for an empty list or a broken archive.
    """
    listing = list_photos(places)
    if listing.unreadable:
        raise UsageProblem(f"This archive cannot be opened: {listing.unreadable[0]}.", "Copy it again or leave it out.")
    if not listing.photos:
        raise UsageProblem(
            f"There are no photographs in {', '.join(map(str, places))}.", "Give files, folders or .zip archives."
        )
    names = _short_names([ref.name for ref in listing.photos])
    chosen = list(range(len(names)))
    if limit is not None and limit < len(names):
        order = sorted(chosen, key=lambda i: hashlib.sha256(f"{seed}:{names[i]}".encode()).digest())
        chosen = sorted(order[:limit])
    return [Photograph(place, names[i], listing.photos[i]) for place, i in enumerate(chosen)]


def _short_names(names: Sequence[str]) -> list[str]:
    """Drop the folders that all names share, so that results do not depend on where the photographs are stored."""
    parents = [os.path.dirname(name.partition("!")[0]) for name in names]  # noqa: PTH120
    common = os.path.commonpath(parents)
    return [Path(os.path.relpath(name, common)).as_posix() for name in names]


def list_hash(hashes: Iterable[tuple[str, str]]) -> str:
    """Return the sha256 that identifies a list of photographs: (name, sha256 of the file) pairs in any order.

    Only the contents count, so that a renamed folder or an archive of the same files gives the same hash.
    """
    return hashlib.sha256("\n".join(sorted(sha256 for _, sha256 in hashes)).encode()).hexdigest()


def read_bytes(reader: PhotoReader, photo: Photograph) -> bytes:
    """Return the bytes of a photograph's file; raises :class:`UnreadablePhoto`."""
    try:
        return reader.read(photo.ref)
    except Exception as error:  # zipfile, zlib and the system raise a dozen kinds
        raise UnreadablePhoto(f"{photo.name} cannot be read: {error}.", "Copy it again or leave it out.") from error


def gray_of(rgb: Array) -> Array:
    """Return the sRGB gray, uint16 (H, W), with the exact CIE L* of a picture (H, W, 3) uint8."""
    return np.rint(linear_to_srgb(luminance(rgb)) * 65535).astype(np.uint16)


def small_copy(rgb: Array) -> Array:
    """Return the picture at 64x64 pixels (uint8), used for the mean chroma of the baseline."""
    side = MEAN_CHROMA_SIDE
    return np.asarray(Image.fromarray(rgb).resize((side, side), Image.Resampling.BOX))


class Critic(Shape):
    """Measures single pictures, and at the end the whole set, with a pretrained network."""

    def add(self, true: Array, predicted: Array, contender: str) -> dict[str, float]:
        """Add a pair of pictures (H, W, 3) uint8; return its values by metric key."""
        ...

    def figures(self) -> Mapping[str, Mapping[str, float | Interval]]:
        """Return the figures of the whole set, by contender and metric key."""
        ...


@dataclass(frozen=True)
class Surveyed:
    """A first look at a photograph: the hash of its file and its mean a*b* (2,), or the reason it cannot be used."""

    photo: Photograph
    sha256: str
    mean_ab: Array
    error: str = ""
    gray: bool = False


@dataclass(frozen=True)
class Loaded:
    """The true picture under the protocol, and the gray that contenders are given."""

    truth: Picture
    gray: Array


def _reader() -> PhotoReader:
    """Return this thread's reader: open archives cannot be shared."""
    if not hasattr(_handles, "reader"):
        _handles.reader = PhotoReader()
    reader: PhotoReader = _handles.reader
    return reader


def survey(
    photos: Sequence[Photograph], *, workers: int = 2, advance: Callable[[], None] = lambda: None
) -> list[Surveyed]:
    """Hash every photograph and take its mean a*b*, for the list's hash and the mean-chroma baseline."""

    def look(photo: Photograph) -> Surveyed:
        unknown = np.full(2, np.nan)
        try:
            data = read_bytes(_reader(), photo)
        except PhotoError as error:
            return Surveyed(photo, "", unknown, str(error))
        sha256 = hashlib.sha256(data).hexdigest()
        try:
            small = Picture(small_copy(decode_color(data, photo.name)))
        except PhotoError as error:
            return Surveyed(photo, sha256, unknown, str(error))
        if float(np.abs(small.ab).max()) < _NO_COLOR:
            reason = f"{photo.name} is gray: it has no colors to compare with."
            return Surveyed(photo, sha256, unknown, reason, gray=True)
        return Surveyed(photo, sha256, small.ab.reshape(-1, 2).mean(axis=0, dtype=np.float64))

    surveyed = []
    with ThreadPoolExecutor(workers) as pool:
        for seen in pool.map(look, photos):
            surveyed.append(seen)
            advance()
    return surveyed


def load(photo: Photograph, protocol: Protocol) -> Loaded:
    """Return a photograph as the protocol transforms it; raises a :class:`PhotoError`."""
    rgb = protocol.fit(decode_color(read_bytes(_reader(), photo), photo.name))
    return Loaded(Picture(rgb), gray_of(rgb))


def evaluate(
    surveyed: Sequence[Surveyed],
    contenders: Sequence[Contender],
    protocol: Protocol,
    *,
    batch: int = 8,
    workers: int = 2,
    critics: Sequence[Critic] = (),
    advance: Callable[[], None] = lambda: None,
) -> Iterator[PhotoResult]:
    """Yield the result of every photograph in order; for a failed one, its error and no measurement.

    ``batch`` photographs are predicted together and held in memory at a time. A :class:`PhotoError` of a single
    photograph is recorded; a missing model or device ends the run.
    """
    size = 1 if protocol.geometry == "native" else batch
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(surveyed), size):
            group = surveyed[start : start + size]
            yield from _evaluate_group(group, contenders, protocol, pool, critics)
            for _ in group:
                advance()


def _evaluate_group(
    group: Sequence[Surveyed],
    contenders: Sequence[Contender],
    protocol: Protocol,
    pool: ThreadPoolExecutor,
    critics: Sequence[Critic],
) -> Iterator[PhotoResult]:
    results = {seen.photo.index: _blank(seen) for seen in group}
    loaded: dict[int, Loaded] = {}

    def try_load(seen: Surveyed) -> Loaded | PhotoError:
        try:
            return load(seen.photo, protocol)
        except PhotoError as error:
            return error

    sound = [seen for seen in group if not seen.error]
    for seen, outcome in zip(sound, pool.map(try_load, sound), strict=True):
        index = seen.photo.index
        if isinstance(outcome, PhotoError):
            results[index].error = str(outcome)
        else:
            loaded[index] = outcome
            results[index].height, results[index].width = outcome.gray.shape
            results[index].histogram = outcome.truth.histogram
    colorized: dict[int, list[Picture]] = {index: [] for index in loaded}
    for contender in contenders:
        for index, painted in _colorize(contender, loaded):
            if isinstance(painted, Picture):
                colorized[index].append(painted)
            else:
                results[index].error, results[index].contender = str(painted), contender.name
                del loaded[index]
    done = list(loaded)
    for index, measurements in zip(
        done, pool.map(lambda i: _measure_all(loaded[i].truth, colorized[i], protocol), done), strict=True
    ):
        for contender, predicted, measurement in zip(contenders, colorized[index], measurements, strict=True):
            for critic in critics:
                measurement.values.update(critic.add(loaded[index].truth.rgb, predicted.rgb, contender.name))
            results[index].measurements[contender.name] = measurement
    yield from results.values()


def _blank(seen: Surveyed) -> PhotoResult:
    return PhotoResult(seen.photo.index, seen.photo.name, seen.sha256, error=seen.error)


def _measure_all(truth: Picture, predicted: Sequence[Picture], protocol: Protocol) -> list[Measurement]:
    return [measure(truth, picture, ct2=protocol.ct2_ssim) for picture in predicted]


def _colorize(contender: Contender, loaded: dict[int, Loaded]) -> list[tuple[int, Picture | PhotoError]]:
    """Colorize all photographs together; if that fails, one by one, to find the one that fails."""
    indices = list(loaded)
    if not indices:
        return []
    try:
        colorized = contender.colorize_beside(
            [loaded[i].gray for i in indices], indices, [loaded[i].truth.ab for i in indices]
        )
        return [(index, Picture(rgb)) for index, rgb in zip(indices, colorized, strict=True)]
    except (PhotoError, OutOfMemory):
        # A single photograph may also fit into memory when a batch did not.
        return [(index, _colorize_one(contender, index, loaded)) for index in indices]


def _colorize_one(contender: Contender, index: int, loaded: dict[int, Loaded]) -> Picture | PhotoError:
    try:
        return Picture(contender.colorize_beside([loaded[index].gray], [index], [loaded[index].truth.ab])[0])
    except PhotoError as error:
        return error
