"""Where a model's weights are: the file or folder the user names, or the ones that come with the product."""

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from colorize_cli.errors import WeightsInvalid, WeightsMissing
from colorize_cli.registry import ModelEntry

INDEX = "index.json"


@dataclass(frozen=True)
class BundledFile:
    """A row of ``weights/index.json``: file name, sha256 (hex), size in bytes, and the model card's file name."""

    file: str
    sha256: str
    size: int
    card: str


def bundled_folder() -> Path:
    """Return the folder of the weights that come with the product: inside the installed package, or the checkout's."""
    package = Path(str(files("colorize_cli")))
    installed = package / "weights"
    return installed if installed.is_dir() else package.parent / "weights"


def bundled_index() -> dict[str, BundledFile]:
    """Return the index of the bundled weights by file name; empty where none are bundled.

    Raises :class:`WeightsInvalid` when the index cannot be read.
    """
    path = bundled_folder() / INDEX
    if not path.is_file():
        return {}
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {row["file"]: BundledFile(**row) for row in rows}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsInvalid(f"{path} is damaged ({error}).", "Install colorize-cli again.") from error


def bundled_path(entry: ModelEntry) -> Path | None:
    """Return where the entry's bundled weights lie, or None when it has none here."""
    if entry.bundled is None:
        return None
    path = bundled_folder() / entry.bundled
    return path if path.is_file() else None


def find_weights(entry: ModelEntry, weights: str | Path | None = None) -> Path:
    """Return the checkpoint file to load for an entry.

    ``weights``: a file, or a folder holding ``<name>.safetensors``, ``best.safetensors``, ``last.safetensors`` or one
    single ``.safetensors``; None for the bundled ones. Raises :class:`WeightsMissing` with the command that helps.
    """
    if weights is None:
        found = bundled_path(entry)
        if found is None:
            raise WeightsMissing(
                f"Model {entry.name!r} has no trained weights here, and random weights never paint.",
                f"Train it (`colorize train PHOTOS -m {entry.name} -o run/`) and pass `--weights run/`.",
            )
        return found
    path = Path(weights).expanduser()
    if path.is_dir():
        return _in_folder(path, entry)
    if not path.exists():
        raise WeightsMissing(f"There is no weights file {path}.", "Check --weights.")
    return path


def _in_folder(folder: Path, entry: ModelEntry) -> Path:
    for name in (f"{entry.name}.safetensors", "best.safetensors", "last.safetensors"):
        if (folder / name).is_file():
            return folder / name
    candidates = sorted(folder.glob("*.safetensors"))
    if len(candidates) == 1:
        return candidates[0]
    found = "several .safetensors files" if candidates else "no .safetensors file"
    raise WeightsMissing(f"The folder {folder} holds {found}.", "Name the file itself with --weights.")
