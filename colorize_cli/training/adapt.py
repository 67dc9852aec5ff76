"""Adapt a recipe to the options of one run: its stages, lengths, sizes, batches and learning rates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from colorize_cli.entry import Fit, ModelEntry
from colorize_cli.errors import UsageProblem
from colorize_cli.recipe import Recipe, Stage
from colorize_cli.training.train_options import TrainOptions

WHITE = 100.0
SMOKE_SIZE = 64
SMOKE_BATCH = 4
SMOKE_STEPS = 8
SMOKE_PHOTOS = 160


def adapted(recipe: Recipe, options: TrainOptions, processes: int = 1) -> Recipe:
    """Return the recipe with the options' changes.

    ``--stages`` selects stages by name; without it, pretraining is omitted if initial weights are given. ``--epochs``
    is the total of all stages, divided in the recipe's proportions. ``--lr`` replaces each stage's rate; the rates of
    its groups and its discriminator keep their ratio to it. ``--size`` is the last size of every stage; its earlier
    sizes change in proportion. ``--smoke`` runs one short epoch of each stage. A recipe with a fitting instead of
    stages takes only ``--size`` and ``--smoke``. Raises :class:`UsageProblem` for stages that the recipe does not have
    and for batches that cannot be divided into ``--accumulate`` parts for each of ``processes``.
    """
    if recipe.fitting is not None:
        if processes > 1:
            raise UsageProblem("This model is fitted by a single process.", "Run the command without torchrun.")
        return _fitted(recipe, options)
    parts = options.accumulate * processes
    stages = [_changed(stage, options) for stage in _chosen(recipe, options)]
    validation_size = options.size or recipe.validation_size
    if options.smoke:
        stages = [_smoke(stage, options, parts) for stage in stages]
        validation_size = min(validation_size, SMOKE_SIZE)
    elif options.epochs is not None:
        scale = options.epochs / sum(stage.epochs for stage in stages)
        stages = [replace(stage, epochs=stage.epochs * scale) for stage in stages]
    for stage in stages:
        if stage.batch_size % parts:
            raise UsageProblem(
                f"A batch of {stage.batch_size} cannot be split into {parts} equal parts.",
                "Change --batch-size, --accumulate or the number of processes.",
            )
    return replace(recipe, stages=tuple(stages), validation_size=validation_size)


def _fitted(recipe: Recipe, options: TrainOptions) -> Recipe:
    assert recipe.fitting is not None
    for name in ("stages", "epochs", "batch_size", "lr", "init", "max_steps"):
        if getattr(options, name):
            raise UsageProblem(
                f"--{name.replace('_', '-')} does not apply to {options.model}, which has no epochs.", "Omit it."
            )
    if options.accumulate != 1 or options.encoder is not None:
        raise UsageProblem(f"{options.model} does not use --accumulate or --encoder.", "Omit both options.")
    size = options.size or recipe.fitting.size
    square = recipe.validation_size
    if options.smoke:
        size, square = (min(edge, SMOKE_SIZE) for edge in (size, square))
    return replace(recipe, validation_size=square, fitting=replace(recipe.fitting, size=size))


def _chosen(recipe: Recipe, options: TrainOptions) -> list[Stage]:
    names = [stage.name for stage in recipe.stages]
    if unknown := [name for name in options.stages if name not in names]:
        raise UsageProblem(f"Recipe {recipe.name!r} has no stage {unknown[0]!r}.", f"Stages: {', '.join(names)}.")
    if options.stages:
        return [stage for stage in recipe.stages if stage.name in options.stages]
    begins_trained = options.init is not None or (options.encoder or recipe.encoder) != "scratch"
    return [stage for stage in recipe.stages if not (begins_trained and stage.name == "pretraining")]


def _changed(stage: Stage, options: TrainOptions) -> Stage:
    if options.lr is not None:
        stage = _at_rate(stage, options.lr)
    if options.size is not None:
        stage = _at_size(stage, options.size)
    if options.batch_size is not None:
        stage = replace(stage, batch_size=options.batch_size)
    return stage


def _at_rate(stage: Stage, lr: float) -> Stage:
    ratio = lr / stage.lr
    discriminator = None if stage.discriminator_lr is None else stage.discriminator_lr * ratio
    groups = {prefix: rate * ratio for prefix, rate in stage.group_lr.items()}
    return replace(stage, lr=lr, group_lr=groups, discriminator_lr=discriminator)


def _at_size(stage: Stage, size: int) -> Stage:
    ratio = size / stage.size
    last = stage.size
    grown = (
        (start, size if pixels == last else max(32, round(pixels * ratio / 16) * 16)) for start, pixels in stage.sizes
    )
    return replace(stage, sizes=tuple(grown))


def _smoke(stage: Stage, options: TrainOptions, parts: int) -> Stage:
    if options.size is None:
        stage = _at_size(stage, min(stage.size, SMOKE_SIZE))
    batch = options.batch_size or max(SMOKE_BATCH, 2 * parts)
    return replace(stage, epochs=1, batch_size=batch, smallest_class=2)


def from_scratch(recipe: Recipe) -> Recipe:
    """Return a recipe for an untrained encoder: no stage freezes it, unless the first stage is pretraining."""
    if recipe.stages[0].name == "pretraining":
        return recipe
    stages = (
        replace(stage, frozen=tuple(prefix for prefix in stage.frozen if not prefix.startswith("encoder.")))
        for stage in recipe.stages
    )
    return replace(recipe, stages=tuple(stages))


def trained_input(entry: ModelEntry, recipe: Recipe, size: int | None = None) -> dict[str, Any]:
    """Return how a network's input is prepared when colorizing: as in the recipe's last stage.

    A stage that crops does not define a fit; the entry's is used then. ``size``: the value of ``--size``, which
    overrides the recipe's ``colorize_at``.
    """
    stage = recipe.stages[-1]
    how = stage.augmentation
    fit: Fit = entry.fit
    if how.area is None:
        fit = "stretch" if how.padding is None else "letterbox-white" if how.padding >= WHITE else "letterbox"
    chosen = stage.size if size is not None or recipe.colorize_at is None else recipe.colorize_at
    return {"size": chosen, "fit": fit, "mirror": how.flip > 0}
