"""Reference photos of a review: chosen from the album or sent by the page, known to the page by their sha256 only."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

from colorize_cli.errors import ColorizeError, UsageProblem
from colorize_cli.files import atomic_file
from colorize_cli.inference.reference import Reference, read_reference
from colorize_cli.review.decisions import Decision

FOLDER = ".colorize-references"
"""Below the folder of ``review.jsonl``: reference photos that came from elsewhere and that a decision uses. Searches
for photographs pass over names that begin with a dot."""
_MOST_BYTES = 400 << 20
_KEPT = 16


@dataclass(frozen=True)
class _Sent:
    """A file that the page sent: kept in memory until a decision uses it."""

    name: str
    content: bytes


class References:
    """The reference photos of one review. Any thread may call; failures are :class:`ColorizeError`.

    ``home``: the folder of ``review.jsonl``. ``decisions``: what was decided before, which knows where its references
    are.
    """

    def __init__(self, home: Path, decisions: Iterable[Decision]) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._files = {one.look.reference: one.reference for one in decisions if one.reference is not None}
        self._sent: dict[str, _Sent] = {}
        self._read: OrderedDict[str, Reference] = OrderedDict()

    def get(self, sha256: str) -> Reference | None:
        """Return a reference by its sha256; None for the empty one. Raises :class:`UsageProblem` where it is gone."""
        if not sha256:
            return None
        with self._lock:
            known = self._read.get(sha256)
            if known is None:
                known = self._read_again(sha256)
                self._keep(known)
            self._read.move_to_end(sha256)
            return known

    def name(self, sha256: str) -> str:
        """Return the name of a reference, also where it cannot be read any more; empty without one."""
        with self._lock:
            if sha256 in self._read:
                return self._read[sha256].name
            if sha256 in self._sent:
                return self._sent[sha256].name
            path = self._files.get(sha256)
            return path.name.removeprefix(f"{sha256[:12]}-") if path is not None else ""

    def add_sent(self, name: str, content: bytes) -> Reference:
        """Take in a file that the page sent. Raises :class:`PhotoError` and :class:`UsageProblem`."""
        name = PurePath(name.replace("\\", "/")).name or "reference"
        reference = read_reference(content, name)
        with self._lock:
            held = sum(len(one.content) for one in self._sent.values())
            if held + len(content) > _MOST_BYTES:
                raise UsageProblem("The reference photos fill the memory set aside for them.", "Restart the page.")
            if reference.sha256 not in self._files:
                self._sent[reference.sha256] = _Sent(name, content)
            self._keep(reference)
        return reference

    def add_file(self, path: Path) -> Reference:
        """Take in a photo of the album, which stays where it is. Raises :class:`UsageProblem`."""
        reference = read_reference(path)
        with self._lock:
            self._files[reference.sha256] = path
            self._keep(reference)
        return reference

    def file(self, sha256: str) -> Path | None:
        """Return the file of a reference, None for the empty one; what the page sent is written to :data:`FOLDER` now.

        Raises :class:`UsageProblem` and :class:`OutputError`.
        """
        if not sha256:
            return None
        self.get(sha256)
        with self._lock:
            path = self._files.get(sha256)
            if path is not None:
                return path
            sent = self._sent[sha256]
            path = self._home / FOLDER / f"{sha256[:12]}-{sent.name}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                with atomic_file(path) as file:
                    file.write(sent.content)
            self._files[sha256] = path
            del self._sent[sha256]
            return path

    def _keep(self, reference: Reference) -> None:
        self._read[reference.sha256] = reference
        while len(self._read) > _KEPT:
            self._read.popitem(last=False)

    def _read_again(self, sha256: str) -> Reference:
        sent, path = self._sent.get(sha256), self._files.get(sha256)
        if sent is not None:
            return read_reference(sent.content, sent.name)
        if path is None:
            raise UsageProblem("This reference photo is not known any more.", "Choose it again.")
        return checked_reference(path, sha256)


def checked_reference(path: Path, sha256: str) -> Reference:
    """Read a reference that a decision used. Raises :class:`UsageProblem` where it is gone or another one."""
    try:
        reference = read_reference(path, path.name.removeprefix(f"{sha256[:12]}-"))
    except ColorizeError as error:
        raise UsageProblem(f"The reference '{path}' cannot be read any more.", "Choose it again.") from error
    if reference.sha256 != sha256:
        raise UsageProblem(f"The reference '{path}' changed after it was chosen.", "Choose it again.")
    return reference
