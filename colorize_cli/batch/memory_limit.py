"""``--memory-limit``: photographs wait to be read until there is room for them beside those under way."""

import os
import re
import threading
import warnings
from collections.abc import Hashable
from pathlib import Path

from PIL import Image

from colorize_cli.errors import UsageProblem

BYTES_A_PIXEL = 12
"""What an 8-bit photograph holds at most while it is recombined and encoded: tones, chroma, color twice, its file."""

_UNITS = {"": 1, "B": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30}
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?I?)B?\s*", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Return the bytes that ``4GB``, ``500M`` or ``2GiB`` stand for. Raises :class:`UsageProblem`."""
    match = _SIZE.fullmatch(text)
    factor = _UNITS.get(match[2].upper()) if match else None
    if match is None or factor is None or float(match[1]) <= 0:
        raise UsageProblem(f"--memory-limit '{text}' is no size.", "Give for example --memory-limit 4GB.")
    return int(float(match[1]) * factor)


def memory_in_use() -> int:
    """Return the resident memory of this process, in bytes; 0 where the system does not tell."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if status.exists() else 0


def memory_of(path: Path) -> int:
    """Return about how many bytes it takes to colorize the photograph in a file, from its header."""
    size = path.stat().st_size
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                wide = image.mode.startswith(("I", "F"))
                return size + image.width * image.height * BYTES_A_PIXEL * (2 if wide else 1)
    except Exception:  # what Pillow cannot open is 16-bit color, hardly compressed, or no image at all
        return size * (1 + 2 * BYTES_A_PIXEL // 6)


class MemoryBudget:
    """Bytes that photographs under way share. One that is larger than all of them goes alone: nothing is left out."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._held: dict[Hashable, int] = {}
        self._changed = threading.Condition()

    def reserve(self, key: Hashable, amount: int) -> None:
        """Wait until there is room for ``amount`` bytes, or nothing else is under way; hold them for ``key``."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held or sum(self._held.values()) + amount <= self._room)
            self._held[key] = amount

    def release(self, key: Hashable) -> None:
        """Give back what ``key`` holds, if anything."""
        with self._changed:
            if self._held.pop(key, None) is not None:
                self._changed.notify_all()
