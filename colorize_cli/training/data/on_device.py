"""Photographs held on the device as one uint8 tensor, from which batches are cropped on the device.

A GPU trains a small network faster than sixteen cores can decode and augment photographs. So each photograph is decoded
once, the pixels of all are concatenated in one tensor, and the device crops, ages and converts whole batches to CIELAB.
"""

from __future__ import annotations

import io
import logging
import math
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from colorize_cli.archives import ZIP_ERRORS, Bounds, read_member
from colorize_cli.errors import UsageProblem
from colorize_cli.recipe import Augmentation
from colorize_cli.training.data.aging import Batch, Chance, as_found, lab_of, linear_of

_LOG = logging.getLogger(__name__)
LONGEST = 1.5
"""Maximum ratio of the longer to the shorter side; the middle of longer photographs is used."""


def decode(data: bytes, side: int) -> npt.NDArray[np.uint8] | None:
    """Return the middle of a photograph, RGB uint8 (H, W, 3), short side at most ``side``; None if unreadable."""
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if bgr is None:
        return None
    height, width = bgr.shape[:2]
    longest = int(LONGEST * min(height, width))
    top, left = max(0, height - longest) // 2, max(0, width - longest) // 2
    bgr = bgr[top : top + longest, left : left + longest]
    scale = side / min(bgr.shape[:2])
    if scale < 1:
        bgr = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    rgb: npt.NDArray[np.uint8] = np.ascontiguousarray(bgr[..., ::-1], np.uint8)
    return rgb


def _parts(items: Iterator[tuple[str, bytes]], count: int) -> Iterator[list[tuple[str, bytes]]]:
    while part := list(islice(items, count)):
        yield part


@dataclass(frozen=True)
class Decoded:
    """Decoded photographs of archives: ``pixels`` uint8 (P, 3) of all of them, and for each one its shape (rows,
    columns), its collection (the top-level folder) and its label (all folders).
    """

    pixels: Tensor
    shapes: list[tuple[int, int]]
    sources: list[str]
    labels: list[str]


def read_archives(archives: Sequence[Path], side: int, workers: int) -> Decoded:
    """Decode all photographs of zip archives in ``workers`` threads (OpenCV releases the GIL).

    Members that are no photographs, damaged or beyond the bounds of :mod:`colorize_cli.archives` are left out, and
    their number is logged. Raises :class:`UsageProblem` for an archive that cannot be opened or is beyond the bounds.
    """

    pixels, shapes, labels, left_out = [], [], [], 0
    with ThreadPoolExecutor(workers) as pool:
        # In parts, so that memory does not hold all compressed photographs besides the decoded ones.
        for part in _parts(_members(archives), 4096):
            for (label, _), rgb in zip(part, pool.map(lambda item: decode(item[1], side), part), strict=True):
                if rgb is None:
                    left_out += 1
                else:
                    pixels.append(torch.from_numpy(rgb.reshape(-1, 3)))
                    shapes.append((rgb.shape[0], rgb.shape[1]))
                    labels.append(label)
    if left_out:
        _LOG.warning("%d members of archives are no photographs or cannot be read, and are left out.", left_out)
    joined = torch.cat(pixels) if pixels else torch.empty(0, 3, dtype=torch.uint8)
    return Decoded(joined, shapes, [label.split("/")[0] for label in labels], labels)


def _members(archives: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield label and bytes of every file in the archives, no bytes where it cannot be read."""
    for archive in archives:
        try:
            opened = zipfile.ZipFile(io.BytesIO(archive.read_bytes()))
            Bounds().check(opened, 1)
        except ZIP_ERRORS as error:
            raise UsageProblem(
                f"The archive '{archive}' cannot be read: {error}.", "Copy it again or leave it out."
            ) from error
        with opened:
            for name in opened.namelist():
                if name.endswith("/"):
                    continue
                try:
                    data = read_member(opened, name)
                except (*ZIP_ERRORS, zlib.error):
                    data = b""
                yield "/".join(Path(name).parts[:-1]) or archive.stem, data


class DevicePhotos:
    """Photographs on the device: ``pixels`` uint8 (P, 3), and the offset, shape, collection and label of each."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.pixels = torch.empty(0, 3, dtype=torch.uint8, device=device)
        self.shapes: list[tuple[int, int]] = []
        self.sources: list[str] = []
        self.labels: list[str] = []

    def __len__(self) -> int:
        return len(self.shapes)

    def add(self, decoded: Decoded) -> None:
        """Add photographs."""
        self.pixels = torch.cat([self.pixels, decoded.pixels.to(self.device)])
        self.shapes += decoded.shapes
        self.sources += decoded.sources
        self.labels += decoded.labels
        shape = torch.tensor(self.shapes, device=self.device).view(-1, 2)
        end = shape.prod(1).cumsum(0)
        self._tables = end - shape.prod(1), shape[:, 0], shape[:, 1]

    def tables(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return offsets, heights and widths of all photographs, int64 on the device."""
        return self._tables

    def weights(self, by_source: Mapping[str, float]) -> Tensor:
        """Return the probability of each photograph, float32 (n,), in proportion to the weight of its source."""
        return torch.tensor([by_source.get(name, 1.0) for name in self.sources], device=self.device)

    def class_numbers(self, smallest: int) -> tuple[Tensor, int]:
        """Return the class of each photograph, int64 (n,), -1 for none, and the number of classes.

        A label of at least ``smallest`` photographs is a class; classes are numbered by name.
        """
        counts = Counter(self.labels)
        numbers = {name: i for i, name in enumerate(sorted(n for n, count in counts.items() if count >= smallest))}
        of_all = [numbers.get(label, -1) for label in self.labels]
        return torch.tensor(of_all, dtype=torch.int64, device=self.device), len(numbers)


def crops(photos: DevicePhotos, chosen: Tensor, size: int, how: Augmentation, chance: Chance) -> Tensor:
    """Return sRGB (N, 3, size, size) in 0..1: a random square of each chosen photograph."""
    offset, height, width = (table[chosen].view(-1, 1, 1) for table in photos.tables())
    area = chance.uniform(*(how.area or (1.0, 1.0)), shape=(1, 1)) * torch.minimum(height, width) ** 2
    stretch = torch.exp(chance.uniform(-1, 1, shape=(1, 1)) * math.log(how.aspect))
    rows = torch.minimum((area / stretch).sqrt(), height)
    columns = torch.minimum((area * stretch).sqrt(), width)
    top = chance.uniform(shape=(1, 1)) * (height - rows)
    left = chance.uniform(shape=(1, 1)) * (width - columns)
    grid = (torch.arange(size, device=photos.device) + 0.5) / size
    across = torch.where(chance.uniform(shape=(1, 1)) >= how.flip, grid.view(1, 1, -1), 1 - grid.view(1, 1, -1))
    y = (top + rows * grid.view(1, -1, 1) - 0.5).clamp(min=0)
    x = (left + columns * across - 0.5).clamp(min=0)
    y0, x0 = torch.minimum(y.floor().long(), height - 1), torch.minimum(x.floor().long(), width - 1)
    y1, x1 = torch.minimum(y0 + 1, height - 1), torch.minimum(x0 + 1, width - 1)
    fy, fx = (y - y0)[..., None], (x - x0)[..., None]

    def at(row: Tensor, column: Tensor) -> Tensor:
        return photos.pixels[offset + row * width + column].float()

    above = torch.lerp(at(y0, x0), at(y0, x1), fx)
    below = torch.lerp(at(y1, x0), at(y1, x1), fx)
    return torch.lerp(above, below, fy).permute(0, 3, 1, 2) / 255


def batch(
    photos: DevicePhotos,
    chosen: Tensor,
    size: int,
    how: Augmentation,
    generator: torch.Generator,
    classes: Tensor | None = None,
) -> Batch:
    """Return the augmented batch of the chosen photographs (indices, int64), with their ``classes``, if given."""
    lab = lab_of(linear_of(crops(photos, chosen, size, how, Chance(len(chosen), generator))))
    label = torch.full((len(chosen),), -1, device=photos.device) if classes is None else classes[chosen]
    return as_found(Batch(lab[:, :1], lab[:, 1:].contiguous(), label), how, generator)
