"""The usable photos of a training run: read once, identified by content, split, labelled, decoded to a bounded cache.

Scanning decodes every photo once, in worker processes. A photo is identified by the hash of its bytes: copies count
once, the split does not depend on names or order, and photos added later do not move others to the other side.
Decoded pictures are stored in one file of raw uint8 Lab that workers map into memory: the operating system's page cache
holds what fits, so a run needs no memory of its own. Photos beyond the cache limit are decoded again each time.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset

from colorize_cli.color_photos import PhotoReader, PhotoRef, list_photos
from colorize_cli.errors import NoTrainingData, UnreadablePhoto
from colorize_cli.files import parse_json, write_text
from colorize_cli.recipe import Stage
from colorize_cli.training.data.lab_photo import NotUsable, decode_lab, label_of, source_of
from colorize_cli.training.data.workers import loading

Array = npt.NDArray[Any]
Tick = Callable[[int, int], None]
_LOG = logging.getLogger(__name__)

SMALL_SIDE = 96
"""Short side in pixels below which a photo counts as small: useful for learning objects, not detail."""
_PREFETCHED = 16
"""Photos that each scanning process reads ahead."""


@dataclass(frozen=True)
class Item:
    """One usable photo: how to reach it, the hash of its bytes (hex), its decoded size, and its position in the cache.

    ``offset``: byte in the cache file, -1 if it is not cached. ``source``: collection. ``label``: class by folder
    name.
    """

    ref: PhotoRef
    content: str
    height: int
    width: int
    source: str
    label: str
    offset: int = -1

    @property
    def small(self) -> bool:
        """Whether the short side is under 96 px."""
        return min(self.height, self.width) < SMALL_SIDE


@dataclass(frozen=True)
class Catalogue:
    """The photos of a run, sorted by content; ``skipped``: number left out, by reason. ``cache``: file or None."""

    items: tuple[Item, ...]
    skipped: dict[str, int] = field(default_factory=dict)
    cache: str | None = None
    side: int = 0

    @property
    def fingerprint(self) -> str:
        """Hash (hex) of the training data: contents, sources and labels, independent of file names."""
        digest = hashlib.sha256(str(self.side).encode())
        for item in self.items:
            digest.update(f"{item.content} {item.source} {item.label}\n".encode())
        return digest.hexdigest()

    def split(self, share: float, seed: int) -> tuple[Catalogue, Catalogue]:
        """Return (training, validation): each photo's side depends only on its content and the seed.

        Both sides get at least one photo. Raises :class:`NoTrainingData` for fewer than two photos.
        """
        if len(self.items) < 2:
            raise NoTrainingData(
                f"Training needs two or more usable photos; there {'is' if self.items else 'are'} {len(self.items)}.",
                "Add folders or archives with more color photographs.",
            )
        places = [split_place(item.content, seed) for item in self.items]
        limit = min(max(share, min(places)), sorted(places)[-2])
        sides = ([i for i, p in zip(self.items, places, strict=True) if (p <= limit) == low] for low in (False, True))
        training, validation = (replace(self, items=tuple(items)) for items in sides)
        return training, validation

    def without(self, other: Catalogue) -> Catalogue:
        """Return the photos whose content does not occur in ``other``."""
        known = {item.content for item in other.items}
        return replace(self, items=tuple(item for item in self.items if item.content not in known))


def split_place(content: str, seed: int) -> float:
    """Return the position (0..1) of a content hash in the split; validation takes those below its share."""
    digest = hashlib.blake2b(f"{seed}:{content}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


class PhotoStore:
    """Returns the Lab picture of an item, from the cache or by decoding; cheap to send to worker processes."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._reader: PhotoReader | None = None
        self._map: Array | None = None

    def __getstate__(self) -> dict[str, object]:
        return {"catalogue": self.catalogue, "_reader": None, "_map": None}

    def lab(self, index: int) -> Array:
        """Return Lab uint8 (H, W, 3) of the item at ``index``."""
        item = self.catalogue.items[index]
        if item.offset >= 0 and self.catalogue.cache is not None:
            if self._map is None:
                self._map = np.memmap(self.catalogue.cache, np.uint8, "r")
            end = item.offset + item.height * item.width * 3
            return self._map[item.offset : end].reshape(item.height, item.width, 3)
        return decode_lab(self.read(index), self.catalogue.side)

    def read(self, index: int) -> bytes:
        """Return the bytes of the item's file. Raises :class:`UnreadablePhoto` where it is gone by now."""
        if self._reader is None:
            self._reader = PhotoReader()
        ref = self.catalogue.items[index].ref
        try:
            return self._reader.read(ref)
        except Exception as error:  # zipfile and zlib raise many kinds
            raise UnreadablePhoto(
                f"'{ref.name}' can no longer be read ({error}).", "Put it back, then continue with --resume."
            ) from error


class _Scan(Dataset[tuple[str, Any]]):
    """Reads and decodes one ref: (content hash, Lab) or ("", reason)."""

    def __init__(self, refs: Sequence[PhotoRef], side: int) -> None:
        self.refs, self.side = refs, side
        self._reader: PhotoReader | None = None

    def __len__(self) -> int:
        return len(self.refs)

    def __getitem__(self, index: int) -> tuple[str, Any]:
        if self._reader is None:
            self._reader = PhotoReader()
        try:
            data = self._reader.read(self.refs[index])
            return hashlib.blake2b(data, digest_size=16).hexdigest(), decode_lab(data, self.side)
        except NotUsable as problem:
            return "", str(problem)
        except Exception:
            # zipfile and zlib raise many kinds on damaged members; in every case this photo is left out.
            return "", "unreadable"


def scan(
    places: Sequence[Path],
    folder: Path,
    side: int,
    *,
    name: str = "photos",
    workers: int = 0,
    cache_bytes: int = 4 << 30,
    limit: int | None = None,
    tick: Tick = lambda done, total: None,
) -> Catalogue:
    """Read every photo in ``places`` and return the catalogue of the usable ones.

    ``folder``: location of the cache and its index, called ``name``; they are reused while the files are unchanged.
    ``side``: maximum short side in pixels. ``limit``: photos to read, spread over all. ``tick``: called with
    the number of photos done and the total. Raises :class:`UsageProblem` for places that do not exist.
    """
    cv2.setNumThreads(0)
    listing = list_photos(places)
    refs = listing.photos
    if limit is not None and len(refs) > limit:
        refs = [refs[i * len(refs) // limit] for i in range(limit)]
    stamp = _stamp(refs, side, cache_bytes)
    index, cache = folder / f"{name}.json", folder / f"{name}.lab"
    if (known := _load(index, cache, stamp)) is not None:
        return known
    folder.mkdir(parents=True, exist_ok=True)
    index.unlink(missing_ok=True)
    items: dict[str, Item] = {}
    skipped: Counter[str] = Counter()
    if listing.unreadable:
        skipped["unreadable archive"] = len(listing.unreadable)
        for archive in listing.unreadable:
            _LOG.warning("The archive %s cannot be read and is left out.", archive)
    used = 0
    scanning = loading(
        _Scan(refs, side), workers=workers, prefetched=_PREFETCHED, batch_size=None, collate_fn=_as_it_is
    )
    with cache.open("wb") as file, scanning as scanned:
        for done, (ref, (content, result)) in enumerate(zip(refs, scanned, strict=True)):
            tick(done + 1, len(refs))
            if not content:
                skipped[result] += 1
            elif content in items:
                skipped["copy of another"] += 1
            else:
                fits = used + result.nbytes <= cache_bytes
                offset = used if fits else -1
                if fits:
                    file.write(result.tobytes())
                    used += result.nbytes
                height, width = result.shape[:2]
                items[content] = Item(ref, content, height, width, source_of(ref), label_of(ref), offset)
    ordered = tuple(items[content] for content in sorted(items))
    catalogue = Catalogue(ordered, dict(skipped), str(cache) if used else None, side)
    _save(index, catalogue, stamp)
    return catalogue


def _as_it_is(sample: Any) -> Any:
    return sample


def _stamp(refs: Iterable[PhotoRef], side: int, cache_bytes: int) -> str:
    digest = hashlib.sha256(f"{side} {cache_bytes}".encode())
    for ref in refs:
        digest.update(f"{ref.name} {ref.stamp} {ref.folders}\n".encode())
    return digest.hexdigest()


def _save(index: Path, catalogue: Catalogue, stamp: str) -> None:
    record = {"stamp": stamp, "skipped": catalogue.skipped, "cache": catalogue.cache is not None}
    rows: Iterator[str] = (json.dumps(asdict(item)) for item in catalogue.items)
    write_text(index, "\n".join([json.dumps({**record, "side": catalogue.side}), *rows]))


def _load(index: Path, cache: Path, stamp: str) -> Catalogue | None:
    """Return the catalogue saved earlier, None if there is none or the photo files have changed."""
    try:
        head, *rows = index.read_text(encoding="utf-8").splitlines()
        record = parse_json(head)
        if record["stamp"] != stamp:
            return None
        items = tuple(_item(parse_json(row)) for row in rows)
        needed = max((i.offset + i.height * i.width * 3 for i in items if i.offset >= 0), default=0)
        if needed and cache.stat().st_size < needed:
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Catalogue(items, record["skipped"], str(cache) if record["cache"] else None, record["side"])


def _item(row: dict[str, Any]) -> Item:
    ref = row.pop("ref")
    return Item(
        ref=PhotoRef(ref["file"], tuple(ref["members"]), tuple(ref["folders"]), tuple(ref["stamp"])),
        **row,
    )


def class_indices(items: Sequence[Item], stage: Stage) -> tuple[npt.NDArray[np.int64], int]:
    """Return each photo's class number, -1 for none, and how many classes there are.

    Classes are the labels that at least ``smallest_class`` photos have, sorted by name. Stages without classes
    get none.
    """
    if not stage.class_weight:
        return np.full(len(items), -1, np.int64), 0
    counts = Counter(item.label for item in items if item.label)
    names = sorted(name for name, count in counts.items() if count >= stage.smallest_class)
    numbers = {name: number for number, name in enumerate(names)}
    return np.array([numbers.get(item.label, -1) for item in items], np.int64), len(names)
