"""Adversarial training of the generator: one objective with two optimizers (Brown et al. 3.4, Zhou & Zhu 3.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.models.discriminators import BinaryDiscriminator, PatchDiscriminator
from colorize_cli.models.network import ColorizationNet, initialize_normal, resize_like
from colorize_cli.recipe import Stage
from colorize_cli.training.data.aging import Batch
from colorize_cli.training.objectives.base import Losses, Objective, Setting, add_mean
from colorize_cli.training.objectives.chroma import distribution_loss, pixel_loss, predicted
from colorize_cli.training.optimization import build_optimizer, schedule_factor, set_learning_rate, train_mode


def _judgement(logits: Tensor, real: bool) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits.float(), torch.full_like(logits, float(real)).float())


def _hinge(logits: Tensor, real: bool) -> Tensor:
    """Return the discriminator's hinge loss (Lim & Ye 2017, "Geometric GAN")."""
    return F.relu(1 - logits.float() if real else 1 + logits.float()).mean()


def discriminator_of(stage: Stage) -> nn.Module:
    """Return a new discriminator of the stage's kind; with batch norm its weights are N(0, 0.02), as in the papers."""
    if stage.discriminator == "patch" and stage.discriminator_norm == "spectral":
        return PatchDiscriminator(width=stage.discriminator_width, norm="spectral")
    kind = PatchDiscriminator if stage.discriminator == "patch" else BinaryDiscriminator
    discriminator = kind(width=stage.discriminator_width)
    initialize_normal(discriminator)
    return discriminator


class Adversarial(Objective):
    """Generator: adversarial weight * BCE(judged real) + pixel weight * L1 or MSE (+ cross-entropy over ab bins).

    Discriminator, updated first: BCE on true and on generated pictures; labels 1 and 0, no smoothing. Their sum is
    halved for a PatchGAN (Isola et al. 2018, 3.3) but not for a binary discriminator (the value function of Zhou &
    Zhu 3.5 is the sum). With ``adversarial_loss`` "hinge" both use the hinge loss instead. The first ``critic_warmup``
    steps train the discriminator alone. With ``judged_as_predicted`` it sees the true a*b* reduced to the generator's
    resolution and enlarged like its predictions; otherwise it could tell them apart by sharpness alone.
    """

    def __init__(self, network: ColorizationNet, stage: Stage, setting: Setting) -> None:
        super().__init__(network, stage, setting)
        self.discriminator = discriminator_of(stage)
        self.discriminator.to(setting.compute.device).to(memory_format=torch.channels_last)
        own = replace(stage, lr=stage.discriminator_lr or stage.lr, group_lr={}, weight_decay=0.0)
        self.opponent = build_optimizer(self.discriminator.named_parameters(), own)
        self.opponent_scaler = torch.amp.GradScaler(setting.compute.device.type, enabled=self.scaler.is_enabled())

    def step(self, batches: Sequence[Batch]) -> Losses:
        """Take one step of the discriminator, then one of the generator, each over all micro-batches."""
        train_mode(self.network, self.stage.frozen, keep_statistics=self.stage.keep_statistics)
        self.discriminator.train()
        factor = schedule_factor(self.stage, self.steps_done, self.setting.steps)
        for optimizer in (self.optimizer, self.opponent):
            set_learning_rate(optimizer, factor)
            optimizer.zero_grad(set_to_none=True)
        parts = [batch.to(self.setting.compute.device) for batch in batches]
        # A single batch keeps its prediction for both steps; several are predicted twice to save memory.
        kept = [self._paint(parts[0])] if len(parts) == 1 else []
        sums: Losses = {}
        for part in parts:
            with self.setting.compute.autocast():
                if kept:
                    ab, logits = kept[0]
                else:
                    with torch.no_grad():
                        ab, logits = self._paint(part)
                terms = self._discriminator_losses(part, ab.detach(), logits)
            self.opponent_scaler.scale(terms["discriminator"] / len(parts)).backward()
            add_mean(sums, terms, len(parts))
        self.setting.ranks.average_gradients(list(self.discriminator.parameters()))
        self.opponent_scaler.step(self.opponent)
        self.opponent_scaler.update()
        if self.steps_done < self.stage.critic_warmup:
            self.setting.ranks.average_statistics(self.discriminator)
            self.finish_step()
            return sums
        self.discriminator.requires_grad_(False)
        for part in parts:
            with self.setting.compute.autocast():
                ab, logits = kept[0] if kept else self._paint(part)
                terms = self._generator_losses(part, ab, logits)
            self.scaler.scale(terms["loss"] / len(parts)).backward()
            add_mean(sums, terms, len(parts))
        self.discriminator.requires_grad_(True)
        self.update(self.optimizer, self.trained)
        self.setting.ranks.average_statistics(self.discriminator)
        self.finish_step()
        return sums

    def _paint(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        with self.setting.compute.autocast():
            return predicted(self.network, batch.lightness)

    def _discriminator_losses(self, batch: Batch, ab: Tensor, logits: Tensor | None) -> dict[str, Tensor]:
        judge = _hinge if self.stage.adversarial_loss == "hinge" else _judgement
        fake = self.discriminator(batch.lightness, ab)
        real = self.discriminator(batch.lightness, self._as_predicted(batch.ab, logits))
        accuracy = ((fake < 0).float().mean() + (real > 0).float().mean()) / 2
        share = 0.5 if self.stage.discriminator == "patch" else 1.0
        return {"discriminator": share * (judge(fake, False) + judge(real, True)), "discriminator_accuracy": accuracy}

    def _as_predicted(self, ab: Tensor, logits: Tensor | None) -> Tensor:
        if not self.stage.judged_as_predicted or logits is None:
            return ab
        return resize_like(F.adaptive_avg_pool2d(ab, (logits.shape[-2], logits.shape[-1])), ab)

    def _generator_losses(self, batch: Batch, ab: Tensor, logits: Tensor | None) -> dict[str, Tensor]:
        stage = self.stage
        judged = self.discriminator(batch.lightness, ab)
        terms = {
            "adversarial": -judged.float().mean() if stage.adversarial_loss == "hinge" else _judgement(judged, True),
            stage.pixel_loss: pixel_loss(stage.pixel_loss, ab, batch.ab),
        }
        total = stage.adversarial_weight * terms["adversarial"] + stage.pixel_weight * terms[stage.pixel_loss]
        decoder = self.network.ab_bins
        if stage.distribution_weight and logits is not None and decoder is not None:
            terms["distribution"] = distribution_loss(logits, batch.ab, decoder)
            total = total + stage.distribution_weight * terms["distribution"]
        return {"loss": total, **terms}

    def state_dict(self) -> dict[str, Any]:
        """Return the state of both networks and both optimizers."""
        return {
            **super().state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "opponent": self.opponent.state_dict(),
            "opponent_scaler": self.opponent_scaler.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the state returned by :meth:`state_dict`."""
        super().load_state_dict(state)
        self.discriminator.load_state_dict(state["discriminator"])
        self.opponent.load_state_dict(state["opponent"])
        self.opponent_scaler.load_state_dict(state["opponent_scaler"])
