"""Optimizers with their parameter groups, learning-rate schedules, and the moving average of the weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping

import torch
from torch import nn

from colorize_cli.recipe import Stage


def freeze(network: nn.Module, prefixes: Iterable[str]) -> None:
    """Make exactly the parameters whose names begin with one of ``prefixes`` untrainable."""
    frozen = tuple(prefixes)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not name.startswith(frozen) if frozen else True)


def train_mode(network: nn.Module, frozen: Iterable[str], *, keep_statistics: bool = False) -> None:
    """Put the network in training mode, except for frozen layers: their batch norms keep their statistics.

    With ``keep_statistics`` those of all others do too.
    """
    prefixes = tuple(frozen)
    network.train()
    for name, module in network.named_modules():
        kept = keep_statistics and isinstance(module, nn.modules.batchnorm._BatchNorm)
        if kept or (prefixes and name.startswith(prefixes)):
            module.eval()


def learning_rate_of(name: str, stage: Stage) -> float:
    """Return the learning rate of a parameter: that of the longest prefix naming it, else the stage's."""
    prefixes = [prefix for prefix in stage.group_lr if name.startswith(prefix)]
    return stage.group_lr[max(prefixes, key=len)] if prefixes else stage.lr


def build_optimizer(named: Iterable[tuple[str, nn.Parameter]], stage: Stage) -> torch.optim.Optimizer:
    """Return the stage's optimizer for the trainable parameters among ``named``.

    Groups: one for each learning rate, with weight decay on convolutions and linear layers, and without on the rest.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in named:
        if parameter.requires_grad:
            decay = stage.weight_decay if parameter.ndim >= 2 else 0.0
            groups.setdefault((learning_rate_of(name, stage), decay), []).append(parameter)
    parameters = [
        {"params": members, "lr": lr, "base_lr": lr, "weight_decay": decay} for (lr, decay), members in groups.items()
    ]
    if stage.optimizer == "nesterov":
        return torch.optim.SGD(parameters, lr=stage.lr, momentum=stage.betas[0], nesterov=True)
    kind = torch.optim.AdamW if stage.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, lr=stage.lr, betas=stage.betas)


def schedule_factor(stage: Stage, step: int, steps: int) -> float:
    """Return the factor of all learning rates at ``step`` of ``steps``: linear warm-up, then the schedule."""
    warmup = min(stage.warmup, steps // 10)
    if step < warmup:
        return (step + 1) / warmup
    if stage.schedule == "constant":
        return 1.0
    if stage.schedule == "step":
        return stage.decay ** int(step / steps * max(1, round(stage.epochs)) // stage.decay_every)
    share = (step - warmup) / max(1, steps - warmup)
    if stage.schedule == "linear":
        return 1 - share
    return 0.5 * (1 + math.cos(math.pi * share))


def set_learning_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set every group's learning rate to its own times ``factor``."""
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * factor


class MovingAverage:
    """Exponential moving average of a network's weights and statistics, decay min(``decay``, step / (step + 10)).

    Not ``torch.optim.swa_utils``: its first update copies the weights instead of averaging them, and its state has
    different keys from the saved states of existing runs.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.network = copy.deepcopy(network).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Add the weights after optimizer step ``step`` (counted from 1)."""
        decay = min(self.decay, step / (step + 10))
        own = self.network.state_dict()
        floating = [(own[k], v) for k, v in network.state_dict().items() if v.is_floating_point()]
        torch._foreach_lerp_([mine for mine, _ in floating], [theirs for _, theirs in floating], 1 - decay)
        for name, value in network.state_dict().items():
            if not value.is_floating_point():
                own[name].copy_(value)

    def state_dict(self) -> Mapping[str, torch.Tensor]:
        """Return the averaged network's state."""
        return self.network.state_dict()

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Restore a result of :meth:`state_dict`."""
        self.network.load_state_dict(state)
