"""The sha256 of weights: computed once as long as the file does not change, and on request while torch is imported.

Importing this module does not import torch.
"""

import os
import threading
import time
from concurrent.futures import Future
from pathlib import Path

from colorize_cli.files import sha256_of

YOUNG = 2.0
"""Seconds after a change within which a file may change again without a new time: its digest is not kept."""

_Key = tuple[Path, int, int, int]
_known: "dict[_Key, Future[str]]" = {}
_asking = threading.Lock()


def _forget() -> None:
    """Start anew in a forked process, in which the threads that were computing do not run."""
    global _asking
    _asking = threading.Lock()
    _known.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def digest_of(path: Path) -> str:
    """Return the sha256 of a file in hex: the one found before, if the file is still the same.

    Raises OSError where it cannot be read.
    """
    status = path.stat()
    if _is_young(status):
        return sha256_of(path)
    found, is_new = _asked(_key(path, status))
    if is_new:
        _answer(path, status, found)
    return found.result()


def digest_ahead(path: Path) -> None:
    """Begin to compute :func:`digest_of` in another thread, which also brings the file into memory."""
    try:
        status = path.stat()
    except OSError:  # reading the file will raise the error
        return
    if not _is_young(status):
        found, is_new = _asked(_key(path, status))
        if is_new:
            threading.Thread(target=_answer, args=(path, status, found), daemon=True).start()


def _is_young(status: os.stat_result) -> bool:
    return time.time() - status.st_mtime < YOUNG


def _key(path: Path, status: os.stat_result) -> _Key:
    return path.absolute(), status.st_ino, status.st_size, status.st_mtime_ns


def _asked(key: _Key) -> "tuple[Future[str], bool]":
    """Return the answer for a file, and whether the caller must compute it."""
    with _asking:
        is_new = key not in _known
        return _known.setdefault(key, Future()), is_new


def _answer(path: Path, status: os.stat_result, found: "Future[str]") -> None:
    try:
        found.set_result(sha256_of(path))
    except BaseException as error:
        with _asking:  # the next one who asks tries again
            _known.pop(_key(path, status), None)
        found.set_exception(error)
