"""Training without epochs: a model fitted by scikit-learn, validated and written like any other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from colorize_cli.checkpoints.file import CheckpointInfo, save_checkpoint
from colorize_cli.compute import Compute
from colorize_cli.errors import LibraryMissing
from colorize_cli.models.network import ColorizationNet
from colorize_cli.recipe import Fitting, Recipe
from colorize_cli.training.data.catalogue import Catalogue
from colorize_cli.training.fitting.neighbours import fit_neighbours
from colorize_cli.training.fitting.trees import fit_rows
from colorize_cli.training.loop import summary
from colorize_cli.training.run_folder import RunFolder
from colorize_cli.training.terminal import TrainingProgress
from colorize_cli.training.validation import ValidationSet

Method = Callable[[Any, Catalogue, Fitting, RunFolder, TrainingProgress], Mapping[str, float]]
"""Fits the buffers of a network of its kind in place to a catalogue; its return value is recorded as the run's losses.

A model's recipe names the method for its network.
"""

METHODS: Mapping[str, Method] = {"neighbours": fit_neighbours, "rows": fit_rows}


def require_sklearn() -> None:
    """Raise :class:`LibraryMissing` if scikit-learn, the ``classic`` extra, is not installed."""
    from importlib.util import find_spec

    if find_spec("sklearn") is None:
        raise LibraryMissing("This model needs scikit-learn to be fitted.", "`pip install scikit-learn threadpoolctl`.")


def fit(
    network: ColorizationNet,
    recipe: Recipe,
    training: Catalogue,
    validation: Catalogue,
    *,
    compute: Compute,
    folder: RunFolder,
    info: CheckpointInfo,
    progress: TrainingProgress,
) -> None:
    """Fit a network by its recipe; write weights, one line of metrics and a strip of pictures to the folder."""
    fitting = recipe.fitting
    assert fitting is not None
    require_sklearn()
    used = replace(training, items=training.items[: fitting.photos])
    start = time.monotonic()
    losses = METHODS[fitting.method](network, used, fitting, folder, progress)
    seconds = time.monotonic() - start
    photos = ValidationSet(validation, recipe.validation_size, 8 if info.smoke else fitting.validation_photos)
    figures, strip = photos.evaluate(network, compute, known_pixels=fitting.known_pixels)
    rounded: dict[str, Any] = figures.rounded()
    if fitting.known_pixels is not None:
        rounded["known_pixels"] = fitting.known_pixels
    row = {"epoch": 1, "stage": fitting.method, "step": 1, "size": fitting.size, "seconds": round(seconds, 1)}
    folder.forget_metrics_after(0)
    folder.add_metrics({**row, "losses": dict(losses), "validation": rounded})
    folder.write_strip(1, strip)
    filled = replace(info, data={**info.data, "photos_used": len(used.items)}, validation=rounded)
    for path in (folder.last, folder.best):
        save_checkpoint(path, network.state_dict(), filled)
    known = "" if fitting.known_pixels is None else f", {100 * fitting.known_pixels:g} % of the pixels known"
    progress.note(f"fitted in {seconds:.0f} s: {summary(figures)}{known}")
