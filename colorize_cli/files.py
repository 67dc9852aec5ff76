"""Files that are there whole or not at all: written without a name, forced to disk, then given their name.

Linux can write a file that has no name yet (``O_TMPFILE``): whatever kills the program, nothing is left behind.
Elsewhere it is a hidden file beside the target. Without ``overwrite`` the last step is a rename that refuses to
replace, or a hard link, which the system refuses where the name is taken, so that a file that appears meanwhile is
never replaced.
"""

import contextlib
import ctypes
import difflib
import errno
import hashlib
import json
import os
import platform
import secrets
import shutil
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

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
_AT_FDCWD, _RENAME_NOREPLACE = -100, 1
_IDLE_SECONDS = 60.0
PREFIX, SUFFIX = ".colorize-", ".part"
# What systems and file systems without unnamed files answer (EISDIR: kernels that do not know the flag).
_NO_UNNAMED = {errno.EOPNOTSUPP, errno.ENOTSUP, errno.EISDIR, errno.EINVAL, errno.ENOSYS}
# What file systems without hard links (FAT, some network mounts) answer.
_NO_LINKS = {
    errno.EPERM,
    errno.EINVAL,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EMLINK,
    errno.EACCES,
    errno.EXDEV,
}


def exists_error(target: Path) -> OutputExists:
    """Return the error for a result whose name is taken."""
    return OutputExists(f"{target} exists.", "Use --overwrite to replace it or --skip-existing to leave it.")


def output_error(target: Path, error: OSError) -> OutputError:
    """Return the error, with a remedy, for an operating system error while writing ``target``."""
    reason = error.strerror or str(error)
    remedy = _REMEDIES.get(error.errno or 0, "Check the disk or choose another folder with -o.")
    return OutputError(f"{target} cannot be written: {reason}.", remedy)


@contextlib.contextmanager
def atomic_file(target: Path, *, overwrite: bool = False, like: Path | None = None) -> Iterator[BinaryIO]:
    """Give a binary file, readable and seekable, that becomes ``target`` when the block ends without an exception.

    ``like``: the file that this one is made of; group and others may do no more with the result than with that.

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
                mode = _mode_for(target, overwrite, like)
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


def parse_json(text: str | bytes) -> Any:
    """Return the value that JSON text stands for. Raises ValueError for all other text, however deeply it nests."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it nests too deeply") from None


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
    path = folder / _part_name()
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o600), path


def _named(file: BinaryIO, folder: Path) -> Path:
    """Give a complete file without a name a hidden one beside its target, and return that."""
    name = folder / _part_name()
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


def _mode_for(target: Path, overwrite: bool, like: Path | None) -> int:
    """Return the permissions of the result: those of the file it replaces, else what the umask and ``like`` leave.

    The owner can always read and write it: masters are often read-only, results are not.
    """
    if overwrite:
        with contextlib.suppress(OSError):
            return target.stat().st_mode & 0o777
    mode = 0o666 & ~_umask()
    if like is not None:
        with contextlib.suppress(OSError):
            mode &= like.stat().st_mode | 0o600
    return mode | 0o600


def make_folder_like(folder: Path, like: Path | None) -> None:
    """Make a folder that may be there already, and what is missing above it, no more open than ``like`` and its
    parents.

    The owner can always enter and write. Raises OSError.
    """
    try:
        folder.mkdir()
    except FileExistsError:
        if not folder.is_dir():
            raise
        return
    except FileNotFoundError:
        if folder.parent == folder:
            raise
        make_folder_like(folder.parent, like.parent if like is not None else None)
        folder.mkdir(exist_ok=True)
    if like is not None:
        with contextlib.suppress(OSError):
            folder.chmod(folder.stat().st_mode & 0o7777 & (like.stat().st_mode | 0o7700))


def copy_time(source: Path, target: Path) -> None:
    """Give a file the times of access and modification of another. Raises OSError."""
    status = source.stat()
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def remove_leftovers(folder: Path) -> None:
    """Remove the parts of files in ``folder`` that processes of this machine left behind when they were killed."""
    host = _host()
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not (entry.name.startswith(PREFIX) and entry.name.endswith(SUFFIX)):
                continue
            parts = entry.name[len(PREFIX) : -len(SUFFIX)].rsplit("-", 2)
            if len(parts) == 3 and parts[0] == host and parts[1].isdigit() and not _is_alive(int(parts[1])):
                with contextlib.suppress(OSError):
                    # A process of another container may have our name: what was written to lately is let be.
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > _IDLE_SECONDS:
                        os.unlink(entry.path)  # noqa: PTH108 - of an entry


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _host() -> str:
    """Return the name of this machine, made safe for file names."""
    return "".join(c for c in platform.node() if c.isalnum() or c in "._")[:64] or "localhost"


def _part_name() -> str:
    """Return the name of a part, that says which process of which machine writes it."""
    return f"{PREFIX}{_host()}-{os.getpid()}-{secrets.token_hex(8)}{SUFFIX}"


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
    if _rename_without_replacing(temporary, target):
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


def _rename_without_replacing(temporary: Path, target: Path) -> bool:
    """Rename where the system can refuse to replace at that (Linux): watchers of folders see one move, no half file.

    Return whether it was done. Raises :class:`OutputExists`.
    """
    rename = _renameat2()
    if rename is None:
        return False
    ctypes.set_errno(0)
    if rename(_AT_FDCWD, os.fsencode(temporary), _AT_FDCWD, os.fsencode(target), _RENAME_NOREPLACE) == 0:
        return True
    if ctypes.get_errno() == errno.EEXIST:
        raise exists_error(target)
    return False  # an old kernel, or a file system that cannot: the next way says what is wrong


@cache
def _renameat2() -> Any:
    """Return the function of the C library, None where it has none."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        function = ctypes.CDLL(None, use_errno=True).renameat2
        function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
        return function
    return None


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


def nearest_file(name: str) -> str:
    """Return the file or folder beside the missing ``name`` whose name is most like it, "" where none is."""
    path = Path(name)
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry in entries]
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.7)
    return os.fspath(path.with_name(near[0])) if near else ""
