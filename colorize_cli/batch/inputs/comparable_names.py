"""Names made comparable: whether two of them may be one file."""

import os
import unicodedata
from functools import lru_cache
from pathlib import Path


class Names:
    """Names made comparable: links resolved, each folder once."""

    def __init__(self) -> None:
        self._real_folder = lru_cache(maxsize=4096)(os.path.realpath)

    def key(self, target: Path) -> bytes:
        """Return the comparable name of a file that is to be written."""
        return comparable(self._beside(target))

    def real(self, path: Path) -> str:
        """Return the path of a file without links in it."""
        return os.path.realpath(path) if os.path.islink(path) else self._beside(path)  # noqa: PTH114 - as above

    def _beside(self, path: Path) -> str:
        return os.path.join(self._real_folder(path.parent), path.name)  # noqa: PTH118 - a million times: Path is slow


def comparable(path: str) -> bytes:
    """Return what two names share when a file system that ignores case or Unicode form takes them for one."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
    return folded.encode("utf-8", "surrogatepass")
