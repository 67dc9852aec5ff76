"""``--memory-limit``, or what the machine has: photographs wait until there is room beside those under way."""

import contextlib
import ctypes
import os
import re
import threading
from collections.abc import Hashable
from pathlib import Path

from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.codecs.announced import announced_by

BYTES_A_PIXEL = 12
"""What an 8-bit photograph holds at most while it is recombined and encoded: tones, chroma, color twice, its file."""
BYTES_A_HEAVY_PIXEL = 21
"""The same of formats whose decoders take far more than the picture: measured on WebP."""
OWN_SHARE = 0.9
"""Share of the memory at hand that photographs under way may take where no limit is given."""

KEEP_FREED_FROM = 4 << 30
"""Bytes of memory at hand above which a run keeps what it has freed: it then takes about a sixth more."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
_KEPT = 64 << 20
"""Largest buffer that is kept: a heap of glibc's threads holds no more."""
_KEPT_BY_OLD_GLIBC = 32 << 20
"""The largest that older versions take."""
_TRIMMED = 512 << 20
"""Free bytes at the end of a heap from which they are given back."""

_UNITS = {"": 1, "B": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30}
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?I?)B?\s*", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Return the bytes that ``4GB``, ``500M`` or ``2GiB`` stand for. Raises :class:`UsageProblem`."""
    match = _SIZE.fullmatch(text)
    factor = _UNITS.get(match[2].upper()) if match else None
    if match is None or factor is None or float(match[1]) <= 0:
        raise UsageProblem(f"--memory-limit '{text}' is not a size.", "Use for example --memory-limit 4GB.")
    return int(float(match[1]) * factor)


def memory_in_use() -> int:
    """Return the resident memory of this process, in bytes; 0 where the system does not tell."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if status.exists() else 0


def memory_of(path: Path) -> int:
    """Return about how many bytes it takes to colorize the photograph in a file, from its header."""
    size = path.stat().st_size
    header = announced_by(path)
    if header is None:
        return size
    return size + header.pixels * (BYTES_A_HEAVY_PIXEL if header.is_heavy else BYTES_A_PIXEL) * (1 + header.is_wide)


def keep_freed_memory() -> bool:
    """Let glibc's malloc keep memory of freed pictures for the next; return whether it does (not on other systems).

    Otherwise each picture is mapped anew, page by page: half of the time a batch run spends in the kernel.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        kept = any(mallopt(_M_MMAP_THRESHOLD, most) for most in (_KEPT, _KEPT_BY_OLD_GLIBC))
        return kept and bool(mallopt(_M_TRIM_THRESHOLD, _TRIMMED))
    return False


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
