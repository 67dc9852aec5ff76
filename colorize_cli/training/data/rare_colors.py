"""How rare the colors of each photo are among all: weights for drawing photos with rare colors more often.

Hultgren, Kaya & Ekman (5.3) propose to resample the training data toward rare colors, after the class rebalancing of
Zhang et al. 2016 (2.2). The weight of a color is theirs, 1 / ((1 - LAMBDA) p + LAMBDA / Q) for a share p of the
pixels and Q colors that occur; a photo's weight is the mean over its pixels.
"""

import cv2
import numpy as np
import numpy.typing as npt

from colorize_cli.training.data.catalogue import PhotoStore

LAMBDA = 0.5
_SIDE = 16  # pixels of a side that a photo is reduced to
_BINS = 16  # on each axis of a*b*


def rarity(store: PhotoStore) -> npt.NDArray[np.float64]:
    """Return the probability of each photo if photos are drawn by the rarity of their colors; the sum is 1."""
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
