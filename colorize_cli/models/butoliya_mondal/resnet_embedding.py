"""The embedding of the variant ``resnet18``; apart, because it imports torchvision."""

from torch import Tensor

from colorize_cli.models.butoliya_mondal.networks import squared
from colorize_cli.models.encoders.resnet import ResNetEncoder
from colorize_cli.models.network import normalized_lightness


class ResNetEmbedding(ResNetEncoder):
    """The pooled deepest features, 512, of a gray ResNet-18 at 128x128 pixels, the size it is pretrained at."""

    features = 512

    def forward(self, lightness: Tensor) -> Tensor:  # type: ignore[override]
        """Map L* (N, 1, H, W) in 0..100 to features (N, 512)."""
        return super().forward(normalized_lightness(squared(lightness, 128)))[-1].mean((2, 3))
