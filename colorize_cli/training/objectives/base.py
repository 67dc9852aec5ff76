"""The interface between models and the training loop: an objective takes batches and returns losses.

The loop knows nothing of losses, optimizers or discriminators: it calls :meth:`Objective.step` with the
micro-batches of one optimizer step, and saves and restores the objective's state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from colorize_cli.compute import Compute
from colorize_cli.models.network import ColorizationNet
from colorize_cli.recipe import Stage
from colorize_cli.training.data.aging import Batch
from colorize_cli.training.optimization import (
    MovingAverage,
    build_optimizer,
    freeze,
    schedule_factor,
    set_learning_rate,
    train_mode,
)
from colorize_cli.training.ranks import Ranks

Losses = dict[str, float]


@dataclass(frozen=True)
class Setting:
    """The context of an objective besides network and stage: device, number of steps and classes, and the
    processes that share the work.
    """

    compute: Compute
    steps: int
    classes: int = 0
    ranks: Ranks = field(default_factory=Ranks)


class Objective:
    """One loss and one optimizer; subclasses implement :meth:`losses`, or override :meth:`step` for more optimizers.

    ``network`` is trained in place. :attr:`result` holds the weights to validate and keep. ``keeps_newest``:
    whether the newest weights are always the best, because the validation PSNR does not measure this objective.
    """

    keeps_newest = False

    def __init__(self, network: ColorizationNet, stage: Stage, setting: Setting) -> None:
        self.network, self.stage, self.setting = network, stage, setting
        self.steps_done = 0
        freeze(network, stage.frozen)
        self.extra = self.extra_modules().to(setting.compute.device)
        named = [*network.named_parameters(), *((f"extra.{k}", p) for k, p in self.extra.named_parameters())]
        self.optimizer = build_optimizer(named, stage)
        self.trained = [p for group in self.optimizer.param_groups for p in group["params"]]
        self.average = MovingAverage(network, stage.ema) if stage.ema is not None else None
        self.scaler = torch.amp.GradScaler(setting.compute.device.type, enabled=setting.compute.precision == "fp16")

    @property
    def result(self) -> ColorizationNet:
        """The network to use: with averaged weights if the stage averages them."""
        return self.network if self.average is None else self.average.network  # type: ignore[return-value]

    def extra_modules(self) -> nn.Module:
        """Return modules trained beside the network by the same optimizer, that are not part of the model."""
        return nn.Identity()

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return named terms; their sum is minimized, given as ``loss`` if there is more than one."""
        raise NotImplementedError

    def judge(self, batch: Batch) -> dict[str, Tensor]:
        """Return figures of :attr:`result` on validation photos, means over the batch; none unless overridden.

        Figures that :meth:`losses` also returns have the same names, so that both can be drawn together.
        """
        return {}

    def step(self, batches: Sequence[Batch]) -> Losses:
        """Take one optimizer step over the mean of the micro-batches; returns the losses by name."""
        train_mode(self.network, self.stage.frozen, keep_statistics=self.stage.keep_statistics)
        factor = schedule_factor(self.stage, self.steps_done, self.setting.steps)
        set_learning_rate(self.optimizer, factor)
        self.optimizer.zero_grad(set_to_none=True)
        sums: Losses = {}
        for batch in batches:
            with self.setting.compute.autocast():
                terms = self.losses(batch.to(self.setting.compute.device))
            self.scaler.scale(terms["loss"] / len(batches)).backward()
            add_mean(sums, terms, len(batches))
        self.update(self.optimizer, self.trained)
        self.finish_step()
        return sums

    def update(self, optimizer: torch.optim.Optimizer, parameters: Sequence[nn.Parameter]) -> None:
        """Average the gradients over the processes, clip them if the stage says so, and take an optimizer step."""
        self.setting.ranks.average_gradients(parameters)
        if self.stage.clip is not None:
            self.scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(parameters, self.stage.clip)
        self.scaler.step(optimizer)
        self.scaler.update()

    def finish_step(self) -> None:
        """Count the step and add the new weights to the average."""
        self.steps_done += 1
        self.setting.ranks.average_statistics(self.network, self.extra)
        if self.average is not None:
            self.average.update(self.network, self.steps_done)

    def state_dict(self) -> dict[str, Any]:
        """Return everything needed to resume exactly, including the network."""
        return {
            "network": self.network.state_dict(),
            "extra": self.extra.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "scaler": self.scaler.state_dict(),
            "steps_done": self.steps_done,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore a result of :meth:`state_dict`."""
        self.network.load_state_dict(state["network"])
        self.extra.load_state_dict(state["extra"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.scaler.load_state_dict(state["scaler"])
        self.steps_done = state["steps_done"]


class JudgedObjective(Objective):
    """An objective whose losses on validation photos judge the weights; subclasses implement :meth:`terms`."""

    def terms(self, network: ColorizationNet, batch: Batch) -> dict[str, Tensor]:
        """Return the losses of a network: ``loss``, which is minimized, and further figures."""
        raise NotImplementedError

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the losses of the network in training."""
        return self.terms(self.network, batch)

    def judge(self, batch: Batch) -> dict[str, Tensor]:
        """Return the losses of the weights to keep."""
        return self.terms(self.result, batch)


def add_mean(sums: Losses, terms: Mapping[str, Tensor], parts: int) -> None:
    """Add one of ``parts`` micro-batches' losses to their means."""
    for name, value in terms.items():
        sums[name] = sums.get(name, 0.0) + float(value.detach()) / parts
