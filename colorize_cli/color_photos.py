"""Find, read and decode color photographs for training and evaluation, in folders and .zip archives (nested too).

A :class:`PhotoRef` tells how to reach one photo; a :class:`PhotoReader` reads its bytes and keeps archives open, so
each worker process has its own handles. Archives are read in place, never unpacked. :func:`decode_color` returns the
image in sRGB.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from colorize_cli.archives import ZIP_ERRORS, Bounds, open_nested, read_member
from colorize_cli.errors import OwnResult, UsageProblem
from colorize_cli.imaging.codecs.formats import READABLE_SUFFIXES
from colorize_cli.imaging.codecs.raster import Raster
from colorize_cli.imaging.codecs.read import read_raster
from colorize_cli.imaging.metadata.exif import turn_upright
from colorize_cli.imaging.metadata.xmp import provenance_of_xmp

_OPEN_AT_MOST = 128
"""Archives that one reader keeps open: each inside another has a copy in memory or on disk."""
_RUN_MARK, _RUN_HEAD = b'"recipe"', 1 << 20


@dataclass(frozen=True)
class PhotoRef:
    """One photograph: ``file`` on disk, and the names to follow inside it when it is an archive.

    ``folders``: the folders that contain it, below the given folder or the innermost archive. ``stamp``: size and
    checksum (in archives) or modification time (on disk), to detect that a file was replaced.
    """

    file: str
    members: tuple[str, ...]
    folders: tuple[str, ...]
    stamp: tuple[int, int]

    @property
    def name(self) -> str:
        """Path to show, archive members after ``!``."""
        return "!".join((self.file, *self.members))


@dataclass
class Listing:
    """The photos found, and the archives that could not be opened, each with the reason."""

    photos: list[PhotoRef]
    unreadable: list[str]


def list_photos(places: Sequence[Path]) -> Listing:
    """Return every photo in ``places``, sorted by name, without decoding any.

    Raises :class:`UsageProblem` for a place that does not exist.
    """
    found: dict[tuple[str, tuple[str, ...]], PhotoRef] = {}
    unreadable: list[str] = []
    for place in places:
        if not place.exists():
            raise UsageProblem(f"There is no file or folder called '{place}'.")
        for path in _walk(place):
            folders = path.relative_to(place).parent.parts if place.is_dir() else ()
            for ref in _photos_of(path, folders, unreadable):
                found[ref.file, ref.members] = ref
    return Listing([found[key] for key in sorted(found)], unreadable)


def _walk(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    for folder, subfolders, names in os.walk(place):
        if Path(folder) != place and is_run_folder(Path(folder)):
            subfolders.clear()
            continue
        subfolders[:] = sorted(name for name in subfolders if not _hidden(name))
        yield from (Path(folder, name) for name in sorted(names) if not _hidden(name))


def is_run_folder(folder: Path) -> bool:
    """Return whether a training run wrote this folder: its strips of pictures are no photographs to learn from."""
    try:
        with (folder / "run.json").open("rb") as file:
            return _RUN_MARK in file.read(_RUN_HEAD)
    except OSError:
        return False


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _photos_of(path: Path, folders: tuple[str, ...], unreadable: list[str]) -> Iterator[PhotoRef]:
    suffix = path.suffix.lower()
    file = str(path.resolve())
    if suffix in READABLE_SUFFIXES:
        status = path.stat()
        yield PhotoRef(file, (), folders, (status.st_size, status.st_mtime_ns))
    elif suffix == ".zip":
        try:
            with zipfile.ZipFile(path) as archive:
                yield from _members(archive, file, (), unreadable, Bounds())
        except ZIP_ERRORS as error:
            unreadable.append(_with_reason(file, error))


def _members(
    archive: zipfile.ZipFile, file: str, above: tuple[str, ...], unreadable: list[str], bounds: Bounds
) -> Iterator[PhotoRef]:
    bounds.check(archive, len(above) + 1)
    for entry in archive.infolist():
        path = PurePosixPath(entry.filename)
        if entry.is_dir() or any(_hidden(part) for part in path.parts):
            continue
        members = (*above, entry.filename)
        if path.suffix.lower() in READABLE_SUFFIXES:
            yield PhotoRef(file, members, path.parent.parts, (entry.file_size, entry.CRC))
        elif path.suffix.lower() == ".zip":
            try:
                with open_nested(archive, entry.filename) as nested:
                    yield from _members(nested, file, members, unreadable, bounds)
            except ZIP_ERRORS as error:
                unreadable.append(_with_reason("!".join((file, *members)), error))


def _with_reason(name: str, error: Exception) -> str:
    return f"'{name}' ({error})"


class PhotoReader:
    """Reads the bytes of photos and keeps archives open. Create one per process."""

    def __init__(self) -> None:
        self._archives: OrderedDict[tuple[str, ...], zipfile.ZipFile] = OrderedDict()

    def read(self, ref: PhotoRef) -> bytes:
        """Return the bytes of a photo; raises OSError (or a zipfile error) when they cannot be read."""
        if not ref.members:
            return Path(ref.file).read_bytes()
        return read_member(self._archive((ref.file, *ref.members[:-1])), ref.members[-1])

    def _archive(self, chain: tuple[str, ...]) -> zipfile.ZipFile:
        if chain not in self._archives:
            opened = zipfile.ZipFile(chain[0]) if len(chain) == 1 else open_nested(self._archive(chain[:-1]), chain[-1])
            self._archives[chain] = opened
            if len(self._archives) > _OPEN_AT_MOST:
                self._archives.popitem(last=False)[1].close()
        self._archives.move_to_end(chain)
        return self._archives[chain]


def decode_color(data: bytes, name: str, *, at_least: int | None = None) -> npt.NDArray[np.uint8]:
    """Return the picture in a file: upright sRGB (H, W, 3) uint8, its ICC profile applied, 16 bits rounded to 8.

    ``at_least``: a JPEG may be decoded at a reduced size, as long as no side is shorter than this. ``name``: for
    messages. Raises a :class:`~colorize_cli.errors.PhotoError` for data that cannot be decoded, and for results of
    this program.
    """
    raster = read_raster(data, name, at_least=at_least)
    if raster.metadata.xmp is not None and provenance_of_xmp(raster.metadata.xmp) is not None:
        raise OwnResult(f"{name} is a result of colorize, not a photograph.", "Leave it out.")
    return srgb_of(raster)


def srgb_of(raster: Raster) -> npt.NDArray[np.uint8]:
    """Return decoded samples as upright sRGB (H, W, 3) uint8, the ICC profile applied."""
    samples = raster.samples
    if samples.dtype == np.uint16:
        samples = ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return turn_upright(_to_srgb(np.ascontiguousarray(samples), raster.icc), raster.orientation)


def _to_srgb(samples: npt.NDArray[Any], profile: bytes | None) -> npt.NDArray[np.uint8]:
    """Return RGB of gray (H, W), RGB (H, W, 3) or CMYK (H, W, 4) samples; a damaged profile is ignored."""
    image = Image.fromarray(samples)
    if samples.ndim == 3 and samples.shape[2] == 4:
        image = Image.frombytes("CMYK", image.size, samples.tobytes())
    if profile and image.mode in ("RGB", "CMYK"):
        try:
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, io.BytesIO(profile), target, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            converted = None
        image = converted or image
    return np.asarray(image.convert("RGB"))
