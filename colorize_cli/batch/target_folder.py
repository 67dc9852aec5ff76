"""The folder that results go to, made once; when it is gone later (a mount that vanished), it is not made again."""

import errno
import os
import tempfile
import threading
from pathlib import Path

from colorize_cli.errors import OutputError
from colorize_cli.files import make_folder_like, remove_leftovers

_OF_ONE_NAME = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}
_OF_ONE_FOLDER = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENOENT, errno.ELOOP}


class TargetFolder:
    """Makes folders for results; ``root`` is the folder, or the file, that ``-o`` names, None without it."""

    def __init__(self, root: Path | None) -> None:
        self._root = root
        self._identity: tuple[int, int] | None = None
        self._tidied: set[Path] = set()
        self._lock = threading.Lock()

    def make(self, folder: Path, like: Path | None = None) -> None:
        """Make ``folder`` and what is missing above it, no more open than ``like``, the folder of the photograph.

        What a killed process left there of its own is removed the first time.

        Raises :class:`OutputError` where that cannot be done, and where the root is not the folder it was: what is
        written then would land on the disk below a mount point, unnoticed.
        """
        root = self._root if self._root is not None and folder.is_relative_to(self._root) else folder
        try:
            if self._root is not root:
                make_folder_like(folder, like)
                self._tidy(folder)
                return
            with self._lock:
                if self._identity is None:
                    make_folder_like(root, like if folder == root else None)
                    self._identity = _identity(root)
            if _identity(root) != self._identity:
                raise OutputError(
                    f"The folder '{root}' was replaced by another one during the run.",
                    "Mount it again, then resume with --skip-existing.",
                ) from _OtherFolder()
            if folder != root:
                make_folder_like(folder, like)
            self._tidy(folder)
        except FileNotFoundError as error:
            if self._root is not root:
                raise OutputError(
                    f"The folder '{folder}' no longer exists.", "Create it again, then resume with --skip-existing."
                ) from error
            raise OutputError(
                f"The folder '{root}' no longer exists.", "Mount or create it again, then resume with --skip-existing."
            ) from _OtherFolder()
        except OSError as error:
            raise OutputError(
                f"The folder '{folder}' cannot be created: {error.strerror}.", "Choose a folder that you can write to."
            ) from error

    def _tidy(self, folder: Path) -> None:
        with self._lock:
            if folder in self._tidied:
                return
            self._tidied.add(folder)
        remove_leftovers(folder)

    def concerns_all(self, cause: BaseException | None) -> bool:
        """Return whether what the system said about one result holds for the next ones too.

        A full disk does, and a root of results that is gone or cannot be written to; one name that is too long or not
        allowed there, and a folder below the root (or any, where results land beside their photographs) do not.
        """
        if not isinstance(cause, OSError) or isinstance(cause, _OtherFolder):
            return True
        if cause.errno in _OF_ONE_NAME:
            return False
        if cause.errno not in _OF_ONE_FOLDER:
            return True
        return self._root is not None and not _takes_files(self._root)


class _OtherFolder(OSError):
    """The root of the results is not the folder it was."""


def _takes_files(root: Path) -> bool:
    """Whether files can be made in a folder, or in place of a file that is named as the root."""
    folder = root if root.is_dir() else root.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _identity(folder: Path) -> tuple[int, int]:
    status = os.stat(folder)  # noqa: PTH116 - once a photo
    return status.st_dev, status.st_ino
