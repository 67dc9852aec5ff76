"""The encoders that ``gan``, ``classifier`` and ``regression`` choose by name, and their decoder.

The decoder maps an encoder's features to a quarter of the input size.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize_cli.models.encoders.efficientnet_lite import EfficientNetLiteEncoder
from colorize_cli.models.encoders.resnet import BasicBlock, ResNetEncoder
from colorize_cli.models.network import Encoder, resize_like

EncoderName = Literal["efficientnet", "resnet18", "paired"]


class PairedEncoder(Encoder):
    """EfficientNet-Lite2 and a gray ResNet-18 on the same input; the features of each scale are concatenated.

    One is pretrained on ImageNet in color, the other trained only on gray photographs. Networks with different training
    make different mistakes: the mean of two networks' predictions is better than either
    (docs/lab/training-log.md). Both feed one decoder, which learns how to combine them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.efficientnet = EfficientNetLiteEncoder()
        self.resnet = ResNetEncoder(18)
        scales = zip(self.efficientnet.channels, self.resnet.channels[-4:], strict=True)
        self.channels = tuple(first + second for first, second in scales)

    # Published weights are those of the first encoder; the second is trained from photographs.
    hub = EfficientNetLiteEncoder.hub
    package = EfficientNetLiteEncoder.package
    bundled = "gan"

    def of_imagenet(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return this encoder's state with the first one's weights from a published network, the second unchanged."""
        published = {f"efficientnet.{name}": value for name, value in self.efficientnet.of_imagenet(state).items()}
        return {name: value for name, value in self.state_dict().items() if name.startswith("resnet.")} | published

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map normalized lightness (N, 1, H, W) to features at 1/4, 1/8, 1/16 and 1/32 of its size."""
        scales = zip(self.efficientnet(x), self.resnet(x)[-4:], strict=True)
        return tuple(torch.cat(features, 1) for features in scales)


def create_encoder(name: EncoderName) -> Encoder:
    """Return a new encoder with untrained weights; raises ValueError for an unknown name."""
    if name == "efficientnet":
        return EfficientNetLiteEncoder()
    if name == "resnet18":
        return ResNetEncoder()
    if name == "paired":
        return PairedEncoder()
    raise ValueError(f"there is no encoder {name!r}")


class Smooth(nn.Sequential):
    """3x3 convolution, batch norm, ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(True))


class ChromaDecoder(nn.Module):
    """Top-down decoder over an encoder's scales with additive skips, from 1/32 up to a quarter of the input size.

    ``channels``: those of the encoder's features at 1/4, 1/8, 1/16 and 1/32, after any of finer scales.
    ``deep_width``: channels of the decoder at 1/16, if not ``width``; ``context``: transformer blocks there;
    ``dropout``: share of the coarse feature maps dropped in training.
    """

    def __init__(
        self,
        channels: Sequence[int],
        width: int,
        refinements: int,
        deep_width: int | None = None,
        context: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        deep = deep_width or width
        self.lateral4 = nn.Conv2d(channels[-1], deep, 1)
        self.lateral3 = nn.Conv2d(channels[-2], deep, 1)
        self.lateral2 = nn.Conv2d(channels[-3], width, 1)
        self.lateral1 = nn.Conv2d(channels[-4], width, 1)
        self.smooth3 = Smooth(deep)
        self.smooth2 = Smooth(width)
        self.refine3 = nn.Sequential(*(BasicBlock(deep) for _ in range(refinements)))
        self.context = nn.Sequential(*(ContextBlock(deep) for _ in range(context)))
        self.dropout = nn.Dropout2d(dropout)
        self.narrow = nn.Identity() if deep == width else nn.Conv2d(deep, width, 1)
        self.refine2 = nn.Sequential(*(BasicBlock(width) for _ in range(refinements)))
        self.refine1 = BasicBlock(width)

    def start_as_light_head(self) -> None:
        """Make everything beyond the light 1/8 head the identity, so that training starts from that head."""
        nn.init.zeros_(self.lateral1.weight)
        if self.lateral1.bias is not None:
            nn.init.zeros_(self.lateral1.bias)
        for block in (*self.refine3, *self.context, *self.refine2, self.refine1):
            if isinstance(block, BasicBlock | ContextBlock):
                block.start_as_identity()

    def eighth(self, features: tuple[Tensor, ...]) -> Tensor:
        """Map the encoder's features to (N, width, H / 8, W / 8): all but the finest scale, as pretraining uses it."""
        *_, eighth, sixteenth, deepest = features
        x = self.lateral3(self.dropout(sixteenth)) + resize_like(self.lateral4(self.dropout(deepest)), sixteenth)
        x = self.narrow(self.context(self.refine3(self.smooth3(x))))
        x = self.lateral2(eighth) + resize_like(x, eighth)
        return self.refine2(self.smooth2(x))

    def forward(self, features: tuple[Tensor, ...]) -> Tensor:
        """Map the encoder's features to (N, width, H / 4, W / 4)."""
        quarter = features[-4]
        return self.refine1(F.relu(self.lateral1(quarter) + resize_like(self.eighth(features), quarter)))


class ContextBlock(nn.Module):
    """A transformer encoder block over the positions of a feature map, layer norm first (Xiong et al. 2020).

    No position code: the features of a convolutional network encode position, and the block works at every size.
    """

    def __init__(self, channels: int, heads: int = 4, expansion: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        self.norm2 = nn.LayerNorm(channels)
        self.expand = nn.Linear(channels, expansion * channels)
        self.project = nn.Linear(expansion * channels, channels)

    def start_as_identity(self) -> None:
        """Zero the residual branches, so that the block is the identity."""
        for layer in (self.out, self.project):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to the same shape."""
        tokens = x.flatten(2).transpose(1, 2)
        query, key, value = self.qkv(self.norm1(tokens)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        read = F.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.out(read.transpose(1, 2).flatten(2))
        tokens = tokens + self.project(F.gelu(self.expand(self.norm2(tokens))))
        return tokens.transpose(1, 2).unflatten(2, x.shape[-2:])
