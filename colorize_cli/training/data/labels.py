"""Classes for pretraining (folder names as numbers) and color statistics of the training photos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from colorize_cli.models.network import ColorizationNet
from colorize_cli.recipe import Recipe, Stage
from colorize_cli.training.data.batches import sampling_weights
from colorize_cli.training.data.catalogue import Item, PhotoStore

_SAMPLE_PHOTOS = 4000
_FROM_BYTES = (100 / 255, 1, 1)


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


def color_samples(store: PhotoStore, recipe: Recipe, seed: int, side: int) -> Iterator[Tensor]:
    """Yield Lab (1, 3, side, side) of up to 4,000 training photos as the last stage draws them."""
    items = store.catalogue.items
    weights = sampling_weights(items, recipe.source_weights, recipe.stages[-1].small_share)
    rng = np.random.default_rng(seed)
    if weights is None and len(items) <= _SAMPLE_PHOTOS:
        chosen = np.arange(len(items))
    else:
        chosen = rng.choice(len(items), _SAMPLE_PHOTOS, p=weights)
    for index in np.sort(chosen):
        small = cv2.resize(store.lab(int(index)), (side, side), interpolation=cv2.INTER_AREA)
        lab = small.astype(np.float32) * _FROM_BYTES - (0, 128, 128)
        yield torch.from_numpy(lab.astype(np.float32)).permute(2, 0, 1)[None]


def count_colors(network: ColorizationNet, store: PhotoStore, recipe: Recipe, seed: int) -> None:
    """Give the network the color statistics of the training photos: priors, class weights, means of bins."""
    pixels = len(store.catalogue.items) * recipe.stages[-1].size ** 2
    side = network.color_sample_side(recipe.stages[-1].size)
    network.count_colors(color_samples(store, recipe, seed, side), pixels)
