"""The checkpoint file: one self-describing ``.safetensors`` with the weights and what is known about them.

Metadata is JSON under the key ``colorize`` of the safetensors header, which any safetensors reader shows. Tensors that
several checkpoints have in common may be stored in one of them only: the others name that file, which must be in the
same folder, its sha256 and the tensors.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from colorize_cli._version import __version__
from colorize_cli.checkpoints.digest import digest_of
from colorize_cli.errors import WeightsInvalid, WeightsMissing
from colorize_cli.files import parse_json, write_bytes

KEY = "colorize"
_COUNTER = "num_batches_tracked"
FORMAT, FORMAT_SHARING = 1, 2
"""Files that share tensors with others have a higher number, so that older versions say that they are too old."""

_HEAD = 512
_PAGE = ("<!doctype", "<html", "<?xml", "<head", "<body", "<error", "<!--")
_POINTER = "version https://git-lfs.github.com/spec/"


@dataclass(frozen=True)
class CheckpointInfo:
    """A checkpoint's description of itself.

    ``model``, ``variant``: registry names; ``arguments``: constructor arguments beyond the variant's own; ``recipe``:
    how it was trained; ``encoder``: where its encoder came from; ``data``: what it was trained on; ``validation``:
    figures on validation photographs; ``version``: of the package that wrote it; ``smoke``: whether it is from a smoke
    test and unusable. ``input``: how the network's input is prepared when colorizing: ``size`` (pixels), ``fit`` (a
    :data:`colorize_cli.entry.Fit`), ``mirror`` (whether the prediction is averaged with that of the mirror image);
    missing values are the registry's. ``shared``: by file name in the same folder, the file's ``sha256`` and the names
    of the ``tensors`` in it.
    """

    model: str
    variant: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    recipe: str = ""
    encoder: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    validation: Mapping[str, Any] = field(default_factory=dict)
    version: str = __version__
    smoke: bool = False
    input: Mapping[str, Any] = field(default_factory=dict)
    shared: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    format: int = FORMAT


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in memory: its description, its tensors and the sha256 of its file (hex)."""

    info: CheckpointInfo
    state: Mapping[str, torch.Tensor]
    sha256: str


def save_checkpoint(path: Path, state: Mapping[str, torch.Tensor], info: CheckpointInfo) -> None:
    """Write a checkpoint whole or not at all; ``state`` leaves out the tensors that ``info.shared`` finds elsewhere.

    Raises :class:`OutputError`.
    """
    info = replace(info, format=FORMAT_SHARING if info.shared else FORMAT)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    write_bytes(path, save(tensors, metadata={KEY: json.dumps(asdict(info), sort_keys=True)}))


def read_info(path: Path) -> CheckpointInfo:
    """Read only the description of a checkpoint.

    Raises :class:`WeightsMissing` when there is no such file and :class:`WeightsInvalid` when it is no checkpoint of
    this program.
    """
    try:
        with safe_open(path, "pt") as file:
            return _info(path, file.metadata())
    except FileNotFoundError as error:
        raise WeightsMissing(f"There is no weights file {path}.", "Check --weights.") from error
    except (SafetensorError, OSError) as error:
        if isinstance(error, SafetensorError):
            refuse_impostor(path)
        raise WeightsInvalid(
            f"{path} is not a readable .safetensors file ({error}).",
            "Download or copy it again. Other formats cannot be used.",
        ) from error


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, with the tensors it shares with others; the errors are those of :func:`read_info`."""
    info = read_info(path)
    state = _tensors(path)
    for file, part in info.shared.items():
        state |= _shared_tensors(path, path.with_name(Path(file).name), part)
    return Checkpoint(info, state, digest_of(path))


def _tensors(path: Path, names: Iterable[str] | None = None) -> dict[str, torch.Tensor]:
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in (file.keys() if names is None else names)}
    except (SafetensorError, OSError) as error:
        raise WeightsInvalid(f"{path} is damaged ({error}).", "Download or train it again.") from error


def _shared_tensors(path: Path, other: Path, part: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    if not other.is_file():
        raise WeightsMissing(f"{path} needs {other.name} in the same folder.", f"Put {other.name} beside it.")
    if digest_of(other) != part["sha256"]:
        raise WeightsInvalid(
            f"{path} shares tensors with another {other.name} than the one beside it.",
            "Keep both files of one version together.",
        )
    return _tensors(other, part["tensors"])


def _info(path: Path, metadata: Mapping[str, str] | None) -> CheckpointInfo:
    text = (metadata or {}).get(KEY)
    if text is None:
        raise WeightsInvalid(
            f"{path} contains weights but does not name their model.",
            "Use a file written by `colorize train`.",
        )
    try:
        fields = parse_json(text)
        if fields["format"] > FORMAT_SHARING:
            raise WeightsInvalid(
                f"{path} was written by a newer version ({fields['version']}).", "Update colorize and try again."
            )
        known = CheckpointInfo.__dataclass_fields__
        return _checked(CheckpointInfo(**{name: value for name, value in fields.items() if name in known}))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsInvalid(f"{path} has a damaged description ({error}).", "Download or train it again.") from error


def _kind(tensor: torch.Tensor) -> tuple[bool, bool, bool]:
    """Return whether a tensor is floating point, complex, or Boolean: kinds that are not converted into each other."""
    return tensor.dtype.is_floating_point, tensor.dtype.is_complex, tensor.dtype == torch.bool


def _checked(info: CheckpointInfo) -> CheckpointInfo:
    """Return a description whose fields have the types they are declared with. Raises ValueError."""
    texts, tables = ("model", "variant", "recipe", "encoder", "version"), ("arguments", "data", "validation", "input")
    for names, kind in ((texts, str), (tables, dict), (("shared",), dict)):
        for name in names:
            if not isinstance(getattr(info, name), kind):
                raise ValueError(f"'{name}' has the wrong type")
    for part in info.shared.values():
        if not isinstance(part, dict) or not isinstance(part.get("sha256"), str):
            raise ValueError("'shared' gives no sha256")
        tensors = part.get("tensors")
        if not isinstance(tensors, list) or not all(isinstance(name, str) for name in tensors):
            raise ValueError("'shared' does not list the names of tensors")
    return info


def load_strictly(network: torch.nn.Module, checkpoint: Checkpoint, name: str) -> None:
    """Put a checkpoint's tensors into a network; every name and shape must match.

    Floating-point tensors take the network's own type; whole numbers fit only whole numbers. Raises
    :class:`WeightsInvalid` listing what does not fit.
    """
    own = network.state_dict()
    missing = sorted(own.keys() - checkpoint.state.keys())
    unexpected = sorted(checkpoint.state.keys() - own.keys())
    wrong = sorted(k for k in own.keys() & checkpoint.state.keys() if own[k].shape != checkpoint.state[k].shape)
    if missing or unexpected or wrong:
        parts = [
            f"{label}: {', '.join(keys[:4])}{' ...' if len(keys) > 4 else ''}"
            for label, keys in (("missing", missing), ("unexpected", unexpected), ("of another shape", wrong))
            if keys
        ]
        raise WeightsInvalid(
            f"{name} does not fit the model {checkpoint.info.model!r} ({'; '.join(parts)}).",
            "It belongs to another model, or to another version of this model.",
        )
    kinds = [k for k in sorted(own) if _kind(own[k]) != _kind(checkpoint.state[k]) and not k.endswith(_COUNTER)]
    if kinds:
        raise WeightsInvalid(
            f"{name} holds {checkpoint.state[kinds[0]].dtype} where the model has {own[kinds[0]].dtype} ({kinds[0]}).",
            "Quantized weights cannot be used: download or train them in float32 or float16.",
        )
    broken = [k for k, v in checkpoint.state.items() if v.dtype.is_floating_point and not _finite(v)]
    if broken:
        raise WeightsInvalid(f"{name} holds values that are not finite ({broken[0]}).", "Download or train it again.")
    # Copied and converted in one pass.
    network.load_state_dict(checkpoint.state)


def _finite(tensor: torch.Tensor) -> bool:
    """Whether no value is infinite or NaN. The extremes tell, in a tenth of the time that `torch.isfinite` takes."""
    values = tensor if tensor.dtype.itemsize > 1 else tensor.float()
    return not values.numel() or all(bool(torch.isfinite(end)) for end in torch.aminmax(values))


def refuse_impostor(path: Path) -> None:
    """Raise :class:`WeightsInvalid` for text in place of weights, as browsers and clones without Git LFS save it; it
    says what the text is. OSError passes."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if b"\0" in head:
        return  # weights of any format have zeros in their first bytes, texts have none
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n").lower()
    if text.startswith(_POINTER):
        raise WeightsInvalid(
            f"{path} is a Git LFS pointer: it only names the weights.",
            "Run `git lfs pull` where you cloned it, or download the file itself.",
        )
    if text.startswith(_PAGE):
        raise WeightsInvalid(
            f"{path} is a web page, not weights.",
            "Download the file itself: copy the address of its download link, not of the page about it.",
        )
    if text.startswith(("{", "[")) and text.isprintable():
        raise WeightsInvalid(
            f"{path} is JSON text, not weights.",
            "It may contain an error message: read it, then download the weights again.",
        )
