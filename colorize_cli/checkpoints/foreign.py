"""Checkpoints that others published, read and converted: plain tensors under the names of the original implementation.

``.bin`` and ``.pth`` are pickles: they are opened by PyTorch's restricted loader only, which builds tensors and runs
nothing. A description of its own such a file does not have, so the model is the one the user asked for.
"""

import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch.overrides import TorchFunctionMode

from colorize_cli._version import __version__
from colorize_cli.checkpoints.digest import digest_of
from colorize_cli.checkpoints.file import (
    KEY,
    Checkpoint,
    CheckpointInfo,
    load_checkpoint,
    load_strictly,
    refuse_impostor,
    save_checkpoint,
)
from colorize_cli.entry import ModelEntry
from colorize_cli.errors import (
    OutputExists,
    UnknownLayout,
    UnsafeWeights,
    WeightsInvalid,
    WeightsMissing,
    WrongHash,
)
from colorize_cli.models.network import ColorizationNet

PICKLES = frozenset({".bin", ".pth", ".pt", ".ckpt"})
_UNREADABLE = (
    SafetensorError, zipfile.BadZipFile, OSError, RuntimeError, EOFError, ValueError, KeyError, TypeError
)  # fmt: skip
WRAPPERS = ("params", "state_dict", "model")
COUNTER = "num_batches_tracked"


def open_checkpoint(path: Path, entry: ModelEntry) -> Checkpoint:
    """Read a checkpoint of this program, or a foreign one as weights of ``entry``'s default variant.

    Raises :class:`WeightsMissing`, :class:`WeightsInvalid` or :class:`UnsafeWeights`.
    """
    if path.suffix in PICKLES or (path.suffix == ".safetensors" and path.is_file() and not describes_itself(path)):
        return read_foreign(path, entry)
    return load_checkpoint(path)


def load_network(checkpoint: Checkpoint, entry: ModelEntry, name: str) -> ColorizationNet:
    """Build the network a checkpoint belongs to and put its weights in, in evaluation mode.

    Raises :class:`WeightsInvalid`, for a foreign file :class:`UnknownLayout` with the names that do not fit.
    """
    try:
        network = _built(checkpoint.info, entry)
    except (TypeError, ValueError, RuntimeError, AttributeError, ArithmeticError, LookupError, MemoryError) as error:
        raise WeightsInvalid(
            f"{name} has a damaged description: no network can be built from it ({error}).",
            "Download or train it again.",
        ) from error
    load_strictly(network, checkpoint, name)
    return network.eval()


_DRAWING = frozenset({torch.Tensor.normal_, torch.Tensor.uniform_})


class _NothingDrawn(TorchFunctionMode):
    """Within it, random initializations leave tensors as they are; constant ones work.

    Those are the functions of ``torch.nn.init``, some of which are seen only by the method of the tensor that they end
    in.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        of_init = getattr(func, "__module__", "") == "torch.nn.init" and ("uniform_" in name or "normal_" in name)
        if of_init or func in _DRAWING:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def _built(info: CheckpointInfo, entry: ModelEntry) -> ColorizationNet:
    """Return the network that a description names, its weights arbitrary."""
    # Up to hundreds of millions of random numbers would be drawn only to be overwritten.
    if not (entry.hub or entry.original):
        with _NothingDrawn():
            return entry.build(info.variant, **info.arguments)
    with torch.device("meta"):
        network = entry.build(info.variant, **info.arguments)
    network.to_empty(device="cpu")
    return network


def describes_itself(path: Path) -> bool:
    """Return whether a ``.safetensors`` file has this program's description; damaged files count as ours."""
    try:
        with safe_open(path, "pt") as file:
            return KEY in (file.metadata() or {})
    except (SafetensorError, OSError):
        return True


def read_foreign(path: Path, entry: ModelEntry, variant: str | None = None) -> Checkpoint:
    """Read a file in the original implementation's layout as weights of ``entry``; the layout is checked.

    Raises :class:`WeightsMissing`, :class:`UnsafeWeights`, :class:`WeightsInvalid` and :class:`UnknownLayout`.
    """
    state = dict(_unwrap(_tensors(path), path))
    chosen = variant or entry.default_variant
    own = _shapes(entry, chosen)
    for name in own.keys() - state.keys():
        if name.endswith(COUNTER):
            # Only training reads the batch counters; files from before PyTorch 0.4.1 lack them.
            state[name] = torch.tensor(0)
    check_layout(state, own, path, entry)
    info = CheckpointInfo(entry.name, chosen, recipe=f"published weights ({path.name})", version="")
    return Checkpoint(info, state, digest_of(path))


def check_layout(
    state: Mapping[str, torch.Tensor], own: Mapping[str, torch.Size], path: Path, entry: ModelEntry
) -> None:
    """Compare names and shapes with those of the network; raises :class:`UnknownLayout` naming what differs."""
    missing = sorted(own.keys() - state.keys())
    unexpected = sorted(state.keys() - own.keys())
    wrong = sorted(name for name in own.keys() & state.keys() if own[name] != state[name].shape)
    if not (missing or unexpected or wrong):
        return
    differences = [
        f"{len(names)} {label} ({', '.join(names[:4])}{', ...' if len(names) > 4 else ''})"
        for label, names in (("missing", missing), ("unexpected", unexpected), ("of another shape", wrong))
        if names
    ]
    raise UnknownLayout(
        f"{path} does not have the layout of the model {entry.name!r}: {'; '.join(differences)}.",
        "Check -m: the file may belong to another model or size.",
    )


def _shapes(entry: ModelEntry, variant: str) -> dict[str, torch.Size]:
    with torch.device("meta"):
        network = entry.build(variant)
    return {name: tensor.shape for name, tensor in network.state_dict().items()}


def _tensors(path: Path) -> Any:
    if not path.is_file():
        raise WeightsMissing(f"There is no weights file {path}.", "Check --weights.")
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, "pt") as file:
                return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        refuse_impostor(path)
        zipped = zipfile.is_zipfile(path)
        if zipped:
            _check_sums(path)
        # Mapped, a file of 900 MB does not lie in memory beside the network it fills.
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped or None)
    except pickle.UnpicklingError as error:
        if not path.stat().st_size or "Weights only load failed" not in str(error):
            raise _damaged(path, error) from error
        raise UnsafeWeights(
            f"{path} is a pickle that contains more than tensors. Opening it could run code, so it is refused.",
            "Ask its publisher for a .safetensors file.",
        ) from error
    except _UNREADABLE as error:
        raise _damaged(path, error) from error


def _check_sums(path: Path) -> None:
    """Raise for a member whose bytes are not those that were written: PyTorch's own loader does not look.

    Its members are never compressed, so that what is read here is no larger than the file.
    """
    with zipfile.ZipFile(path) as archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError("it is a compressed archive, as PyTorch writes none")
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"the checksum of {damaged} is wrong")


def _damaged(path: Path, error: Exception) -> WeightsInvalid:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return WeightsInvalid(f"{path} cannot be read as weights ({reason}).", "Download it again.")


def _unwrap(loaded: Any, path: Path) -> Mapping[str, torch.Tensor]:
    for wrapper in WRAPPERS:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(wrapper), Mapping):
            loaded = loaded[wrapper]
            break
    if not isinstance(loaded, Mapping) or not all(isinstance(value, torch.Tensor) for value in loaded.values()):
        raise WeightsInvalid(f"{path} contains no named tensors.", "Use a file that contains a state dict.")
    return loaded


def convert(
    source: Path, entry: ModelEntry, target: Path, *, variant: str | None = None, overwrite: bool = False
) -> str:
    """Write ``source`` (``.pth``, ``.bin``, plain ``.safetensors``) as a checkpoint of ``entry``; returns its origin.

    A file with the name of the publisher's must also have its hash. Raises :class:`OutputExists`, :class:`OutputError`,
    :class:`WrongHash` and the errors of :func:`~colorize_cli.checkpoints.foreign.read_foreign`.
    """
    if target.exists() and not overwrite:
        raise OutputExists(f"{target} exists.", "Use --overwrite to replace it.")
    checkpoint = read_foreign(source, entry, variant)
    original = entry.original
    if original is not None and source.name == original.file and not checkpoint.sha256.startswith(original.sha256):
        raise WrongHash(
            f"{source} is not the file its authors published "
            f"(sha256 {checkpoint.sha256[:16]}, expected {original.sha256}...).",
            f"Download it again from {original.url}.",
        )
    load_network(checkpoint, entry, str(source))
    info = replace(
        checkpoint.info,
        recipe=f"published weights, converted from {source.name} (sha256 {checkpoint.sha256})",
        version=__version__,
    )
    save_checkpoint(target, checkpoint.state, info)
    open_checkpoint(target, entry)
    return info.recipe
