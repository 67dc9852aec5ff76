"""What every encoder is: features of a gray picture, and what training needs to know to begin with them."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from colorize_cli.entry import HubFile, PackageFile


class Encoder(nn.Module):
    """Gray pictures to feature maps; a network holds it as ``encoder``.

    ``channels``: those of the maps that :meth:`forward` returns, from the finest on; empty for an encoder that returns
    no maps and cannot be pretrained here. ``hub``: weights trained on ImageNet, published on the Hub, which
    :meth:`of_imagenet` makes its own; None where none fit. ``package``: the same weights in a Python package.
    ``bundled``: the model whose bundled weights hold such an encoder.
    """

    channels: tuple[int, ...] = ()
    hub: HubFile | None = None
    package: PackageFile | None = None
    bundled: str | None = None

    def of_imagenet(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return this encoder's state for the published one's, which was trained on color pictures."""
        raise NotImplementedError

    def pretraining_twin(self) -> Encoder | None:
        """Return another encoder, with this one's weights, to be pretrained in its place; None where it needs none."""
        return None

    def of_twin(self, twin: Encoder) -> dict[str, Tensor]:
        """Return the state with which this encoder computes what its twin does in evaluation mode."""
        raise NotImplementedError


def timm_file(name: str, licence: str) -> HubFile:
    """Return the weights file of one of timm's repositories on the Hub."""
    return HubFile(f"timm/{name}", "model.safetensors", licence=licence)
