"""Tree models: arrays that answer as scikit-learn does, and runs that go on where they stopped."""

from pathlib import Path

import numpy as np
import pytest
import torch

from colorize_cli import registry
from colorize_cli.checkpoints.file import load_checkpoint, load_strictly
from colorize_cli.models.zhou_zhu.tree_rows import TreeRows, band_rows
from colorize_cli.training.fitting import trees
from colorize_cli.training.fitting.trees import fit_model
from colorize_cli.training.run import train
from colorize_cli.training.terminal import TrainingProgress
from colorize_cli.training.train_options import TrainOptions

ensemble = pytest.importorskip("sklearn.ensemble")
sklearn_tree = pytest.importorskip("sklearn.tree")
SIZE, TREES = 8, 5


def rows(seed: int, count: int = 150) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = (rng.integers(0, 256, (count, SIZE)) * np.float32(100 / 255)).astype(np.float32)
    return x, (x[:, ::-1] * 0.3 + np.sin(x) * 8 + rng.normal(0, 2, x.shape)).astype(np.float32)


def boosted(x: np.ndarray, y: np.ndarray, fresh: np.ndarray) -> np.ndarray:
    how = {"learning_rate": 0.1, "max_iter": TREES, "max_depth": 3, "max_leaf_nodes": 8, "early_stopping": False}
    fits = (ensemble.HistGradientBoostingRegressor(**how, random_state=3).fit(x, column) for column in y.T)
    return np.stack([fit.predict(fresh) for fit in fits], 1)


KINDS = {
    "boosting": (TREES, 1, {"learning_rate": 0.1}, boosted),
    "forest": (
        TREES, SIZE, {},
        lambda x, y, fresh: ensemble.RandomForestRegressor(TREES, max_depth=3, random_state=3).fit(x, y).predict(fresh),
    ),
    "tree": (
        1, SIZE, {},
        lambda x, y, fresh: sklearn_tree.DecisionTreeRegressor(max_depth=3, random_state=3).fit(x, y).predict(fresh),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_answer_as_scikit_learn_does(kind: str) -> None:
    trees, outputs, constants, reference = KINDS[kind]
    x, y = rows(0)
    fresh = rows(1)[0]
    network = TreeRows(SIZE, 2, trees, outputs, averaged=not constants)
    feature, threshold, leaf, base = (torch.from_numpy(a) for a in fit_model(x, y, constants, trees, seed=3))
    where = network.model_trees(1)
    network.leaf = network.leaf.float()  # without the rounding of what is stored
    network.feature[where], network.threshold[where], network.leaf[where] = feature, threshold, leaf
    network.base[1] = base
    found = network.predict_rows(1, torch.from_numpy(fresh)).numpy()
    assert found == pytest.approx(reference(x, y, fresh), abs=1e-3)


def test_a_tree_that_stops_early_is_filled_up_with_finite_numbers() -> None:
    x, y = rows(0, count=3)
    feature, threshold, leaf, _ = fit_model(x, y, {}, 1, seed=0)
    assert np.isfinite(threshold).all() and (threshold > 1e4).any()
    network = TreeRows(SIZE, 2, 1, SIZE, averaged=True)
    network.feature[:1], network.threshold[:1] = torch.from_numpy(feature), torch.from_numpy(threshold)
    network.leaf[:1] = torch.from_numpy(leaf)
    assert network.predict_rows(0, torch.from_numpy(x)).numpy() == pytest.approx(y, abs=0.05)


def test_bands_cover_every_row_once() -> None:
    for size, bands in ((64, 10), (400, 10), (64, 64)):
        covered = [row for rows in band_rows(size, bands) for row in rows]
        assert covered == list(range(size))


def test_a_run_goes_on_with_the_models_that_are_missing(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def options(run: str, **more: object) -> TrainOptions:
        chosen = {"model": "decision-tree", "workers": 0, "device": "cpu", **more}
        return TrainOptions((photos,), tmp_path / run, **chosen)  # type: ignore[arg-type]

    train(options("whole"), TrainingProgress(True))
    fitted, original = [0], trees.fit_model

    def failing(*arguments: object, **more: object) -> object:
        fitted[0] += 1
        if fitted[0] == 50:
            raise KeyboardInterrupt
        return original(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(trees, "fit_model", failing)
    with pytest.raises(KeyboardInterrupt):
        train(options("stopped"), TrainingProgress(True))
    train(options("stopped", resume=True), TrainingProgress(True))
    assert fitted[0] == 1 + 64
    whole, again = (load_checkpoint(tmp_path / run / "best.safetensors") for run in ("whole", "stopped"))
    assert all(torch.equal(whole.state[name], again.state[name]) for name in whole.state)
    network = registry.get("decision-tree").build()
    load_strictly(network, whole, "whole")
    assert network.chroma(torch.rand(1, 1, 80, 70) * 100).abs().max() > 0.5
