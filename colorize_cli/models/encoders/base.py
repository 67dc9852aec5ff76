"""Base class of encoders: features of a gray picture, and information for training from pretrained weights."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from colorize_cli.entry import HubFile, PackageFile


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
