"""``colorize train`` as a function: from options to a folder with trained weights."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from colorize_cli import registry
from colorize_cli.checkpoints.file import CheckpointInfo, save_checkpoint
from colorize_cli.compute import Compute, choose
from colorize_cli.errors import NoTrainingData, OutOfMemory, OutputError, UnreadablePhoto, UsageProblem
from colorize_cli.models.network import ColorizationNet, half
from colorize_cli.recipe import Recipe
from colorize_cli.training.adapt import SMOKE_PHOTOS, adapted, from_scratch, trained_input
from colorize_cli.training.data.catalogue import Catalogue, PhotoStore, class_indices, scan
from colorize_cli.training.data.workers import default_workers
from colorize_cli.training.fitting.methods import fit
from colorize_cli.training.initialize import count_colors, initial_network
from colorize_cli.training.loop import Trainer
from colorize_cli.training.objectives.pretraining import can_pretrain
from colorize_cli.training.objectives.recognition import require_weights
from colorize_cli.training.ranks import Ranks, current
from colorize_cli.training.record import (
    check_same_data,
    data_of,
    environment_of,
    record_of,
    same_options,
    warn_of_other_environment,
)
from colorize_cli.training.run_folder import RunFolder, curves_available
from colorize_cli.training.terminal import TrainingProgress
from colorize_cli.training.train_options import TrainOptions
from colorize_cli.training.validation import ValidationSet

_MARGIN = 1.5
"""Size of stored photos relative to the largest square, so that crops keep their detail."""
_SMOKE_VALIDATION = 8
_DISK_PROBLEMS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO)


@dataclass(frozen=True)
class TrainResult:
    """The outcome of a run: its folder, whether it finished, the photos used, and the last epoch's figures."""

    folder: str
    finished: bool
    training_photos: int
    validation_photos: int
    skipped: Mapping[str, int]
    figures: Mapping[str, Any]


def train(options: TrainOptions, progress: TrainingProgress | None = None) -> TrainResult:
    """Train a model or resume a run, and write all files to ``options.output``.

    Raises the errors of :mod:`colorize_cli.errors`, and KeyboardInterrupt after the state is saved.
    """
    try:
        return _train(options, progress or TrainingProgress())
    except OSError as error:
        if error.errno not in _DISK_PROBLEMS:
            raise
        raise OutputError(
            f"'{options.output}' cannot be written: {error.strerror}.",
            "Free some space, or choose another folder with -o.",
        ) from error
    except UnreadablePhoto as error:
        # What comes from a worker process is told with the traceback of that.
        text = error.message.rpartition(f"{UnreadablePhoto.__name__}: ")[2].strip()
        raise UnreadablePhoto(text, error.remedy) from None
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "allocate memory" not in str(error):
            raise
        raise OutOfMemory(
            "Not enough memory for this training run.",
            "Use a smaller --batch-size or --size, or split each batch with --accumulate.",
        ) from error


def _train(options: TrainOptions, progress: TrainingProgress) -> TrainResult:
    ranks = current()
    folder = RunFolder(options.output)
    if ranks.first:
        folder.open(options.resume)
    resuming = options.resume
    record = folder.read_record() if resuming else {}
    if resuming:
        options = same_options(options, record["options"])
    entry = registry.get(options.model)
    variant = options.variant or entry.default_variant
    recipe = adapted(entry.recipe(variant, options.recipe), options, ranks.world)
    compute = training_compute(ranks.device(options.device), options.precision)
    if any(stage.recognition_weight for stage in recipe.stages):
        require_weights()  # before the hours of the stages without it
    with progress as shown, ranks.joined(compute.device):
        shown.note(f"training {entry.name} ({variant}), recipe {recipe.name}, on {compute}")
        with ranks.in_turn():
            training, validation = read_photos(options, recipe, folder, shown)
        environment = environment_of(compute) | {"processes": ranks.world}
        if resuming:
            check_same_data(record, training, validation)
            warn_of_other_environment(record, environment, shown)
        if recipe.fitting is not None:
            return _fit(entry, variant, recipe, training, validation, options, compute, folder, shown, environment)
        first_encoder = options.encoder or recipe.encoder
        # A resumed run also builds the network, although it is overwritten: this consumes the same random numbers.
        network, encoder = initial_network(
            entry,
            variant,
            recipe,
            init=None if resuming else options.init,
            encoder="scratch" if resuming else first_encoder,
            seed=options.seed,
        )
        encoder = record.get("encoder", encoder)
        if encoder == "scratch" and options.init is None and not options.stages:
            recipe = _for_untrained_encoder(entry.recipe(variant, options.recipe), network, training, options, ranks)
        if not resuming and options.init is None and hasattr(network, "encoder"):
            shown.note(_encoder_note(encoder, wanted=first_encoder))
        _refuse_frozen_noise(recipe, encoder, network, options, shown)
        if not resuming and ranks.first:
            folder.write_record(record_of(options, recipe, encoder, data_of(training, validation), environment))
        state = folder.load_state() if resuming else None
        if resuming and state is None:
            network, _ = initial_network(
                entry, variant, recipe, init=options.init, encoder=first_encoder, seed=options.seed
            )
        if ranks.first:
            folder.forget_metrics_after(_steps_of(state))
        if state is None:
            count_colors(network, PhotoStore(training), recipe, options.seed)
        network.to(compute.device).to(memory_format=torch.channels_last)
        if not curves_available():
            shown.note("matplotlib is not installed: no curves are drawn (`pip install matplotlib`).")
        info = CheckpointInfo(
            entry.name,
            variant,
            recipe=recipe.name,
            encoder=encoder,
            data=data_of(training, validation),
            smoke=options.smoke,
            input=trained_input(entry, recipe, options.size),
        )

        def export(weights: ColorizationNet, name: str, figures: Mapping[str, Any]) -> None:
            save_checkpoint(folder.path / name, half(weights), replace(info, validation=dict(figures)))

        validated = _SMOKE_VALIDATION if options.smoke else options.validation_photos
        trainer = Trainer(
            network=network,
            recipe=recipe,
            training=training,
            validation=ValidationSet(validation, recipe.validation_size, validated if ranks.first else 0),
            options=options,
            compute=compute,
            folder=folder,
            export=export,
            progress=shown,
            workers=_workers(options, ranks),
            ranks=ranks,
        )
        finished = trainer.run(state)
        ranks.wait()
        if finished and ranks.first:
            folder.remove_cache()
        rows = folder.read_metrics()
        return TrainResult(
            str(folder.path),
            finished,
            len(training.items),
            len(validation.items),
            dict(training.skipped),
            rows[-1]["validation"] if rows else {},
        )


def _fit(
    entry: registry.ModelEntry,
    variant: str,
    recipe: Recipe,
    training: Catalogue,
    validation: Catalogue,
    options: TrainOptions,
    compute: Compute,
    folder: RunFolder,
    progress: TrainingProgress,
    environment: Mapping[str, Any],
) -> TrainResult:
    """Train a model that has no epochs."""
    data = data_of(training, validation)
    if not folder.record.exists():
        folder.write_record(record_of(options, recipe, "none", data, environment))
    info = CheckpointInfo(entry.name, variant, recipe=recipe.name, encoder="none", data=data, smoke=options.smoke)
    fit(
        entry.build(variant), recipe, training, validation,
        compute=compute, folder=folder, info=info, progress=progress,
    )  # fmt: skip
    folder.remove_cache()
    figures = folder.read_metrics()[-1]["validation"]
    return TrainResult(
        str(folder.path), True, len(training.items), len(validation.items), dict(training.skipped), figures
    )


def _workers(options: TrainOptions, ranks: Ranks) -> int:
    return max(1, default_workers() // ranks.local_world) if options.workers is None else options.workers


def training_compute(device: str, precision: str) -> Compute:
    """Return device and precision for training; ``auto`` selects bf16 on CPUs with instructions for it.

    CPUs without them emulate bf16 about three times slower than fp32.
    """
    compute = choose(device, precision)
    if compute.device.type == "cpu" and precision == "auto" and cpu_has_bf16():
        return Compute(compute.device, "bf16")
    return compute


def cpu_has_bf16() -> bool:
    """Whether this CPU multiplies bf16 natively (AVX-512 BF16, AMX), as torch reports it."""
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(bool(capabilities.get(name)) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def read_photos(
    options: TrainOptions, recipe: Recipe, folder: RunFolder, progress: TrainingProgress
) -> tuple[Catalogue, Catalogue]:
    """Return the catalogues of training and validation photos; raises :class:`NoTrainingData` if either is empty."""
    side = recipe.largest if recipe.fitting is not None else round(_MARGIN * recipe.largest)
    workers = _workers(options, Ranks())
    limit = SMOKE_PHOTOS if options.smoke else None
    cache_bytes = int(options.cache_gb * 2**30)
    found = scan(
        options.photos,
        folder.cache,
        side,
        workers=workers,
        cache_bytes=cache_bytes,
        limit=limit,
        tick=progress.reading,
    )
    if not found.items:
        raise NoTrainingData(
            f"There are no usable color photos in {', '.join(map(str, options.photos))}{_counted(found)}.",
            "Give folders or .zip archives of color photographs.",
        )
    if options.validation is None:
        training, validation = found.split(options.validation_share, options.seed)
    else:
        validation = scan(
            [options.validation], folder.cache, side, name="validation", workers=workers, cache_bytes=0, limit=limit
        )
        if not validation.items:
            raise NoTrainingData(f"There are no usable color photos in {options.validation}.", "Check --validation.")
        training = found.without(validation)
        if not training.items:
            raise NoTrainingData(
                "All training photos are also validation photos.", "Use other photos for --validation."
            )
    progress.note(f"{len(training.items)} training photos, {len(validation.items)} validation photos{_counted(found)}")
    return training, validation


def _counted(catalogue: Catalogue) -> str:
    if not catalogue.skipped:
        return ""
    return f"; left out: {', '.join(f'{count} {reason}' for reason, count in sorted(catalogue.skipped.items()))}"


def _for_untrained_encoder(
    recipe: Recipe, network: ColorizationNet, training: Catalogue, options: TrainOptions, ranks: Ranks
) -> Recipe:
    """Return the recipe for an untrained encoder: with pretraining first, if the photos have classes.

    An encoder that cannot be pretrained is trained together with the other layers instead of being frozen.
    """
    recipe = adapted(recipe, replace(options, encoder="scratch"), ranks.world)
    first, *others = recipe.stages
    if first.name == "pretraining" and others:
        without = replace(recipe, stages=tuple(others))
        recipe = recipe if can_pretrain(network, class_indices(training.items, first)[1]) else without
    return from_scratch(recipe) if getattr(network, "trains_encoder", True) else recipe


def _encoder_note(encoder: str, *, wanted: str) -> str:
    if encoder == "scratch" and wanted == "pretrained":
        return (
            "Warning: no pretrained encoder was found (Hub, package, bundled weights). The encoder starts from random "
            "weights, and colors will be worse. To use one, give --encoder FILE."
        )
    return f"encoder: {encoder}"


def _refuse_frozen_noise(
    recipe: Recipe, encoder: str, network: ColorizationNet, options: TrainOptions, progress: TrainingProgress
) -> None:
    """Refuse to freeze untrained layers: random features would never become useful."""
    first = recipe.stages[0]
    whole = "" in first.frozen
    if not first.frozen or options.init is not None or (encoder != "scratch" and not whole):
        return
    problem = f"Stage {first.name!r} keeps encoder layers frozen, but this encoder is untrained."
    remedy = "Give --encoder hub, --encoder FILE or --init."
    if not getattr(network, "trains_encoder", True):
        problem = "The embedding of this architecture is never trained, and no pretrained one was found."
        remedy = "Connect to the Hub, give --encoder FILE, or choose another --variant."
    if whole:
        problem = f"Stage {first.name!r} trains no layer, but this network is untrained."
        remedy = "Use --init with trained weights, or run the earlier stages as well."
    if not options.smoke:
        raise UsageProblem(problem, remedy)
    progress.note(f"{problem} Continuing because of --smoke; the weights are unusable.")


def _steps_of(state: Mapping[str, Any] | None) -> int:
    return 0 if state is None else state["position"]["steps_before"] + state["position"]["step"]
