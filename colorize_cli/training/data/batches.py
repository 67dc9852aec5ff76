"""The order of photos in a stage, as a function of its seed, and the loader that delivers the batches.

This module has no state to save: the order of an epoch follows from (seed, epoch), the crop of a
photograph from (seed, epoch, position in the epoch), its ageing from (seed, step, micro-batch). A run resumed at step
n therefore sees the same samples, with any number of workers, and each of several processes can take its own share of
the same order.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from colorize_cli.recipe import Augmentation, Stage
from colorize_cli.training.data.aging import Batch, as_found
from colorize_cli.training.data.catalogue import Catalogue, Item, PhotoStore
from colorize_cli.training.data.lab_photo import cropped
from colorize_cli.training.data.workers import PREFETCHED, loading
from colorize_cli.training.ranks import Ranks

LAMBDA = 0.5
_SIDE = 16  # pixels of a side that a photo is reduced to
_BINS = 16  # on each axis of a*b*


class Draw(NamedTuple):
    """One sample: epoch, position in the epoch, index of the photo, and side of the square in pixels."""

    epoch: int
    place: int
    photo: int
    size: int


def sampling_weights(
    items: Sequence[Item], source_weights: Mapping[str, float], small_share: float | None
) -> npt.NDArray[np.float64] | None:
    """Return the probability of drawing each photo, or None if all are equal and each is used once per epoch.

    ``small_share``: probability of a photo under 96 px; None excludes them. If only one kind exists, it gets 1.
    """
    weights = np.array([source_weights.get(item.source, 1.0) for item in items], np.float64)
    small = np.array([item.small for item in items])
    if small.any() and not small.all():
        for kind, share in ((small, small_share or 0.0), (~small, 1 - (small_share or 0.0))):
            weights[kind] *= share / weights[kind].sum()
    if np.ptp(weights) < 1e-12 * weights.max():
        return None
    return weights / weights.sum()


def rarity(store: PhotoStore) -> npt.NDArray[np.float64]:
    """Return the probability of each photo if photos are drawn by the rarity of their colors; the sum is 1.

    Hultgren, Kaya & Ekman (5.3) propose to resample the training data toward rare colors, after the class rebalancing
    of Zhang et al. 2016 (2.2). The weight of a color is theirs, 1 / ((1 - LAMBDA) p + LAMBDA / Q) for a share p of the
    pixels and Q colors that occur; a photo's weight is the mean over its pixels.
    """
    counts = np.stack([_color_counts(store.lab(index)) for index in range(len(store.catalogue.items))])
    shares = counts.sum(0) / counts.sum()
    occurring = shares > 0
    weights = np.zeros(_BINS * _BINS)
    weights[occurring] = 1 / ((1 - LAMBDA) * shares[occurring] + LAMBDA / occurring.sum())
    photos = counts @ weights
    result: npt.NDArray[np.float64] = photos / photos.sum()
    return result


def _color_counts(lab: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    small = cv2.resize(lab, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.int64)
    step = 256 // _BINS
    return np.bincount((small[..., 1] // step * _BINS + small[..., 2] // step).ravel(), minlength=_BINS * _BINS)


def favoring(
    weights: npt.NDArray[np.float64] | None, rarity: npt.NDArray[np.float64], share: float
) -> npt.NDArray[np.float64]:
    """Return ``weights`` (None: all equal) of which a ``share`` is multiplied by ``rarity``; the sum is 1."""
    usual = np.full(len(rarity), 1 / len(rarity)) if weights is None else weights
    rare = usual * rarity
    return (1 - share) * usual + share * rare / rare.sum()


@dataclass(frozen=True)
class Plan:
    """The order of a stage's samples. ``first_epoch``: epochs trained before this stage, so that orders differ."""

    photos: int
    weights: npt.NDArray[np.float64] | None
    drawn: int
    batch_size: int
    epochs: int
    seed: int
    first_epoch: int
    stage: Stage
    max_steps_per_epoch: int | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps per epoch; the last batch is filled up from the beginning of the order."""
        steps = math.ceil(self.drawn / self.batch_size)
        return steps if self.max_steps_per_epoch is None else min(steps, self.max_steps_per_epoch)

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole stage."""
        return self.steps_per_epoch * self.epochs

    def bytes_of_part(self, parts: int) -> int:
        """Return the most bytes that one of ``parts`` micro-batches of a step has: uint8 Lab and a label per photo."""
        side = max(size for _, size in self.stage.sizes)
        return math.ceil(self.batch_size / parts) * (side * side * 3 + 8)

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Return the photos of an epoch (counted from the stage's first), one index per sample."""
        rng = np.random.default_rng((self.seed, self.first_epoch + epoch))
        count = self.steps_per_epoch * self.batch_size
        if self.weights is not None:
            return rng.choice(self.photos, count, p=self.weights)
        rounds = math.ceil(count / self.photos)
        return np.concatenate([rng.permutation(self.photos) for _ in range(rounds)])[:count]

    def step(self, step: int, order: npt.NDArray[np.int64]) -> list[Draw]:
        """Return the samples of one optimizer step of the stage, from the order of its epoch."""
        epoch, within = divmod(step, self.steps_per_epoch)
        size = self.stage.size_at(step / self.steps)
        places = range(within * self.batch_size, (within + 1) * self.batch_size)
        return [Draw(self.first_epoch + epoch, place, int(order[place]), size) for place in places]


def plan_stage(
    stage: Stage,
    catalogue: Catalogue,
    source_weights: Mapping[str, float],
    *,
    seed: int,
    first_epoch: int,
    max_steps_per_epoch: int | None = None,
    rarity: npt.NDArray[np.float64] | None = None,
) -> Plan:
    """Return the order in which a stage uses the photos; an epoch draws as many as there are of the kinds it uses.

    A fractional number of epochs makes each epoch shorter: 1.5 epochs are two of three quarters. ``rarity``:
    probability of each photo by the rarity of its colors, for stages with ``rare_colors``.
    """
    weights = sampling_weights(catalogue.items, source_weights, stage.small_share)
    drawn = len(catalogue.items) if weights is None else int((weights > 0).sum())
    if stage.rare_colors and rarity is not None:
        weights = favoring(weights, rarity, stage.rare_colors)
    epochs = max(1, math.ceil(stage.epochs))
    drawn = math.ceil(drawn * stage.epochs / epochs)
    return Plan(
        photos=len(catalogue.items),
        weights=weights,
        drawn=drawn,
        batch_size=stage.batch_size,
        epochs=epochs,
        seed=seed,
        first_epoch=first_epoch,
        stage=stage,
        max_steps_per_epoch=max_steps_per_epoch,
    )


class _Crops(Dataset[tuple[npt.NDArray[np.uint8], int]]):
    def __init__(self, store: PhotoStore, how: Augmentation, seed: int, labels: npt.NDArray[np.int64]) -> None:
        self.store, self.how, self.seed, self.labels = store, how, seed, labels

    def __getitem__(self, draw: Draw) -> tuple[npt.NDArray[np.uint8], int]:
        rng = np.random.default_rng((self.seed, draw.epoch, draw.place, 1))
        return cropped(self.store.lab(draw.photo), draw.size, self.how, rng), int(self.labels[draw.photo])


class _PlannedBatches(Sampler[list[Draw]]):
    """The micro-batches of every step from ``start`` on: its samples in ``parts``; a rank takes its own."""

    def __init__(self, plan: Plan, start: int, parts: int, ranks: Ranks) -> None:
        self.plan, self.start, self.parts, self.ranks = plan, start, parts, ranks

    def __iter__(self) -> Iterator[list[Draw]]:
        epoch, order = -1, np.empty(0, np.int64)
        for step in range(self.start, self.plan.steps):
            if step // self.plan.steps_per_epoch != epoch:
                epoch = step // self.plan.steps_per_epoch
                order = self.plan.order(epoch)
            draws = self.plan.step(step, order)
            share = len(draws) // self.parts
            for part in range(self.ranks.rank, self.parts, self.ranks.world):
                yield draws[part * share : (part + 1) * share]


def _collate(samples: list[tuple[npt.NDArray[np.uint8], int]]) -> tuple[Tensor, Tensor]:
    crops, label = zip(*samples, strict=True)
    return torch.from_numpy(np.stack(crops)), torch.tensor(label)


def _clean(crops: Tensor, label: Tensor, device: torch.device) -> Batch:
    """Return a batch on the device for crops uint8 (N, S, S, 3), Lab as OpenCV stores it."""
    lab = crops.to(device, non_blocking=True).permute(0, 3, 1, 2).float()
    return Batch(lab[:, :1] * (100 / 255), (lab[:, 1:] - 128).contiguous(), label.to(device, non_blocking=True))


def step_batches(
    plan: Plan,
    store: PhotoStore,
    labels: npt.NDArray[np.int64],
    *,
    start: int,
    parts: int,
    workers: int,
    ranks: Ranks,
    device: torch.device,
    prefetched: int = PREFETCHED[0],
) -> Generator[list[Batch]]:
    """Yield, for every step from ``start`` on, the micro-batches of this process, aged on the device.

    Close the generator if it is not exhausted, so that the workers end.

    ``parts``: micro-batches per step, over all processes; ``workers``: decoding processes, 0 for none;
    ``prefetched``: micro-batches that each of them prepares.
    """
    loaded = loading(
        _Crops(store, plan.stage.augmentation, plan.seed, labels),
        workers=workers,
        prefetched=prefetched,
        batch_sampler=_PlannedBatches(plan, start, parts, ranks),
        collate_fn=_collate,
        pin_memory=torch.cuda.is_available(),
        # A separate generator: the loader draws a seed for its workers, which must not advance the dropout generator.
        generator=torch.Generator().manual_seed(plan.seed),
    )
    generator = torch.Generator(device)
    with loaded as stream:
        for step in range(start, plan.steps):
            batches = []
            for part in range(ranks.rank, parts, ranks.world):
                place = (plan.seed, plan.first_epoch, step, part, parts)
                generator.manual_seed(int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0] >> 1))
                crops, label = next(stream)
                batches.append(as_found(_clean(crops, label, device), plan.stage.augmentation, generator))
            yield batches
