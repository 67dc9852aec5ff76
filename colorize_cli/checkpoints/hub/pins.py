"""What this user has pinned: the commit and sha256 found at a first download, and the licences agreed to.

One small JSON file in the user's state folder. A registry entry or reference without revision or sha256 is trusted on
first use and held to it from then on. The cache is looked into without the Hub's client, whose import takes longer
than the whole of ``models list``.
"""

import contextlib
import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from colorize_cli.entry import HubFile
from colorize_cli.errors import CacheNotWritable, OutputError
from colorize_cli.files import parse_json, write_text

FILE = "hub-pins.json"
QUARANTINE = "quarantine"
"""Folder in a repository's cache: what was downloaded and is not the published file."""
_HEX = re.compile("[0-9a-f]{7,64}")


@dataclass(frozen=True)
class Pin:
    """A file as first seen: its commit, sha256 (hex), size in bytes, and the licence its card stated."""

    commit: str
    sha256: str
    size: int
    licence: str = ""


def state_folder() -> Path:
    """Return the folder for what the program remembers, where the system keeps such things.

    On Linux ``$XDG_STATE_HOME/colorize``, by default in ``~/.local/state``.
    """
    from platformdirs import user_state_path

    try:
        return user_state_path("colorize", appauthor=False)
    except RuntimeError:
        raise CacheNotWritable(
            "This user has no home folder to remember downloads in.", "Name a folder for it in XDG_STATE_HOME."
        ) from None


def _state_folders() -> list[Path]:
    """Return the folders to read, the one of today last; version 0.1.0 wrote to Linux's place on every system."""
    base = os.environ.get("XDG_STATE_HOME")
    try:
        of_0_1 = (Path(base) if base else Path.home() / ".local" / "state") / "colorize"
        return list(dict.fromkeys((of_0_1, state_folder())))
    except (RuntimeError, CacheNotWritable):  # no HOME, and a user whom the system does not know
        return []


def pin_of(hub: HubFile, commit: str | None = None) -> Pin | None:
    """Return what is known of a file at a commit (None: the revision it names), or None before its first download."""
    row = _read()["files"].get(_key(hub, commit or hub.revision))
    try:
        pin = None if row is None else Pin(**row)
        return pin if pin is not None and _is_sound(pin) else None
    except TypeError:
        return None


def _is_sound(pin: Pin) -> bool:
    """Whether a pin that was read is valid: its commit becomes part of a path."""
    texts = isinstance(pin.licence, str) and isinstance(pin.commit, str) and isinstance(pin.sha256, str)
    return texts and isinstance(pin.size, int) and bool(_HEX.fullmatch(pin.commit) and _HEX.fullmatch(pin.sha256))


def remember(hub: HubFile, pin: Pin) -> None:
    """Pin a file to what was found, both for its commit and, if it names no revision, for the reference itself."""
    state = _read()
    state["files"][_key(hub, pin.commit)] = asdict(pin)
    if hub.revision is None:
        state["files"][_key(hub, None)] = asdict(pin)
    _write(state)


def agreed_to(hub: HubFile) -> bool:
    """Return whether the user has accepted the licence of this repository before."""
    return hub.repo in _read()["licences"]


def agree_to(hub: HubFile, licence: str) -> None:
    """Record that the user accepted the licence of a repository."""
    state = _read()
    state["licences"][hub.repo] = licence
    _write(state)


def _key(hub: HubFile, revision: str | None) -> str:
    return f"{hub.repo}/{hub.file}@{revision or ''}"


def _read() -> dict[str, dict[str, Any]]:
    state: dict[str, dict[str, Any]] = {"files": {}, "licences": {}}
    for folder in _state_folders():
        with contextlib.suppress(OSError, ValueError, AttributeError):
            found = parse_json((folder / FILE).read_text(encoding="utf-8"))
            for key, rows in found.items():
                if isinstance(rows, dict):
                    state[key] = state.get(key, {}) | rows
    return state


def _write(state: dict[str, dict[str, Any]]) -> None:
    """Write the file; a state folder that cannot be written costs the pin, not the run."""
    with contextlib.suppress(OutputError, CacheNotWritable):
        write_text(state_folder() / FILE, json.dumps(state, indent=2, sort_keys=True), parents=True)


def cache_folder() -> Path:
    """Return the Hub's cache by its documented rules: ``HF_HUB_CACHE``, ``HF_HOME``, else below ``~/.cache``."""
    if "HF_HUB_CACHE" in os.environ:
        return _expanded(os.environ["HF_HUB_CACHE"])
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or f"{base}/huggingface"
    return _expanded(home) / "hub"


def _expanded(path: str) -> Path:
    """Return a path with ~ replaced. Raises :class:`CacheNotWritable` where nobody knows where home is."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise CacheNotWritable(
            "This user has no home folder to keep downloads in.", "Name a folder for them in HF_HOME."
        ) from None


def seen_in_cache(file: HubFile) -> Path | None:
    """Return the path of a file pinned to a commit in the cache, or None; nothing is checked."""
    pin = pin_of(file)
    commit = file.revision or (pin.commit if pin else "main")
    path = _storage(file) / "snapshots" / commit / file.file
    return path if path.is_file() else None


def quarantined(file: HubFile) -> list[Path]:
    """Return what was moved aside in place of a file, because it is not the published one."""
    name = Path(file.file).name
    try:
        found = sorted((_storage(file) / QUARANTINE).iterdir())
    except OSError:
        return []
    return [path for path in found if path.name.partition("-")[2] == name]


def _storage(file: HubFile) -> Path:
    return cache_folder() / f"models--{file.repo.replace('/', '--')}"
