"""Blocks that several architectures share: a gray ResNet trunk, residual refinement, and sizes that never break."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

AB_UNIT = 110.0
"""a*b* of the papers' losses: Lab units divided by 110 (the range of their tanh outputs)."""
RESNET_18 = (2, 2, 2, 2)
RESNET_34 = (3, 4, 6, 3)
"""Blocks of each stage (He et al. 2015, table 1)."""


class BasicBlock(nn.Module):
    """The two-convolution residual block of ResNet-18 and -34 (He et al. 2015, 3.3), torchvision's key names."""

    norm_follows = (("conv1", "bn1"), ("conv2", "bn2"))

    def __init__(self, channels_in: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample: nn.Module | None = None
        if stride != 1 or channels_in != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, channels_in, H, W) to (N, channels, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(x)) + shortcut, inplace=True)

    def start_as_identity(self) -> None:
        """Zero the last batch norm's scale: a block added to a trained network begins as ``relu(x)``."""
        nn.init.zeros_(self.bn2.weight)


class ResNetTrunk(nn.Module):
    """A ResNet of basic blocks for one gray channel, without its classifier; returns every scale.

    The state dict has torchvision's names (``conv1``, ``bn1``, ``layer1`` .. ``layer4``) with ``conv1.weight`` of shape
    (64, 1, 7, 7). ``depths``: blocks of each stage, (2, 2, 2, 2) for ResNet-18 and (3, 4, 6, 3) for ResNet-34; fewer
    numbers make a trunk that ends earlier. ``hub``: repository on the Hub with weights that fit.
    """

    channels: tuple[int, ...] = (64, 64, 128, 256, 512)
    norm_follows = (("conv1", "bn1"),)

    def __init__(self, depths: Sequence[int] = RESNET_18) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.stages = [f"layer{i + 1}" for i in range(len(depths))]
        self.channels = ResNetTrunk.channels[: len(depths) + 1]
        layers = 34 if tuple(depths) == RESNET_34[: len(depths)] else 18
        self.hub = f"timm/resnet{layers}.tv_in1k"
        for i, (name, depth) in enumerate(zip(self.stages, depths, strict=True)):
            self.add_module(name, self._stage(self.channels[i], self.channels[i + 1], depth, 1 if i == 0 else 2))

    @staticmethod
    def _stage(channels_in: int, channels: int, depth: int, stride: int) -> nn.Sequential:
        blocks = [BasicBlock(channels_in, channels, stride)]
        blocks += [BasicBlock(channels, channels) for _ in range(depth - 1)]
        return nn.Sequential(*blocks)

    def of_imagenet(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return this trunk's state for torchvision's ResNet: no classes, the first convolution summed over RGB."""
        own = {name: value for name, value in state.items() if name in self.state_dict()}
        return own | {"conv1.weight": state["conv1.weight"].sum(1, keepdim=True)}

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map normalized lightness (N, 1, H, W) to features at 1/2, 1/4, 1/8, 1/16 and 1/32 of its size."""
        stem = F.relu(self.bn1(self.conv1(x)), inplace=True)
        features = [stem, F.max_pool2d(stem, 3, 2, 1)]
        for name in self.stages:
            features.append(self.get_submodule(name)(features[-1]))
        return stem, *features[2:]


def normalized_lightness(lightness: Tensor) -> Tensor:
    """L* of 0..100 to the trunk's input: zero at mid gray, one unit for 25 L*."""
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
    its input. One that learns by regression in another space or unit than a*b* / 110 overrides :meth:`answers` and
    :meth:`targets`. An ``encoder`` for which there are published weights names their repository on the Hub as ``hub``
    and makes them its own by ``of_imagenet``.
    """

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

    def answers(self, lightness: Tensor) -> Tensor:
        """Return what regression compares with :meth:`targets`, (N, 2, H, W): by default a*b* / 110."""
        return resize_like(self.chroma(lightness), lightness) / AB_UNIT

    def targets(self, lightness: Tensor, ab: Tensor) -> Tensor:
        """Return the true answers (N, 2, H, W) for L* (N, 1, H, W) and a*b* (N, 2, H, W) in Lab units."""
        return ab / AB_UNIT

    def accuracies(self, answers: Tensor, targets: Tensor) -> dict[str, Tensor]:
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
