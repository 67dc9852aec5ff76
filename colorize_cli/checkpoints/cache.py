"""Looking into the Hub's cache without its client, whose import takes longer than the whole of ``models list``."""

import os
from pathlib import Path

from colorize_cli.checkpoints import pins
from colorize_cli.registry import HubFile


def cache_folder() -> Path:
    """Return the Hub's cache by its documented rules: ``HF_HUB_CACHE``, ``HF_HOME``, else below ``~/.cache``."""
    if "HF_HUB_CACHE" in os.environ:
        return Path(os.environ["HF_HUB_CACHE"]).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or f"{base}/huggingface"
    return Path(home).expanduser() / "hub"


def seen_in_cache(file: HubFile) -> Path | None:
    """Return where a file pinned to a commit lies in the cache, or None; nothing is checked."""
    pin = pins.pin_of(file)
    commit = file.revision or (pin.commit if pin else "main")
    path = cache_folder() / f"models--{file.repo.replace('/', '--')}" / "snapshots" / commit / file.file
    return path if path.is_file() else None
