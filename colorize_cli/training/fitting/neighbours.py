"""Fit a neighbour regression to every inner pixel of all photos, in constant memory.

Least squares with any penalty on the coefficients depends on the data only through means and covariances of the 27
quantities of a sample: 25 inputs and 2 outputs. Those are summed photo by photo; then 27 artificial samples with
exactly these covariances (the rows of a factor F of C = F'F) replace 150 million as input to scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from colorize_cli.imaging.affinity import EIGHT
from colorize_cli.models.zhou_zhu.linear_neighbours import FEATURES, LinearNeighbours
from colorize_cli.recipe import Fitting
from colorize_cli.training.data.catalogue import Catalogue, PhotoStore
from colorize_cli.training.data.lab_photo import NotUsable
from colorize_cli.training.run_folder import RunFolder
from colorize_cli.training.terminal import TrainingProgress

Array = npt.NDArray[Any]
QUANTITIES = FEATURES + 2


def samples(lab: Array) -> Array:
    """Return the samples of one photo: float64 (pixels, 27), L* of the eight neighbours, a*, b*, L* of the pixel; a*b*.

    ``lab``: uint8 (H, W, 3) as OpenCV stores it. Every pixel except the border is a sample.
    """
    planes = lab.astype(np.float64) * (100 / 255, 1, 1) - (0, 128, 128)
    height, width = lab.shape[:2]
    middle = slice(1, height - 1), slice(1, width - 1)
    columns = [
        planes[1 + dy : height - 1 + dy, 1 + dx : width - 1 + dx, channel] for channel in range(3) for dy, dx in EIGHT
    ]
    columns += [planes[(*middle, channel)] for channel in range(3)]
    return np.stack(columns, -1).reshape(-1, QUANTITIES)


class Moments:
    """Sums over samples (n, 27): their number, mean and covariance."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = np.zeros(QUANTITIES)
        self._products = np.zeros((QUANTITIES, QUANTITIES))

    def add(self, rows: Array) -> None:
        """Add samples (n, 27)."""
        self.count += len(rows)
        self._sum += rows.sum(0)
        self._products += rows.T @ rows

    @property
    def mean(self) -> Array:
        """Mean (27,)."""
        return self._sum / self.count

    @property
    def covariance(self) -> Array:
        """Covariance (27, 27), divided by the number of samples."""
        centered: Array = self._products / self.count - np.outer(self.mean, self.mean)
        return centered


def coefficients(moments: Moments, constants: Mapping[str, float]) -> tuple[Array, Array]:
    """Return weight (2, 25) and intercept (2,) of the regression that scikit-learn fits to samples of these moments.

    ``constants``: none for least squares; ``l2`` for ridge regression, |y - Xw|^2 + l2 |w|^2; ``alpha`` and
    ``l1_ratio`` for lasso (1) and elastic net, |y - Xw|^2 / 2n + alpha (l1_ratio |w|_1 + (1 - l1_ratio) |w|^2 / 2).
    """
    from sklearn.linear_model import ElasticNet, LinearRegression, Ridge

    values, vectors = np.linalg.eigh(moments.covariance)
    factor = (vectors * np.sqrt(values.clip(0))).T
    if "alpha" in constants:
        # Its loss is a mean over samples: 27 of them, scaled so that the mean is correct.
        rows = factor * np.sqrt(QUANTITIES)
        model = ElasticNet(
            alpha=constants["alpha"], l1_ratio=constants["l1_ratio"], fit_intercept=False, max_iter=200_000, tol=1e-7
        )
    else:
        rows = factor * np.sqrt(moments.count)  # its loss is a sum over all samples
        model = (
            Ridge(constants["l2"], fit_intercept=False) if "l2" in constants else LinearRegression(fit_intercept=False)
        )
    model.fit(rows[:, :FEATURES], rows[:, FEATURES:])
    weight = np.asarray(model.coef_)
    return weight, moments.mean[FEATURES:] - weight @ moments.mean[:FEATURES]


def fit_neighbours(
    network: LinearNeighbours, training: Catalogue, fitting: Fitting, folder: RunFolder, progress: TrainingProgress
) -> dict[str, float]:
    """Fit the coefficients of a network in place; returns the mean squared errors of a* and b*."""
    store, moments = PhotoStore(training), Moments()
    for index in range(len(training.items)):
        try:
            moments.add(samples(store.lab(index)))
        except (NotUsable, OSError):
            continue
        progress.step("pixels", index + 1, len(training.items), {})
    weight, intercept = coefficients(moments, fitting.constants)
    network.weight.copy_(torch.from_numpy(weight))
    network.intercept.copy_(torch.from_numpy(intercept))
    to_error = np.concatenate([-weight, np.eye(2)], 1)
    errors = np.diag(to_error @ moments.covariance @ to_error.T)
    return {"mse_a": round(float(errors[0]), 6), "mse_b": round(float(errors[1]), 6)}
