"""The folder that results go to, made once; when it is gone later (a mount that vanished), it is not made again."""

import os
import threading
from pathlib import Path

from colorize_cli.errors import OutputError


class TargetFolder:
    """Makes folders for results; ``root`` is the folder, or the file, that ``-o`` names, None without it."""

    def __init__(self, root: Path | None) -> None:
        self._root = root
        self._identity: tuple[int, int] | None = None
        self._lock = threading.Lock()

    def make(self, folder: Path) -> None:
        """Make ``folder`` and what is missing above it.

        Raises :class:`OutputError` where that cannot be done, and where the root is not the folder it was: what is
        written then would land on the disk below a mount point, unnoticed.
        """
        root = self._root if self._root is not None and folder.is_relative_to(self._root) else folder
        try:
            if self._root is not root:
                folder.mkdir(parents=True, exist_ok=True)
                return
            with self._lock:
                if self._identity is None:
                    root.mkdir(parents=True, exist_ok=True)
                    self._identity = _identity(root)
            if _identity(root) != self._identity:
                raise OutputError(f"The folder '{root}' is another one now.", "Mount it again, then go on.")
            if folder != root:
                folder.mkdir(parents=True, exist_ok=True)
        except FileNotFoundError as error:
            raise OutputError(f"The folder '{root}' is gone.", "Mount or make it again, then go on.") from error
        except OSError as error:
            raise OutputError(
                f"The folder '{folder}' cannot be made: {error.strerror}.", "Choose a place that can be written to."
            ) from error


def _identity(folder: Path) -> tuple[int, int]:
    status = os.stat(folder)  # noqa: PTH116 - once a photo
    return status.st_dev, status.st_ino
