"""The training loop: stages, epochs, steps, validation, checkpoints. Objectives define the losses.

The loop's whole position is (stage, step of the stage): order, augmentation, dropout and learning rates follow from
it and the seed, so that a run resumed from a saved state continues exactly as if it had never stopped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from colorize_cli.compute import Compute
from colorize_cli.errors import TrainingDiverged
from colorize_cli.models.network import ColorizationNet, mean_weights
from colorize_cli.recipe import Recipe, Stage
from colorize_cli.training.adapt import SMOKE_STEPS
from colorize_cli.training.data.batches import Plan, plan_stage, rarity, step_batches
from colorize_cli.training.data.catalogue import Catalogue, PhotoStore, class_indices
from colorize_cli.training.data.workers import workers_that_fit
from colorize_cli.training.objectives import Losses, Objective, Setting, create
from colorize_cli.training.ranks import Ranks
from colorize_cli.training.run_folder import (
    RunFolder,
    curves_available,
    draw_curves,
    tensorboard_available,
    write_events,
)
from colorize_cli.training.terminal import Interruption, TrainingProgress
from colorize_cli.training.train_options import TrainOptions
from colorize_cli.training.validation import Figures, ValidationSet

_DRAW_EVERY = 30.0
_SAME_SIGNAL = 5.0


@dataclass
class Position:
    """Position of a run: stage, steps and epochs done before it, steps done in it, and the sums of the epoch's losses.

    ``best``: PSNR of the stage's best epoch, None before its first validation; ``stale``: epochs since then.
    """

    stage: int = 0
    steps_before: int = 0
    epochs_before: int = 0
    step: int = 0
    best: float | None = None
    stale: int = 0
    sums: Losses = field(default_factory=dict)
    summed: int = 0


class Trainer:
    """Trains a network by a recipe, from the beginning or from a saved state.

    ``export``: called with the network, a file name and its validation figures to write weights.
    """

    def __init__(
        self,
        network: ColorizationNet,
        recipe: Recipe,
        training: Catalogue,
        validation: ValidationSet,
        options: TrainOptions,
        compute: Compute,
        folder: RunFolder,
        export: Callable[[ColorizationNet, str, Mapping[str, Any]], None],
        progress: TrainingProgress,
        workers: int,
        ranks: Ranks = Ranks(),  # noqa: B008
    ) -> None:
        self.network, self.recipe, self.validation = network, recipe, validation
        self.options, self.compute, self.folder = options, compute, folder
        self.export, self.progress, self.workers, self.ranks = export, progress, workers, ranks
        self.training = training
        self.store = PhotoStore(training)
        self.position = Position()
        self.ended: dict[str, dict[str, Tensor]] = {}
        self.plans = self._plans()
        self.saved_at = self.drawn_at = time.monotonic()

    def _plans(self) -> list[Plan]:
        plans: list[Plan] = []
        rare = rarity(self.store) if any(stage.rare_colors for stage in self.recipe.stages) else None
        for stage in self.recipe.stages:
            plans.append(
                plan_stage(
                    stage,
                    self.training,
                    {**self.recipe.source_weights, **stage.source_weights},
                    seed=self.options.seed,
                    first_epoch=sum(plan.epochs for plan in plans),
                    max_steps_per_epoch=SMOKE_STEPS if self.options.smoke else None,
                    rarity=rare,
                )
            )
        return plans

    def run(self, state: Mapping[str, Any] | None = None) -> bool:
        """Train to the end; returns False if ``--max-steps`` ended it earlier.

        ``state``: an earlier result of :meth:`state_dict`. Raises KeyboardInterrupt after saving when interrupted,
        and :class:`TrainingDiverged` when a loss is not finite.
        """
        objective_state = self._restore(state)
        self.ranks.same(self.network)
        with Interruption(_SAME_SIGNAL if self.ranks.world > 1 else 0.0) as interruption:
            while self.position.stage < len(self.recipe.stages):
                if not self._run_stage(objective_state, interruption):
                    return False
                objective_state = None
        return True

    def _restore(self, state: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if state is None:
            return None
        self.position = Position(**state["position"])
        self.ended = dict(state.get("ended", {}))
        if state["objective"] is None:
            self.network.load_state_dict(state["network"])
        objective: Mapping[str, Any] | None = state["objective"]
        return objective

    def _run_stage(self, objective_state: Mapping[str, Any] | None, interruption: Interruption) -> bool:
        position = self.position
        stage, plan = self.recipe.stages[position.stage], self.plans[position.stage]
        labels, classes = class_indices(self.training.items, stage)
        torch.manual_seed(_step_seed(self.options.seed, position.stage, -1))
        if objective_state is None:
            self._begin_with_mean(stage)
        decoder = self.network.ab_bins
        if decoder is not None and stage.vividness is not None:
            decoder.default_vividness.fill_(stage.vividness)
        objective = create(self.network, stage, Setting(self.compute, plan.steps, classes, self.ranks))
        if objective_state is not None:
            objective.load_state_dict(objective_state)
        parts = self.options.accumulate * self.ranks.world
        workers, prefetched = workers_that_fit(self.workers, plan.bytes_of_part(parts), self.ranks.local_world)
        if workers < self.workers:
            self.progress.note(
                f"{workers} instead of {self.workers} workers: there is little shared memory (docker run --shm-size)."
            )
        stream = step_batches(
            plan,
            self.store,
            labels,
            start=position.step,
            parts=parts,
            workers=workers,
            prefetched=prefetched,
            ranks=self.ranks,
            device=self.compute.device,
        )
        with closing(stream):
            # A run resumed just after early stopping has nothing left to do in this stage.
            for batches in () if self._patience_ended() else stream:
                torch.manual_seed(_step_seed(self.options.seed, position.stage, position.step, self.ranks.rank))
                losses, stop = self.ranks.agree(objective.step(batches), interruption.requested)
                self._count(losses)
                if self._step_done(objective, plan, stop):
                    return False
                if self._patience_ended():
                    break
        self.network.load_state_dict(objective.result.state_dict())
        if any(stage.name in later.mean_of for later in self.recipe.stages):
            self.ended[stage.name] = {name: value.clone() for name, value in self.network.state_dict().items()}
        epochs = math.ceil(position.step / plan.steps_per_epoch)
        self.position = Position(
            position.stage + 1, position.steps_before + position.step, position.epochs_before + epochs
        )
        self._save(None)
        return True

    def _begin_with_mean(self, stage: Stage) -> None:
        """Load the mean of the stages named by ``stage`` into the network, if this run has all of them."""
        if absent := [name for name in dict.fromkeys(stage.mean_of) if name not in self.ended]:
            self.progress.note(
                f"{stage.name} starts from the current weights: {', '.join(absent)} not available to average."
            )
        elif stage.mean_of:
            self.network.load_state_dict(mean_weights([self.ended[name] for name in stage.mean_of]))

    def _patience_ended(self) -> bool:
        patience = self.options.early_stopping
        return patience is not None and self.position.stale >= patience

    def _count(self, losses: Losses) -> None:
        position = self.position
        if not all(math.isfinite(value) for value in losses.values()):
            raise self._diverged()
        position.step += 1
        position.summed += 1
        for name, value in losses.items():
            position.sums[name] = position.sums.get(name, 0.0) + value

    def _diverged(self) -> TrainingDiverged:
        kept = (
            f"The last good state is kept in {self.folder.state}."
            if self.folder.state.is_file()
            else "Nothing has been saved yet."
        )
        return TrainingDiverged(
            f"The loss became NaN or infinite at step {self.position.steps_before + self.position.step + 1}. {kept}",
            "Start a new run with a smaller --lr or --precision fp32; keep its progress with --init best.safetensors.",
        )

    def _step_done(self, objective: Objective, plan: Plan, stop: bool) -> bool:
        """Show, validate and save when due; returns whether the run stops now."""
        position = self.position
        stage = self.recipe.stages[position.stage]
        self._show(stage, plan)
        total = position.steps_before + position.step
        at_limit = self.options.max_steps is not None and total >= self.options.max_steps
        if position.step % plan.steps_per_epoch == 0:
            self._validate(objective, plan)
            self._save(objective)
        elif at_limit:
            self._save(objective)
            self._validate(objective, plan)
        elif stop or time.monotonic() - self.saved_at >= 60 * self.options.save_every:
            self._save(objective)
        if stop:
            self.ranks.wait()
            raise KeyboardInterrupt
        finished = position.step == plan.steps and position.stage + 1 == len(self.recipe.stages)
        return at_limit and not finished

    def _show(self, stage: Stage, plan: Plan) -> None:
        position = self.position
        costs = [_cost(p) for p in self.plans]
        share = position.step / plan.steps
        done = sum(costs[: position.stage]) + share * costs[position.stage]
        epoch = (position.step - 1) // plan.steps_per_epoch + 1
        means = {name: value / position.summed for name, value in position.sums.items()}
        self.progress.step(f"{stage.name} {epoch}/{plan.epochs}", done, sum(costs), means)

    def _validate(self, objective: Objective, plan: Plan) -> None:
        """Validate the weights, write figures, pictures and weights; reset the loss sums for the next epoch.

        The first process does it for all and sends the others the input of early stopping.
        """
        if self.ranks.first:
            self._judge(objective, plan)
        position = self.position
        position.best, position.stale = self.ranks.gather((position.best, position.stale))[0]
        position.sums, position.summed = {}, 0

    def _judge(self, objective: Objective, plan: Plan) -> None:
        position = self.position
        stage = self.recipe.stages[position.stage]
        figures, strip = self.validation.evaluate(objective.result, self.compute, objective.judge)
        epoch = position.epochs_before + math.ceil(position.step / plan.steps_per_epoch)
        row = {
            "epoch": epoch,
            "stage": stage.name,
            "step": position.steps_before + position.step,
            "size": stage.size_at((position.step - 1) / plan.steps),
            "lr": max(group["lr"] for group in objective.optimizer.param_groups),
            "losses": {name: round(value / position.summed, 6) for name, value in position.sums.items()},
            "validation": figures.rounded(),
        }
        if part := position.step % plan.steps_per_epoch != 0:
            row["partial"] = True
        self.folder.forget_metrics_after(position.steps_before + position.step - 1)
        self.folder.add_metrics(row)
        self.folder.write_strip(epoch, strip)
        if tensorboard_available():
            write_events(self.folder.events, row, strip)
        self._draw(stopping=position.step == plan.steps or part)
        self.export(objective.result, self.folder.last.name, figures.rounded())
        if self.options.keep_every is not None and not part and epoch % self.options.keep_every == 0:
            self.export(objective.result, f"epoch-{epoch:04d}.safetensors", figures.rounded())
        # Each stage has its own best: an adversarial stage trades PSNR for color and would never beat the one before.
        # A partial epoch, ended by --max-steps, only counts if there is nothing else: resuming undoes it.
        better = position.best is None or figures.psnr > position.best or objective.keeps_newest
        if position.best is None or (better and not part):
            position.best, position.stale = figures.psnr, 0
            self.export(objective.result, self.folder.best.name, figures.rounded())
        elif not part:
            position.stale += 1
        self.progress.note(f"epoch {epoch} ({stage.name}): {summary(figures)}")
        if self._patience_ended():
            self.folder.note_early_stop(stage.name, epoch, position.best)
            self.progress.note(
                f"{stage.name} ends early: PSNR has not exceeded {position.best:.2f} dB for {position.stale} epochs."
            )

    def _draw(self, *, stopping: bool) -> None:
        """Draw the curves, at most every half minute, so that short epochs do not spend their time on plots."""
        if curves_available() and (stopping or time.monotonic() - self.drawn_at >= _DRAW_EVERY):
            draw_curves(self.folder.read_metrics(), self.folder.curves)
            self.drawn_at = time.monotonic()

    def _save(self, objective: Objective | None) -> None:
        if not all(bool(torch.isfinite(parameter).all()) for parameter in self.network.parameters()):
            raise self._diverged()
        if self.ranks.first:
            self.folder.save_state(self.state_dict(objective))
        self.saved_at = time.monotonic()

    def state_dict(self, objective: Objective | None) -> dict[str, Any]:
        """Return the state to resume from: within a stage the objective's, between stages only the network's.

        Both include the weights of stages that a later stage averages.
        """
        return {
            "position": dict(vars(self.position)),
            "objective": None if objective is None else objective.state_dict(),
            "network": self.network.state_dict() if objective is None else None,
            "ended": self.ended,
        }


def summary(figures: Figures) -> str:
    """Return validation figures as one line."""
    return (
        f"PSNR {figures.psnr:.2f} dB (gray {figures.gray_psnr:.2f}), "
        f"ab error {figures.ab_error:.2f} (gray {figures.gray_ab_error:.2f}), "
        f"colorfulness {figures.colorfulness:.1f} (true {figures.true_colorfulness:.1f})"
        + "".join(f", {name} {value:.4g}" for name, value in figures.more.items())
    )


def _step_seed(seed: int, stage: int, step: int, rank: int = 0) -> int:
    """Seed of everything random within a step (dropout): a function of its position, different in each process."""
    place = (seed, stage, step + 1, rank) if rank else (seed, stage, step + 1)
    return int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _cost(plan: Plan) -> float:
    """Work of a stage, in pixels trained on."""
    sizes: npt.NDArray[np.float64] = np.array([plan.stage.size_at(x) for x in np.linspace(0, 0.999, 50)], np.float64)
    return plan.steps * plan.batch_size * float((sizes**2).mean())
