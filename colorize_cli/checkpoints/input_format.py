"""How a photograph is given to a network: what its checkpoint says, else its registry entry. Loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

from colorize_cli.entry import Fit, ModelEntry
from colorize_cli.files import parse_json

_LONGEST_HEADER = 100 * 2**20  # the limit of the format's own readers


@dataclass(frozen=True)
class InputFormat:
    """``size``: pixels of the longer side; ``fit``: see :mod:`colorize_cli.imaging.geometry`; ``mirror``: whether the
    mirror image is colorized as well and both are averaged.
    """

    size: int
    fit: Fit
    mirror: bool


def input_format(entry: ModelEntry, stored: Mapping[str, Any]) -> InputFormat:
    """Return the input of a model's checkpoint that has ``stored`` as :attr:`CheckpointInfo.input`.

    Fields that are absent, or have a value that no version knows, are the entry's.
    """
    if not isinstance(stored, Mapping):
        stored = {}
    size, fit, mirror = (stored.get(name) for name in ("size", "fit", "mirror"))
    return InputFormat(
        size if isinstance(size, int) and size > 0 else entry.input_size,
        cast(Fit, fit) if isinstance(fit, str) and fit in get_args(Fit) else entry.fit,
        mirror if isinstance(mirror, bool) else entry.mirror,
    )


def input_format_of(entry: ModelEntry, path: Path) -> InputFormat:
    """Return the input of the checkpoint file ``path``; a file without a description of ours has the entry's."""
    return input_format(entry, _stored(path))


def _stored(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= _LONGEST_HEADER:
                return {}
            found = parse_json(parse_json(file.read(length))["__metadata__"]["colorize"])["input"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}
