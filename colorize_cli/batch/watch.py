"""A folder that is watched: which of its files are complete photographs that are still to be colorized.

A file is complete when its size and time have not changed for a while: a copy over a network grows for minutes, and
tells nobody when it ends.
"""

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.inputs.companions import first_variant
from colorize_cli.batch.inputs.documents import is_document, with_pages
from colorize_cli.batch.inputs.naming import Destination, result_path
from colorize_cli.batch.inputs.plan import Item
from colorize_cli.batch.inputs.sources import IGNORED_FOLDERS, Source
from colorize_cli.batch.reports.outcome import Outcome
from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.codecs.formats import READABLE_SUFFIXES, output_suffix

RETRY_AFTER = 10.0
"""Seconds until a failed photograph is tried again."""

MOUNTS = Path("/proc/self/mounts")
"""Where Linux lists the file systems in use; other systems have no such file."""
_REMOTE = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "virtiofs", "fuse")

_NOT_FOR_A_WATCH = ("overwrite", "retry", "shard", "cluster", "dry_run", "gallery", "failed_list")


@dataclass
class _Seen:
    """A file as it was last looked at, and from when on it may be colorized."""

    state: tuple[int, int]
    due: float


class WatchedFolder:
    """The files of a folder on their way from arriving to done.

    ``settle``: seconds that size and time of a file stay as they are before it counts as complete. ``retries``: how
    often a failed photograph is tried again. ``now`` is the clock, in seconds. Raises :class:`UsageProblem` for a
    folder that is missing, or whose results would be photographs that arrive.
    """

    def __init__(
        self,
        folder: Path,
        options: ColorizeOptions,
        *,
        settle: float,
        retries: int,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        _check(folder, options)
        self.folder = folder
        self.failed: dict[Path, str] = {}
        self._options = options
        self._place = Destination("folder", Path(options.output or ""))
        self._avoid = os.path.realpath(options.output or "")
        self._settle, self._retries, self._now = settle, retries, now
        self._waiting: dict[Path, _Seen] = {}
        self._handled: dict[Path, tuple[int, int]] = {}
        self._attempts: dict[Path, int] = {}

    def look(self) -> None:
        """Take note of every photograph in the folder."""
        self.notice([self.folder])

    def notice(self, paths: Iterable[Path]) -> None:
        """Take note of files, and of what folders hold, that are new or were changed."""
        for path in map(self._named, paths):
            for found in _files(path):
                if self._is_photo(found) and (state := _state(found)) and self._handled.get(found) != state:
                    self._waiting.setdefault(found, _Seen(state, self._now() + self._settle))

    def ready(self) -> list[Item]:
        """Return the photographs that are complete by now; each is returned once."""
        items: list[Item] = []
        for path, seen in sorted(self._waiting.items()):
            state = _state(path)
            if state is None:
                del self._waiting[path]
            elif state != seen.state:
                self._waiting[path] = _Seen(state, self._now() + self._settle)
            elif self._now() >= seen.due:
                del self._waiting[path]
                self._handled[path] = state
                items += self._items(path)
        return items

    def _items(self, path: Path) -> Iterator[Item]:
        """Yield what there is to do for a file: of a PDF file each page."""
        for source in with_pages(Source(path, path.relative_to(self.folder), named=False), self._options.limits):
            assert source.path is not None
            target = self._target(source)
            yield Item(source.path, target, "failed" if source.problem else "todo", source.problem)

    def ended(self, outcome: Outcome) -> str:
        """Take note of how a photograph ended; return for one that failed when it is tried again, else ""."""
        path = outcome.source
        if path is None or outcome.status != "failed":
            self.failed.pop(path, "")  # type: ignore[arg-type]  # None is never a key
            return ""
        attempts = self._attempts[path] = self._attempts.get(path, 0) + 1
        if attempts <= self._retries and (state := _state(path)) is not None:
            self._waiting[path] = _Seen(state, self._now() + RETRY_AFTER)
            return f"It is tried again in {RETRY_AFTER:g} s ({attempts} of {self._retries})."
        self.failed[path] = outcome.reason
        return f"It is not tried again after {attempts} attempts."

    def _named(self, path: Path) -> Path:
        """Return a path as the user would name it: events may have absolute ones."""
        for folder in (self.folder.absolute(), self.folder.resolve()):
            if path.is_absolute() and path.is_relative_to(folder):
                return self.folder / path.relative_to(folder)
        return path

    def _target(self, source: Source) -> Path:
        assert source.path is not None
        target = result_path(source, self._place, output_suffix(source.path, self._options.format))
        assert target is not None
        return target if self._options.variants is None else first_variant(target)

    def _is_photo(self, path: Path) -> bool:
        if path.suffix.lower() not in READABLE_SUFFIXES and not is_document(path):
            return False
        parts = path.relative_to(self.folder).parts
        if any(part.startswith(".") or part in IGNORED_FOLDERS for part in parts):
            return False
        return not os.path.realpath(path).startswith(self._avoid + os.sep)


def _check(folder: Path, options: ColorizeOptions) -> None:
    wrong = [name for name in _NOT_FOR_A_WATCH if getattr(options, name)]
    if wrong:
        raise UsageProblem(f"--{wrong[0].replace('_', '-')} cannot be used with watch.", "Leave it out.")
    if not folder.is_dir():
        raise UsageProblem(f"There is no folder '{folder}'.", "Create it first, or check its name.")
    if options.output in (None, "-"):
        raise UsageProblem("watch needs a folder for its results.", "Name it with -o OUT/.")
    output, watched = Path(options.output or "").resolve(), folder.resolve()
    if output.exists() and not output.is_dir():
        raise UsageProblem(f"'{options.output}' is a file.", "Name a folder with -o.")
    if watched.is_relative_to(output):
        raise UsageProblem(
            f"Results in '{options.output}' could replace photos in '{folder}'.",
            "Choose a folder for the results that does not contain the watched one.",
        )


def remote_kind(folder: Path) -> str:
    """Return the kind of file system of a folder that may change without an event here, such as ``nfs4``; else "".

    Those are network drives and what programs provide (FUSE). Only Linux tells.
    """
    try:
        lines = MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return ""
    place, kind, longest = os.path.realpath(folder), "", -1
    for fields in map(str.split, lines):
        if len(fields) < 3:
            continue
        mount = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[1])
        # Of two at one place the later one hides the other.
        if len(mount) >= longest and (place == mount or place.startswith(mount.rstrip("/") + "/")):
            kind, longest = fields[2], len(mount)
    return kind if kind in _REMOTE or kind.startswith("fuse.") else ""


def _state(path: Path) -> tuple[int, int] | None:
    """Return size and time of a file; None where it is gone, or holds nothing yet."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns) if status.st_size else None


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, _, names in os.walk(path):
        yield from (Path(folder) / name for name in names)
