"""Classes for pretraining: folder names to numbers, and the prior of colors in the training photos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch

from colorize_cli.models.ab_bins import AbDecoder, soft_labels
from colorize_cli.training.batches import sampling_weights
from colorize_cli.training.catalogue import Item, PhotoStore
from colorize_cli.training.recipes import Recipe, Stage

_PRIOR_PHOTOS = 4000
_PRIOR_SIDE = 24
_PRIOR_FLOOR = 0.001


def class_indices(items: Sequence[Item], stage: Stage) -> tuple[npt.NDArray[np.int64], int]:
    """Return each photo's class number, -1 for none, and how many classes there are.

    Classes are the labels that at least ``smallest_class`` photos have, sorted by name. Stages that learn no classes
    have none.
    """
    if not stage.class_weight:
        return np.full(len(items), -1, np.int64), 0
    counts = Counter(item.label for item in items if item.label)
    names = sorted(name for name, count in counts.items() if count >= stage.smallest_class)
    numbers = {name: number for number, name in enumerate(names)}
    return np.array([numbers.get(item.label, -1) for item in items], np.int64), len(names)


def count_prior(decoder: AbDecoder, store: PhotoStore, recipe: Recipe, seed: int) -> None:
    """Store in the decoder how often each ab bin occurs in the training photos, as the last stage draws them.

    Counted with soft labels on up to 4,000 photos at 24x24 pixels; each bin gets a thousandth of an even share on top,
    so that colors never seen keep a finite logarithm.
    """
    items = store.catalogue.items
    weights = sampling_weights(items, recipe.source_weights, recipe.stages[-1].small_share)
    rng = np.random.default_rng(seed)
    if weights is None and len(items) <= _PRIOR_PHOTOS:
        chosen = np.arange(len(items))
    else:
        chosen = rng.choice(len(items), _PRIOR_PHOTOS, p=weights)
    centers = decoder.centers.cpu()
    counts = torch.zeros(len(centers), dtype=torch.float64)
    for index in np.sort(chosen):
        small = cv2.resize(store.lab(int(index)), (_PRIOR_SIDE, _PRIOR_SIDE), interpolation=cv2.INTER_AREA)
        ab = torch.from_numpy(small[..., 1:].astype(np.float32) - 128).permute(2, 0, 1)[None]
        indices, shares = soft_labels(ab, centers)
        counts.index_add_(0, indices.flatten(), shares.flatten().double())
    share = counts / counts.sum()
    share = (1 - _PRIOR_FLOOR) * share + _PRIOR_FLOOR / len(share)
    decoder.log_prior.copy_(share.log().float())
