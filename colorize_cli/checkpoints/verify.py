"""Checking that the weights that come with the product are the ones that were published with it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from colorize_cli.checkpoints.file import read_info
from colorize_cli.checkpoints.foreign import load_network, open_checkpoint
from colorize_cli.checkpoints.locate import (
    INDEX,
    BundledFile,
    bundled_folder,
    bundled_index,
    bundled_path,
    find_weights,
)
from colorize_cli.entry import ModelEntry
from colorize_cli.errors import WeightsInvalid
from colorize_cli.files import sha256_of, write_text
from colorize_cli.registry import ENTRIES


@dataclass(frozen=True)
class Verified:
    """The outcome for one checkpoint: the file, its sha256 (hex) and its size in bytes."""

    model: str
    path: Path
    sha256: str
    size: int


def verify(
    entry: ModelEntry, weights: str | Path | None = None, *, offline: bool = False, accept_license: bool = False
) -> Verified:
    """Check an entry's weights: the hash (bundled and published ones), strict loading, finite values.

    Raises :class:`WeightsMissing`, :class:`WeightsInvalid` or a :class:`HubError`.
    """
    path = find_weights(entry, weights, offline=offline, accept_license=accept_license)
    checkpoint = open_checkpoint(path, entry)
    if checkpoint.info.model != entry.name:
        raise WeightsInvalid(
            f"{path} holds weights of {checkpoint.info.model!r}, not of {entry.name!r}.",
            f"Use it with -m {checkpoint.info.model}.",
        )
    if weights is None and path == bundled_path(entry):
        row = bundled_index().get(path.name)
        if row is None:
            raise WeightsInvalid(f"{path.name} is not in {INDEX}.", "Reinstall colorize from its wheel or checkout.")
        if (row.sha256, row.size) != (checkpoint.sha256, path.stat().st_size):
            raise WeightsInvalid(
                f"{path} is not the file that was published: sha256 {checkpoint.sha256[:12]}, not {row.sha256[:12]}.",
                "Reinstall colorize from its wheel or checkout.",
            )
    load_network(checkpoint, entry, str(path))
    return Verified(entry.name, path, checkpoint.sha256, path.stat().st_size)


def write_index(folder: Path | None = None) -> Path:
    """Write the index of the weights in a folder (default: the bundled one) and return its path; for maintainers."""
    folder = folder or bundled_folder()
    rows = []
    for entry in ENTRIES.values():
        if entry.bundled is not None and (folder / entry.bundled).is_file():
            path = folder / entry.bundled
            variant = read_info(path).variant
            rows.append(
                asdict(BundledFile(path.name, variant, sha256_of(path), path.stat().st_size, f"{path.stem}.md"))
            )
    index = folder / INDEX
    write_text(index, json.dumps({"files": rows}, indent=2) + "\n")
    return index
