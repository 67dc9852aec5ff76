"""All bytes of a file that may be anything: a pipe, a device, larger than the memory, changing, or no image at all."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from colorize_cli.compute import memory_at_hand
from colorize_cli.errors import PhotoTooLarge, UnreadablePhoto, UnsupportedPhoto
from colorize_cli.imaging.codecs.formats import split_page
from colorize_cli.imaging.codecs.raster import DamagedDataError, UnknownKindError
from colorize_cli.imaging.codecs.signatures import sniff

CONVERT = "Convert it to TIFF or PNG."
_HEAD = 4096
_READ_AT_ONCE = 16 << 20


def bytes_of(source: Path | str | bytes | BinaryIO, name: str) -> bytes:
    """Return all bytes of a path, stream or bytes. Raises :class:`UnreadablePhoto` and :class:`PhotoTooLarge`."""
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    try:
        if not isinstance(source, str | Path):
            return source.read()
        with _opened(split_page(Path(source))[0], name) as file:
            before = os.fstat(file.fileno())
            head = file.read(_HEAD)
            _check_head(head, before.st_size, name)
            data = head + file.read()
            after = os.fstat(file.fileno())
            if stat.S_ISREG(before.st_mode) and _state(before) != _state(after):
                raise UnreadablePhoto(
                    f"{name} changed while it was being read.", "Try again when the file is complete."
                )
            return data
    except FileNotFoundError:
        raise UnreadablePhoto(f"{name} does not exist.", "Check the name and the folder.") from None
    except IsADirectoryError:
        raise UnreadablePhoto(f"{name} is a folder.", "Give an image file.") from None
    except PermissionError:
        raise UnreadablePhoto(
            f"{name} cannot be read: permission denied.", "Check the permissions of the file."
        ) from None
    except MemoryError:
        raise PhotoTooLarge(f"{name} does not fit into memory.", "Use a machine with more memory.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadablePhoto(f"{name} cannot be read: {reason}.", "Check the disk or copy it again.") from None


@contextlib.contextmanager
def _opened(path: Path, name: str) -> Iterator[BinaryIO]:
    """Open a file for reading without waiting for the other end of a pipe.

    Pipes opened by the shell, /dev/fd/63, are accepted. Raises :class:`UnreadablePhoto` for everything else that is
    not a file on disk.
    """
    kind = path.stat().st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind) or (stat.S_ISFIFO(kind) and _is_descriptor(path))):
        what = "a pipe" if stat.S_ISFIFO(kind) else "a socket" if stat.S_ISSOCK(kind) else "a device"
        raise UnreadablePhoto(f"{name} is {what}, not a file.", "Give an image file.")
    # Non-blocking: it may have become a pipe since the check.
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    flags |= 0 if stat.S_ISFIFO(kind) else getattr(os, "O_NONBLOCK", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        yield file


def _is_descriptor(path: Path) -> bool:
    return path.parts[:3] == ("/", "dev", "fd") or (path.parts[:2] == ("/", "proc") and path.parts[3:4] == ("fd",))


def _check_head(head: bytes, size: int, name: str) -> None:
    """Reject a large file before reading it, if it is not an image or does not fit into memory."""
    if size <= _READ_AT_ONCE:
        return
    try:
        sniff(head)
    except UnknownKindError as error:
        if "camera raw" not in str(error):
            raise UnsupportedPhoto(f"{name} cannot be read: no support for {error}.", CONVERT) from None
    except DamagedDataError:
        raise not_an_image(name) from None
    room = memory_at_hand()
    if room is not None and size > room:
        raise PhotoTooLarge(
            f"{name} is {size / 1e9:.1f} GB, but only {room / 1e9:.1f} GB of memory is available.",
            "Use a machine with more memory.",
        )


def not_an_image(name: str) -> UnreadablePhoto:
    """Return the error for a file that is no image."""
    return UnreadablePhoto(f"{name} is not an image.", "Leave it out, or check that it is the right file.")


def _state(status: os.stat_result) -> tuple[int, int]:
    """Return values that change when a file is written to."""
    return status.st_size, status.st_mtime_ns
