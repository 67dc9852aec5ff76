"""The true color photographs of an evaluation: found, hashed, and converted to the gray input of models."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from colorize_cli.color_photos import PhotoReader, PhotoRef, list_photos
from colorize_cli.errors import UnreadablePhoto, UsageProblem
from colorize_cli.imaging.color import linear_to_srgb, luminance

Array = npt.NDArray[Any]
MEAN_CHROMA_SIDE = 64


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
