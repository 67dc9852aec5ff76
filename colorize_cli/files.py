"""Files that are there whole or not at all: written without a name, forced to disk, then given their name.

Linux can write a file that has no name yet (``O_TMPFILE``): whatever kills the program, nothing is left behind.
Elsewhere it is a hidden file beside the target. Without ``overwrite`` the last step is a hard link, which the system
refuses where the name is taken, so that a file that appears meanwhile is never replaced.
"""

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from colorize_cli.errors import ColorizeError, OutputError, OutputExists

_REMEDIES = {
    errno.ENOSPC: "Free some space or choose another folder with -o.",
    errno.EDQUOT: "Free some space or choose another folder with -o.",
    errno.EROFS: "Choose another folder with -o.",
    errno.EACCES: "Ask for write permission or choose another folder with -o.",
    errno.EPERM: "Ask for write permission or choose another folder with -o.",
    errno.ENOENT: "Create the folder or choose another one with -o.",
    errno.ENOTDIR: "Choose another folder with -o.",
    errno.ENAMETOOLONG: "Choose a shorter name with -o.",
}
PREFIX, SUFFIX = ".colorize-", ".part"
# What systems and file systems without unnamed files answer (EISDIR: kernels that do not know the flag).
_NO_UNNAMED = {errno.EOPNOTSUPP, errno.ENOTSUP, errno.EISDIR, errno.EINVAL, errno.ENOSYS}
# What file systems without hard links (FAT, some network mounts) answer.
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES, errno.EXDEV}


def exists_error(target: Path) -> OutputExists:
    """Return the error for a result whose name is taken."""
    return OutputExists(f"{target} exists.", "Use --overwrite to replace it or --skip-existing to leave it.")


def output_error(target: Path, error: OSError) -> OutputError:
    """Return the error, with a remedy, for an operating system error while writing ``target``."""
    reason = error.strerror or str(error)
    remedy = _REMEDIES.get(error.errno or 0, "Check the disk or choose another folder with -o.")
    return OutputError(f"{target} cannot be written: {reason}.", remedy)


@contextlib.contextmanager
def atomic_file(target: Path, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """Give a binary file, readable and seekable, that becomes ``target`` when the block ends without an exception.

    On any exception, Ctrl-C included, nothing is left behind and ``target`` is as it was. Raises :class:`OutputExists`
    where the name is taken (at once, or by the time the file is complete) and ``overwrite`` is off, and
    :class:`OutputError` where the folder or disk does not take it.
    """
    if not overwrite and os.path.lexists(target):
        raise exists_error(target)
    temporary: Path | None = None
    try:
        try:
            descriptor = _open_unnamed(target.parent)
            if descriptor is None:
                descriptor, temporary = _open_hidden(target.parent)
            with os.fdopen(descriptor, "w+b") as file:
                yield file
                file.flush()
                mode = _mode_for(target, overwrite)
                if temporary is not None:
                    temporary.chmod(mode)
                else:
                    os.fchmod(descriptor, mode)
                os.fsync(descriptor)
                if temporary is None:
                    # As late as can be: a kill between here and the move leaves a hidden file behind.
                    temporary = _named(file, target.parent)
            _move(temporary, target, overwrite)
            temporary = None
            _sync_folder(target.parent)
        except ColorizeError:
            raise
        except OSError as error:
            raise output_error(target, error) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()


def write_bytes(target: Path, data: bytes, *, overwrite: bool = True, parents: bool = False) -> None:
    """Write a file whole or not at all, as :func:`atomic_file` does; ``parents``: create the folders it is missing."""
    if parents:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(target, error) from error
    with atomic_file(target, overwrite=overwrite) as file:
        file.write(data)


def write_text(target: Path, text: str, *, overwrite: bool = True, parents: bool = False) -> None:
    """Write text as UTF-8, whole or not at all; see :func:`write_bytes`."""
    write_bytes(target, text.encode(), overwrite=overwrite, parents=parents)


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file in hex. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open_unnamed(folder: Path) -> int | None:
    """Open a file without a name on the folder's file system; None where that is not to be had."""
    if not hasattr(os, "O_TMPFILE") or not Path("/proc/self/fd").is_dir():
        return None
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600)
    except OSError as error:
        if error.errno in _NO_UNNAMED:
            return None
        raise


def _open_hidden(folder: Path) -> tuple[int, Path]:
    descriptor, name = tempfile.mkstemp(prefix=PREFIX, suffix=SUFFIX, dir=folder)
    return descriptor, Path(name)


def _named(file: BinaryIO, folder: Path) -> Path:
    """Give a complete file without a name a hidden one beside its target, and return that."""
    name = folder / f"{PREFIX}{secrets.token_hex(8)}{SUFFIX}"
    root = os.open("/", os.O_RDONLY)
    try:
        # A folder descriptor makes Python call linkat(), which follows the link in /proc as open(2) describes.
        os.link(f"/proc/self/fd/{file.fileno()}", name, src_dir_fd=root, follow_symlinks=True)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _copied(file, folder)
    finally:
        os.close(root)
    return name


def _copied(file: BinaryIO, folder: Path) -> Path:
    """Copy a complete file to a hidden one, where the system does not let it be linked."""
    descriptor, name = _open_hidden(folder)
    try:
        with os.fdopen(descriptor, "wb") as copy:
            file.seek(0)
            shutil.copyfileobj(file, copy)
            copy.flush()
            os.fchmod(descriptor, os.fstat(file.fileno()).st_mode & 0o777)
            os.fsync(descriptor)
    except BaseException:
        name.unlink()
        raise
    return name


def _mode_for(target: Path, overwrite: bool) -> int:
    """Return the permissions of the result: those of the file it replaces, else what the umask leaves."""
    if overwrite:
        with contextlib.suppress(OSError):
            return target.stat().st_mode & 0o777
    return 0o666 & ~_umask()


def _umask() -> int:
    """Return the umask; on Linux without setting it, which would race with other threads."""
    with contextlib.suppress(OSError, ValueError), Path("/proc/self/status").open() as status:
        for line in status:
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _move(temporary: Path, target: Path, overwrite: bool) -> None:
    """Give the complete file its name."""
    if overwrite:
        temporary.replace(target)
        return
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise exists_error(target) from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _move_by_claim(temporary, target)
        return
    temporary.unlink()


def _move_by_claim(temporary: Path, target: Path) -> None:
    """Where there are no hard links: take the name with an empty file that only one can create, then replace it."""
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        raise exists_error(target) from None
    try:
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            target.unlink()
        raise


def _sync_folder(folder: Path) -> None:
    """Force the new name to disk, where the system lets folders be synced."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
