"""What every network of the registry is, and what several of them need: sizes that never break, first weights."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

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
    """Run a network that only takes sizes divisible by ``multiple``: repeat the border, run, crop back.

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
    """What every network of the registry is: lightness in, a*b* out.

    A subclass implements :meth:`chroma`, at the resolution at which it predicts; :meth:`forward` answers at the size of
    its input. One that learns by regression in another space or unit than a*b* / 110 overrides :meth:`predictions` and
    :meth:`targets`. An ``encoder`` for which there are published weights names their repository on the Hub as ``hub``
    and makes them its own by ``of_imagenet``.
    """

    def color_sample_side(self, size: int) -> int:
        """Return the side, in pixels, of the photos for :meth:`count_colors`, where squares of ``size`` are learned.

        24 is enough for a prior over coarse bins.
        """
        return 24

    def count_colors(self, samples: Iterable[Tensor], pixels: int) -> None:
        """Take in Lab (N, 3, h, w) of a sample of the training photos, which have ``pixels`` in all.

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

    def encoder_input(self, lightness: Tensor) -> Tensor:
        """Return what the network gives its encoder for L* (N, 1, H, W) in 0..100."""
        return normalized_lightness(lightness)

    def predictions(self, lightness: Tensor) -> Tensor:
        """Return what regression compares with :meth:`targets`, (N, 2, H, W): by default a*b* / 110."""
        return resize_like(self.chroma(lightness), lightness) / AB_UNIT

    def targets(self, lightness: Tensor, ab: Tensor) -> Tensor:
        """Return what it is to predict, (N, 2, H, W), for L* (N, 1, H, W) and a*b* (N, 2, H, W) in Lab units."""
        return ab / AB_UNIT

    def accuracies(self, predictions: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Return by name the accuracies (0..1) that the network's paper reports; none by default."""
        return {}


def mean_weights(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of state dicts of one architecture; what is not floating-point is that of the last.

    Networks fine-tuned from one beginning lie in one basin, and their mean is often better than each of them: Wortsman
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
    """Return a state dict with every convolution and linear weight in float16, the rest as it is.

    Batch-norm statistics, biases and buffers stay float32: they are small, and their range matters.
    """
    state = module.state_dict()
    wide = {name for name, p in module.named_parameters() if p.ndim >= 2}
    return {k: v.half() if k in wide and v.dtype == torch.float32 else v for k, v in state.items()}
