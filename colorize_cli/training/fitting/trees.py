"""Fit the tree models one by one: each is converted to arrays, written to a file, and released.

Memory holds only the photos at the size of the model, size * size * 3 bytes each, and one scikit-learn model. A resumed
run fits only the models without a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from colorize_cli.files import atomic_file
from colorize_cli.models.zhou_zhu.tree_rows import ANSWERS, DEPTH, QUESTIONS, TreeRows, band_rows
from colorize_cli.recipe import Fitting
from colorize_cli.training.data.catalogue import Catalogue, PhotoStore
from colorize_cli.training.data.lab_photo import plain
from colorize_cli.training.data.workers import default_workers
from colorize_cli.training.run_folder import RunFolder
from colorize_cli.training.terminal import TrainingProgress

Array = npt.NDArray[Any]
BEYOND = 6e4
"""A threshold above every lightness; finite in float16, as all values of a checkpoint must be."""
Arrays = tuple[Array, Array, Array, Array]
"""Arrays of one model: feature (trees, 7), threshold (trees, 7), leaf (trees, 8 * outputs), base (size,)."""


def complete(children: Sequence[tuple[int, int]], feature: Array, threshold: Array, value: Array) -> Arrays:
    """Return a tree of depth 3 or less as a complete one: feature (7,), threshold (7,), leaf (8, outputs), base ().

    ``children``: the two children of each node, (-1, -1) for a leaf. Below a leaf, both branches lead to the same
    value.
    """
    columns, limits = np.zeros(QUESTIONS, np.int16), np.full(QUESTIONS, BEYOND, np.float32)
    leaves = np.zeros((ANSWERS, value.shape[1]), np.float32)

    def place(node: int, at: int, depth: int) -> None:
        left, right = children[node]
        if depth == DEPTH:
            leaves[at - QUESTIONS] = value[node]
            return
        if left >= 0:
            columns[at], limits[at] = feature[node], _not_above(threshold[node])
        place(left if left >= 0 else node, 2 * at + 1, depth + 1)
        place(right if left >= 0 else node, 2 * at + 2, depth + 1)

    place(0, 0, 0)
    return columns, limits, leaves, np.zeros(0)


def _not_above(limit: float) -> np.float32:
    """Return the largest float32 not above a float64 threshold: float32 inputs compare the same with both."""
    near = np.float32(limit)
    return near if float(near) <= limit else np.nextafter(near, np.float32(-np.inf))


def _of_sklearn(tree: Any) -> Arrays:
    children = list(zip(tree.children_left.tolist(), tree.children_right.tolist(), strict=True))
    return complete(children, tree.feature, tree.threshold, tree.value[:, :, 0])


def _of_histogram(nodes: Array) -> Arrays:
    inner = nodes["is_leaf"] == 0
    children = [(int(n["left"]), int(n["right"])) if i else (-1, -1) for n, i in zip(nodes, inner, strict=True)]
    return complete(children, nodes["feature_idx"], nodes["num_threshold"], nodes["value"][:, None])


def fit_model(x: Array, y: Array, constants: Mapping[str, float], trees: int, seed: int) -> Arrays:
    """Fit one model to rows of L* (n, size) and their a* or b* (n, size) and return its arrays.

    Boosting (constants with a ``learning_rate``) uses scikit-learn's histogram version, one booster per column: the
    exact version tests every value of every column at every split, which takes days for 400 columns.
    """
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.tree import DecisionTreeRegressor

    base = np.zeros(y.shape[1], np.float32)
    if "learning_rate" in constants:
        boosters = _fit_boosters(x, y, constants["learning_rate"], trees, seed)
        parts = [_of_histogram(stage[0].nodes) for booster in boosters for stage in booster._predictors]
        base[:] = [float(np.ravel(booster._baseline_prediction)[0]) for booster in boosters]
    elif trees > 1:
        forest = RandomForestRegressor(trees, max_depth=DEPTH, random_state=seed).fit(x, y)
        parts = [_of_sklearn(member.tree_) for member in forest.estimators_]
    else:
        parts = [_of_sklearn(DecisionTreeRegressor(max_depth=DEPTH, random_state=seed).fit(x, y).tree_)]
    feature, threshold, leaf = (np.stack([part[i] for part in parts]) for i in range(3))
    return feature, threshold, leaf.reshape(len(parts), -1), base


def _fit_boosters(x: Array, y: Array, learning_rate: float, trees: int, seed: int) -> list[Any]:
    """Return one booster for each column of y, fitted side by side."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    def fit_column(column: int) -> Any:
        return HistGradientBoostingRegressor(
            learning_rate=learning_rate, max_iter=trees, max_depth=DEPTH, max_leaf_nodes=ANSWERS,
            early_stopping=False, random_state=seed,
        ).fit(x, y[:, column])  # fmt: skip

    # A booster's loops are too short to divide: OpenMP threads spend five to eighteen times as long waiting for
    # each other as one takes alone. The number of threads is set by the calling thread.
    with ThreadPoolExecutor(default_workers(), initializer=lambda: threadpool_limits(1, "openmp")) as pool:
        return list(pool.map(fit_column, range(y.shape[1])))


def fit_rows(
    network: TreeRows, training: Catalogue, fitting: Fitting, folder: RunFolder, progress: TrainingProgress
) -> dict[str, float]:
    """Fit every model of a network in place; return only the number of models."""
    lightness, ab = _pictures(training, network.size)
    parts = folder.path / "parts"
    parts.mkdir(exist_ok=True)
    models = 2 * network.bands
    for model in range(models):
        channel, band = divmod(model, network.bands)
        rows = band_rows(network.size, network.bands)[band]
        path = parts / f"{'ab'[channel]}-{band:03d}.npz"
        if not path.is_file():
            x = lightness[:, rows.start : rows.stop].reshape(-1, network.size).astype(np.float32) * np.float32(
                100 / 255
            )
            y = ab[:, channel, rows.start : rows.stop].reshape(-1, network.size).astype(np.float32)
            arrays = fit_model(x, y, fitting.constants, network.trees, seed=model)
            with atomic_file(path) as file:
                np.savez(file, *arrays)
        with np.load(path) as stored:
            feature, threshold, leaf, base = (torch.from_numpy(stored[f"arr_{i}"]) for i in range(4))
        where = network.model_trees(model)
        network.feature[where], network.threshold[where] = feature, threshold
        network.leaf[where], network.base[model] = leaf.half(), base
        progress.step("models", model + 1, models, {})
    return {"models": float(models)}


def _pictures(training: Catalogue, size: int) -> tuple[Array, Array]:
    """Return L* as OpenCV stores it, uint8 (n, size, size), and a*b*, int8 (n, 2, size, size)."""
    store = PhotoStore(training)
    lightness = np.empty((len(training.items), size, size), np.uint8)
    ab = np.empty((len(training.items), 2, size, size), np.int8)
    for index in range(len(training.items)):
        light, chroma = plain(store.lab(index), size)
        lightness[index], ab[index] = np.rint(light * 2.55), chroma.clip(-128, 127)
    return lightness, ab
