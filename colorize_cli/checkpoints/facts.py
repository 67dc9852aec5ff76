"""What is known of a model and of the weights it would use; ``colorize models`` shows it. No torch is loaded."""

from __future__ import annotations

import os
from typing import Any

from colorize_cli.checkpoints.locate import bundled_path, find_weights, used_variant
from colorize_cli.entry import ModelEntry


def weights_state(entry: ModelEntry) -> str:
    """Return in a word where the model's weights are: ``ready``, ``on Hub``, ``convert`` or ``untrained``."""
    if model_facts(entry)["weights"]:
        return "ready"
    if entry.hub:
        return "on Hub"
    return "convert" if entry.original else "untrained"


def model_facts(entry: ModelEntry, variant: str | None = None) -> dict[str, Any]:
    """Return the facts of an entry and of one architecture, by default that of the weights that would be used."""
    path, refused = bundled_path(entry), []
    if entry.hub:
        from colorize_cli.checkpoints.hub.pins import quarantined, seen_in_cache

        refused = [os.fspath(found) for file in entry.hub.values() for found in quarantined(file)]
        path = path or next((found for file in entry.hub.values() if (found := seen_in_cache(file)) is not None), None)
    published = {
        key: {"reference": str(file), "sha256": file.sha256, "size": file.size, "licence": file.licence}
        for key, file in entry.hub.items()
    }
    chosen = variant or used_variant(entry)
    described = entry.described(chosen)
    return {
        "name": entry.name,
        "title": described.title,
        "paper": entry.paper,
        "variants": list(entry.variants),
        "variant": chosen,
        "encoder": described.encoder or None,
        "objective": described.objective,
        "color_space": entry.color_space,
        "input_size": entry.input_size,
        "fit": entry.fit,
        "parameters": described.parameters,
        "licence": entry.licence or None,
        "published": published,
        "original": entry.original and entry.original.url,
        "weights": None if path is None else os.fspath(path),
        "notes": list(described.notes),
    } | ({"quarantined": refused} if refused else {})


def checkpoint_facts(entry: ModelEntry, weights: str | None) -> dict[str, Any]:
    """Return what a checkpoint says about itself, or nothing where the model has none; loads torch.

    Raises the errors of :func:`~colorize_cli.checkpoints.locate.find_weights` and of reading the file.
    """
    if weights is None and bundled_path(entry) is None:
        return {}
    from colorize_cli.checkpoints.foreign import open_checkpoint

    path = find_weights(entry, weights, offline=True)
    info = open_checkpoint(path, entry).info
    return {
        "weights": os.fspath(path),
        "variant": info.variant,
        "recipe": info.recipe,
        "data": dict(info.data),
        "validation": dict(info.validation),
        "trained_with_version": info.version,
    }
