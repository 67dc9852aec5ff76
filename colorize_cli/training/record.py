"""What a training run records about itself in ``run.json``, and what it must still have in common when it resumes."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, replace
from pathlib import Path
from typing import Any

import torch

from colorize_cli._version import __version__
from colorize_cli.compute import Compute
from colorize_cli.errors import UsageProblem, WeightsInvalid
from colorize_cli.recipe import Recipe
from colorize_cli.training.data.catalogue import Catalogue
from colorize_cli.training.terminal import TrainingProgress
from colorize_cli.training.train_options import TrainOptions


def record_of(
    options: TrainOptions, recipe: Recipe, encoder: str, data: Mapping[str, Any], environment: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the content of ``run.json``."""
    return {
        "options": options.decisive(),
        "photos": [str(place) for place in options.photos],
        "recipe": asdict(recipe),
        "encoder": encoder,
        "data": data,
        "environment": environment,
    }


def data_of(training: Catalogue, validation: Catalogue) -> dict[str, Any]:
    """Return the numbers and fingerprints of training and validation photos."""
    return {
        "photos": len(training.items),
        "fingerprint": training.fingerprint,
        "validation_photos": len(validation.items),
        "validation_fingerprint": validation.fingerprint,
    }


def environment_of(compute: Compute) -> dict[str, Any]:
    """Return the versions and the hardware that the last digits of weights depend on."""
    return {
        "colorize": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": compute.device.type,
        "precision": compute.precision,
        "threads": torch.get_num_threads(),
    }


def check_record(record: Any) -> None:
    """Raise ValueError for a record without the parts that a run resumes from."""
    if not isinstance(record, dict):
        raise ValueError("it holds no record")
    for part in ("options", "data", "environment"):
        if not isinstance(record.get(part), dict):
            raise ValueError(f"'{part}' is missing")
    ends = record.get("early_stopping", [])
    if not isinstance(ends, list) or not all(
        isinstance(end, dict) and isinstance(end.get("epoch"), int) for end in ends
    ):
        raise ValueError("'early_stopping' is no list of stages")
    if not isinstance(record.get("encoder", ""), str):
        raise ValueError("'encoder' is no text")


def check_same_data(record: Mapping[str, Any], training: Catalogue, validation: Catalogue) -> None:
    """Raise :class:`UsageProblem` if the photos are not those that the recorded run started with."""
    before, now = record["data"], data_of(training, validation)
    counted = [(found.get("photos"), found.get("validation_photos")) for found in (before, now)]
    if before != now:
        raise UsageProblem(
            f"The photos have changed since this run started (training: {counted[0][0]} then, {counted[1][0]} now; "
            f"validation: {counted[0][1]} then, {counted[1][1]} now).",
            "Resume with the same photos, or start a new run with --init best.safetensors and another -o; "
            "photos of this run stay in their part of the split.",
        )


def warn_of_other_environment(
    record: Mapping[str, Any], environment: Mapping[str, Any], progress: TrainingProgress
) -> None:
    """Tell if versions or hardware are not those that the recorded run started with."""
    other = [name for name, value in record["environment"].items() if environment.get(name) != value]
    if other:
        changes = ", ".join(f"{name} {record['environment'][name]} -> {environment.get(name)}" for name in other)
        progress.note(
            f"The environment has changed since the run started ({changes}): the last digits of the weights may differ."
        )


def same_options(options: TrainOptions, recorded: Mapping[str, Any]) -> TrainOptions:
    """Return the options of a resumed run: options at their default take the recorded values.

    Raises :class:`UsageProblem` for an option with a different value, because the run would not be the same, and
    :class:`WeightsInvalid` for values that no run has.
    """
    try:
        return _same_options(options, recorded)
    except (TypeError, ValueError, AttributeError) as error:
        raise WeightsInvalid(
            f"The record of the run is damaged: its options are not those of a run ({error}).",
            "Start a new run with another -o.",
        ) from error


def _same_options(options: TrainOptions, recorded: Mapping[str, Any]) -> TrainOptions:
    own = options.decisive()
    defaults = {f.name: f.default for f in fields(TrainOptions) if f.default is not MISSING}
    changed: dict[str, Any] = {}
    for name, value in recorded.items():
        if name not in own or own[name] == value:
            continue
        if own[name] != TrainOptions(options.photos, options.output, **{name: defaults[name]}).decisive()[name]:
            raise UsageProblem(
                f"This run was started with {name.replace('_', '-')} = {value}, not {own[name]}; "
                "a resumed run keeps its options.",
                "Omit the option, or start a new run with --init and another -o.",
            )
        changed[name] = _typed(name, value)
    return replace(options, **changed)


def _typed(name: str, value: Any) -> Any:
    """Return a recorded option as :class:`TrainOptions` stores it."""
    if name == "stages":
        return tuple(value)
    return Path(value) if name in ("init", "validation") and value is not None else value
