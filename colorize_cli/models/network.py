"""The base classes of networks and of their encoders, and shared helpers: padding, initialization, averaging."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.entry import HubFile, PackageFile

if TYPE_CHECKING:
    from colorize_cli.models.heads.ab_bins import AbDecoder
    from colorize_cli.models.heads.color_classes import ClassDecoder

AB_UNIT = 110.0
"""a*b* of the papers' losses: Lab units divided by 110 (the range of their tanh outputs)."""


def normalized_lightness(lightness: Tensor) -> Tensor:
    """L* of 0..100 to the encoder's input: zero at mid gray, one unit for 25 L*."""
    return (lightness / 100 - 0.5) / 0.25


def resize_like(x: Tensor, like: Tensor) -> Tensor:
    """Resize (N, C, h, w) bilinearly to the height and width of ``like``, pixel areas aligned."""
    if x.shape[-2:] == like.shape[-2:]:
        return x
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


def padded_to_multiple(network: Callable[[Tensor], Tensor], x: Tensor, multiple: int) -> Tensor:
    """Run a network that only accepts sizes divisible by ``multiple``: repeat the border, run, crop back.

    ``x``: (N, C, H, W). The network must return its input's height and width.
    """
    height, width = x.shape[-2:]
    below, right = -height % multiple, -width % multiple
    y = network(F.pad(x, (0, right, 0, below), mode="replicate"))
    return y[..., :height, :width]


def initialize_normal(module: nn.Module, std: float = 0.02) -> None:
    """Draw convolutions from N(0, std) and batch-norm scales from N(1, std), biases zero (Isola et al. 2018, 6.2)."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, std)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, std)
            nn.init.zeros_(layer.bias)


def _check_tensor(lightness: Tensor) -> None:
    if lightness.ndim != 4 or lightness.shape[1] != 1:
        raise ValueError(f"lightness must have shape (N, 1, H, W), got {tuple(lightness.shape)}")


class ColorizationNet(nn.Module):
    """Base class of the networks in the registry: lightness in, a*b* out.

    A subclass implements :meth:`chroma` at its own resolution; :meth:`forward` returns the result at the size of
    its input. The other methods tell training about the needs of an unusual network; their defaults fit a plain
    one. One that learns by regression in another space or unit than a*b* / 110 overrides :meth:`predictions` and
    :meth:`targets`; one that classifies implements :meth:`logits` and names its head, :attr:`ab_bins` or
    :attr:`color_classes`. A pretrained part is an :class:`Encoder` called
    ``encoder``.
    """

    pretrains_color = False
    """Whether its encoder is pretrained on colors as well, by :meth:`pretraining_logits`."""

    @property
    def ab_bins(self) -> AbDecoder | None:
        """The decoder of a network whose :meth:`logits` are over ab bins."""
        return None

    @property
    def color_classes(self) -> ClassDecoder | None:
        """The decoder of a network whose :meth:`logits` are over the 256 color classes."""
        return None

    def logits(self, lightness: Tensor) -> Tensor:
        """Return the scores (N, classes, h, w) of a network that classifies, for L* (N, 1, H, W) in 0..100."""
        raise NotImplementedError

    def pretraining_logits(self, features: tuple[Tensor, ...]) -> Tensor:
        """Return logits over :attr:`ab_bins` for the encoder's feature maps, where it :attr:`pretrains_color`."""
        raise NotImplementedError

    def set_first_values(self) -> None:
        """Initialize more than the random weights of an untrained network; by default nothing."""

    def name_in_head(self, key: str) -> str | None:
        """Return the network's name for a tensor under ``head.`` in an encoder file; None to skip it."""
        return None

    def color_sample_side(self, size: int) -> int:
        """Return the side, in pixels, of the photos for :meth:`count_colors`, where squares of ``size`` are learned.

        24 is enough for a prior over coarse bins.
        """
        return 24

    def count_colors(self, samples: Iterable[Tensor], pixels: int) -> None:
        """Learn color statistics from Lab (N, 3, h, w) of a sample of the training photos, ``pixels`` in all.

        A ``decode`` module with a method ``count`` does it for the network, from a*b* (N, 2, h, w) alone.
        """
        count = getattr(getattr(self, "decode", None), "count", None)
        if count is not None:
            count((lab[:, 1:] for lab in samples), pixels)

    def chroma(self, lightness: Tensor) -> Tensor:
        """Predict a*b*, float32 (N, 2, h, w) in Lab units, from L* (N, 1, H, W) in 0..100, of the same area."""
        raise NotImplementedError

    def forward(self, lightness: Tensor) -> Tensor:
        """Predict a*b*, float32 (N, 2, H, W) in Lab units, from L* (N, 1, H, W) in 0..100."""
        _check_tensor(lightness)
        return resize_like(self.chroma(lightness).float(), lightness)

    def own_choices(self) -> dict[str, float]:
        """Return what :meth:`chroma` takes for each of its options where none is given, by the option's name.

        By default the buffers called ``default_`` and the option's name, which are part of a checkpoint.
        """
        names = {name: name.rpartition(".")[2] for name, _ in self.named_buffers()}
        return {
            names[name].removeprefix("default_"): float(value)
            for name, value in self.named_buffers()
            if names[name].startswith("default_") and value.numel() == 1
        }

    def encoder_input(self, lightness: Tensor) -> Tensor:
        """Return the encoder input for L* (N, 1, H, W) in 0..100."""
        return normalized_lightness(lightness)

    def predictions(self, lightness: Tensor) -> Tensor:
        """Return the predictions that regression compares with :meth:`targets`, (N, 2, H, W): by default a*b* / 110."""
        return resize_like(self.chroma(lightness), lightness) / AB_UNIT

    def targets(self, lightness: Tensor, ab: Tensor) -> Tensor:
        """Return the training targets, (N, 2, H, W), for L* (N, 1, H, W) and a*b* (N, 2, H, W) in Lab units."""
        return ab / AB_UNIT

    def accuracies(self, predictions: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Return by name the accuracies (0..1) that the network's paper reports; none by default."""
        return {}


class Encoder(nn.Module):
    """Maps gray pictures to feature maps; networks store it as ``encoder``.

    ``channels``: those of the maps that :meth:`forward` returns, from the finest to the coarsest; empty for an encoder
    that returns no maps and cannot be pretrained by this project. ``hub``: ImageNet weights published on the Hub, which
    :meth:`of_imagenet` converts; None if none fit. ``package``: the same weights in a Python package. ``bundled``: the
    model whose bundled weights contain such an encoder.
    """

    channels: tuple[int, ...] = ()
    hub: HubFile | None = None
    package: PackageFile | None = None
    bundled: str | None = None

    def of_imagenet(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the state of this encoder converted from the published one, which was trained on color pictures."""
        raise NotImplementedError

    def pretraining_twin(self) -> Encoder | None:
        """Return another encoder, with this one's weights, to pretrain in its place; None if not needed."""
        return None

    def of_twin(self, twin: Encoder) -> dict[str, Tensor]:
        """Return the state that makes this encoder equal to its twin in evaluation mode."""
        raise NotImplementedError


def timm_file(name: str, licence: str) -> HubFile:
    """Return the weights file of a timm repository on the Hub."""
    return HubFile(f"timm/{name}", "model.safetensors", licence=licence)


def encoder_of(network: nn.Module) -> Encoder | None:
    """Return the pretrained part of a network, None if it has none."""
    encoder = getattr(network, "encoder", None)
    return encoder if isinstance(encoder, Encoder) else None


def mean_weights(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of state dicts of one architecture; other than floating-point tensors are those of the last.

    Networks fine-tuned from the same start are in one basin, and their mean is often better than each: Wortsman
    et al. 2022, "Model soups: averaging weights of multiple fine-tuned models improves accuracy without increasing
    inference time".
    """
    last = states[-1]
    return {
        name: torch.stack([state[name].float() for state in states]).mean(0).to(value.dtype)
        if value.is_floating_point()
        else value
        for name, value in last.items()
    }


def half(module: nn.Module) -> dict[str, torch.Tensor]:
    """Return a state dict with every convolution and linear weight in float16, the rest unchanged.

    Batch-norm statistics, biases and buffers stay float32: they are small, and their range matters.
    """
    state = module.state_dict()
    wide = {name for name, p in module.named_parameters() if p.ndim >= 2}
    return {k: v.half() if k in wide and v.dtype == torch.float32 else v for k, v in state.items()}
