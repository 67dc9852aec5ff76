"""Where a training run's first weights come from: chance, the Hub's ImageNet encoder, an encoder file, a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from colorize_cli.checkpoints.format import load_checkpoint, load_strictly
from colorize_cli.errors import UsageProblem, WeightsInvalid, WeightsMissing
from colorize_cli.models.ab_bins import srgb_bins
from colorize_cli.models.blocks import ColorizationNet, initialize_normal
from colorize_cli.models.gan import Generator
from colorize_cli.registry import ModelEntry
from colorize_cli.training.recipes import Recipe

HUB_ENCODER = "timm/resnet18.tv_in1k"


def initial_network(
    entry: ModelEntry, variant: str, recipe: Recipe, *, init: Path | None, encoder: str, seed: int
) -> tuple[ColorizationNet, str]:
    """Return the network a run starts from, and in words where its encoder came from.

    ``init``: a checkpoint of this model and variant, or an encoder file; ``encoder``: ``scratch``, ``hub`` or a file.
    Raises :class:`WeightsMissing` and :class:`WeightsInvalid` for files and downloads that cannot be used.
    """
    torch.manual_seed(seed)
    network = entry.build(variant)
    if recipe.initialization == "normal":
        initialize_normal(network)
    if isinstance(network, Generator):
        network.decoder.start_as_light_head()
        centers = srgb_bins()
        if centers.shape == network.decode.centers.shape:
            network.decode.centers.copy_(centers)
    if init is not None:
        return network, _from_file(network, init, entry, variant)
    if encoder == "hub":
        return network, load_hub_encoder(network)
    if encoder != "scratch":
        return network, _from_file(network, Path(encoder), entry, variant)
    return network, "scratch"


def _from_file(network: ColorizationNet, path: Path, entry: ModelEntry, variant: str) -> str:
    if not path.is_file():
        raise WeightsMissing(f"There is no weights file {path}.", "Check --init and --encoder.")
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsInvalid(f"{path} is not a readable .safetensors file ({error}).", "Fetch it again.") from error
    if "encoder.fc.weight" in state or any(name.startswith("head.") for name in state):
        load_encoder_file(network, state, path.name)
        return path.name
    checkpoint = load_checkpoint(path)
    if (checkpoint.info.model, checkpoint.info.variant) != (entry.name, variant):
        raise WeightsInvalid(
            f"{path} holds {checkpoint.info.model} ({checkpoint.info.variant}), not {entry.name} ({variant}).",
            f"Train it with -m {checkpoint.info.model} --variant {checkpoint.info.variant}.",
        )
    load_strictly(network, checkpoint, str(path))
    return checkpoint.info.encoder or path.name


def load_encoder_file(network: ColorizationNet, state: Mapping[str, Tensor], name: str) -> None:
    """Load an encoder file: ``encoder.*`` as torchvision names it, no classes, ``head.*`` the light color head.

    An architecture without the light head takes the encoder alone. Raises :class:`WeightsInvalid` when it does not fit.
    """
    mapped: dict[str, Tensor] = {}
    for key, value in state.items():
        if key.startswith("encoder.") and not key.startswith("encoder.fc."):
            mapped[key] = value.float() if value.is_floating_point() else value
        elif isinstance(network, Generator) and key.startswith("head."):
            rest = key.removeprefix("head.")
            if rest == "ab_centers":
                mapped["decode.centers"] = value.float()
            else:
                mapped[rest if rest.startswith("classifier.") else f"decoder.{rest}"] = value.float()
    _load_part(network, mapped, name)


def load_hub_encoder(network: ColorizationNet) -> str:
    """Load timm's ImageNet ResNet-18, its first convolution summed over RGB; returns its name.

    Raises a :class:`~colorize_cli.errors.HubError` when it cannot be fetched.
    """
    trunk = getattr(network, "encoder", None)
    if not isinstance(trunk, nn.Module):
        raise UsageProblem("This architecture has no ResNet-18 encoder.", "Leave --encoder out.")
    from colorize_cli.checkpoints.hub import fetch_encoder

    stored = load_file(fetch_encoder(HUB_ENCODER, "model.safetensors"))
    state = {name: value for name, value in stored.items() if not name.startswith("fc.")}
    state["conv1.weight"] = state["conv1.weight"].sum(1, keepdim=True)
    _load_part(network, {f"encoder.{name}": value for name, value in state.items()}, HUB_ENCODER)
    return f"hub:{HUB_ENCODER}"


def _load_part(network: nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    own = network.state_dict()
    unknown = sorted(key for key, value in state.items() if key not in own or own[key].shape != value.shape)
    absent = sorted(
        key
        for key in own
        if key.startswith("encoder.") and key not in state and not key.endswith("num_batches_tracked")
    )
    if unknown or absent:
        raise WeightsInvalid(
            f"{name} does not fit this architecture ({', '.join((unknown or absent)[:4])}).",
            "An encoder file holds a ResNet-18 for one gray channel under encoder.*.",
        )
    network.load_state_dict(state, strict=False)
