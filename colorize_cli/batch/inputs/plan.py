"""Which result belongs to which photograph, decided and checked before any work is done.

The plan lives in a temporary SQLite database that spills to disk, so that a million scans cost no memory, and it is
listed once: results that appear during the run cannot become inputs.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from colorize_cli.batch.cluster.shards import Shard
from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.inputs.companions import companions, has_companions
from colorize_cli.batch.inputs.naming import Names, comparable
from colorize_cli.batch.inputs.sources import STANDARD_STREAM
from colorize_cli.errors import OutputExists, UsageProblem

_NAMED_AT_MOST = 5
_MOST_INTEGER = (1 << 63) - 1

_SCHEMA = """
CREATE TABLE item (number INTEGER PRIMARY KEY, source BLOB, target BLOB, source_real BLOB, source_key BLOB,
                   target_key BLOB, state TEXT NOT NULL, reason TEXT NOT NULL, kind TEXT NOT NULL,
                   named INTEGER NOT NULL)
"""
_INDEXES = """
CREATE INDEX by_target ON item (target_key);
CREATE INDEX by_source ON item (source_key);
CREATE INDEX by_name ON item (source, number);
"""
# What an item writes: its result and, where there are any, the files beside that.
_WRITTEN = """
CREATE TABLE written (number INTEGER, target BLOB, target_key BLOB);
INSERT INTO written SELECT number, target, target_key FROM item WHERE target_key IS NOT NULL;
"""
_WRITTEN_INDEX = "CREATE INDEX by_written ON written (target_key)"

State = Literal["todo", "skipped", "failed", "passed_over"]


@dataclass(frozen=True)
class Item:
    """One photograph and where its result goes; ``None`` is standard input and standard output.

    ``state`` is ``todo``, or how it ended already while planning, with the ``reason``. ``kind`` says what it is
    where it is no photograph; ``named``: whether it was named itself, not found in a folder; ``suspect``: whether it
    was under way when a run crashed, so that it is decoded apart and colorized alone.
    """

    source: Path | None
    target: Path | None
    state: State = "todo"
    reason: str = ""
    kind: str = ""
    named: bool = True
    suspect: bool = False


class Plan:
    """The checked list of what to do; iterating yields every :class:`Item` sorted by name, settled ones included."""

    def __init__(self, items: Iterable[Item]) -> None:
        """Take the items in; :meth:`check` must follow before any work."""
        self._names = Names()
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute(_SCHEMA)
        self._database.execute("BEGIN")
        self._database.executemany(
            "INSERT INTO item (source, target, source_real, source_key, target_key, state, reason, kind, named)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            map(self._row, items),
        )
        self._database.execute("COMMIT")
        self._database.executescript(_INDEXES)
        self._forget_repeats()
        self._written = "item"

    def __len__(self) -> int:
        return int(self._one("SELECT count(*) FROM item"))

    def __iter__(self) -> Iterator[Item]:
        rows = self._database.execute(
            "SELECT source, target, state, reason, kind, named FROM item ORDER BY source, number"
        )
        for source, target, state, reason, kind, named in rows:
            yield Item(_path(source), _path(target), state, reason, kind, bool(named))

    @property
    def photos(self) -> int:
        """How many photographs there are, whatever becomes of them."""
        return int(self._one("SELECT count(*) FROM item WHERE state != 'passed_over'"))

    @property
    def todo(self) -> int:
        """How many photographs are left to colorize."""
        return int(self._one("SELECT count(*) FROM item WHERE state = 'todo'"))

    def check(self, options: ColorizeOptions, is_our_result: Callable[[Path], bool] = lambda _: False) -> None:
        """Refuse what could lose a photograph; nothing has been written when this raises.

        :class:`UsageProblem`: two results with one name (also in another case or Unicode form), or a result that would
        replace an original. :class:`OutputExists`: a result that exists, without ``overwrite`` or ``skip_existing``.
        An input that is itself the earlier result of another input is passed over. With ``shard`` all photographs are
        checked against each other, then those of the other shards are dropped.
        """
        self._add_companions(options)
        self._protect_originals(options, is_our_result)
        if options.reference is not None:
            self._protect_reference(Path(options.reference), resumes=options.resumes)
        if options.overwrite:
            self._protect_by_identity()
        self._refuse_collisions()
        if options.part is not None:
            self._keep_shard(options.part)
        if not options.overwrite and not options.resumes:
            self._refuse_existing()

    def keep_only(self, chosen: Iterable[tuple[bytes, bool]]) -> None:
        """Drop every item but those called, or found through links at, a chosen name, or under one that is a folder.

        ``chosen``: names, and whether each is a folder.
        """
        self._database.execute("CREATE TEMP TABLE chosen (name BLOB, folder INTEGER)")
        self._database.execute("BEGIN")
        self._database.executemany("INSERT INTO chosen VALUES (?, ?)", chosen)
        self._database.execute("CREATE INDEX temp.by_chosen ON chosen (name)")
        self._database.execute("CREATE INDEX temp.by_folder ON chosen (folder)")
        self._database.execute(
            "DELETE FROM item WHERE source NOT IN (SELECT name FROM chosen)"
            " AND source_real NOT IN (SELECT name FROM chosen) AND NOT EXISTS (SELECT 1 FROM chosen"
            " WHERE folder AND substr(item.source, 1, length(name) + 1) = CAST(name || '/' AS BLOB))"
        )
        self._database.execute("COMMIT")

    def _row(self, item: Item) -> tuple[Any, ...]:
        real = self._names.real(item.source) if item.source else None
        return (
            os.fsencode(item.source) if item.source else None,
            os.fsencode(item.target) if item.target else None,
            os.fsencode(real) if real else None,
            comparable(real) if real else None,
            self._names.key(item.target) if item.target else None,
            item.state,
            _text(item.reason),
            item.kind,
            item.named,
        )

    def _keep_shard(self, shard: Shard) -> None:
        self._database.create_function("held", 1, shard.holds, deterministic=True)
        self._database.execute("DELETE FROM item WHERE source IS NOT NULL AND NOT held(source)")

    def _one(self, query: str, *values: Any) -> Any:
        return self._database.execute(query, values).fetchone()[0]

    def _forget_repeats(self) -> None:
        """The same photograph named twice (e.g. as a file and within its folder) is colorized once."""
        self._database.execute(
            "DELETE FROM item WHERE source_real IS NOT NULL AND number NOT IN"
            " (SELECT min(number) FROM item GROUP BY source_real, target_key)"
        )

    def _add_companions(self, options: ColorizeOptions) -> None:
        """List what is written beside results (:mod:`~colorize_cli.batch.inputs.companions`), to be checked too.

        A run without any does without a second table.
        """
        if not has_companions(options):
            return
        self._written = "written"
        self._database.executescript(_WRITTEN)
        todo = self._database.execute("SELECT number, target FROM item WHERE state = 'todo' AND target IS NOT NULL")
        self._database.execute("BEGIN")
        self._database.executemany(
            "INSERT INTO written VALUES (?, ?, ?)",
            (
                (number, os.fsencode(path), self._names.key(path))
                for number, target in todo
                for path in companions(Path(os.fsdecode(target)), options)
            ),
        )
        self._database.execute("COMMIT")
        self._database.execute(_WRITTEN_INDEX)

    def _protect_originals(self, options: ColorizeOptions, is_our_result: Callable[[Path], bool]) -> None:
        """Treat results that stand where an input stands: pass over our own results, refuse to replace an original.

        On resuming, an original that happens to bear the name of a result is harmless: the result is left alone.
        """
        pairs = self._database.execute(
            f"SELECT a.number, a.source, b.number, b.source FROM {self._written} w JOIN item a USING (number)"
            " JOIN item b ON w.target_key = b.source_key WHERE a.state = 'todo' ORDER BY a.source"
        ).fetchall()
        for maker_number, maker, number, original in pairs:
            made_by, path = os.fsdecode(maker) if maker else STANDARD_STREAM, Path(os.fsdecode(original))
            itself = number == maker_number
            if not itself and is_our_result(path):
                reason = f"It is the result of '{made_by}', not an original."
                self._database.execute(
                    "UPDATE item SET state = 'skipped', target_key = NULL, reason = ? WHERE number = ?",
                    (_text(reason), number),
                )
            elif itself or not options.resumes:
                raise UsageProblem(
                    f"The result of '{made_by}' would replace the original '{path}'.",
                    "Originals are never overwritten: choose another place with -o.",
                )

    def _protect_reference(self, reference: Path, *, resumes: bool) -> None:
        """Never replace the reference, by whatever name: on resuming, the photograph whose result it is is skipped."""
        found = self._database.execute(
            f"SELECT a.number, a.source FROM {self._written} w JOIN item a USING (number)"
            " WHERE a.state = 'todo' AND w.target_key = ?",
            (self._names.key(reference),),
        ).fetchall()
        identity = _identity(os.fsencode(reference))
        if not found and identity is not None:
            targets = self._database.execute(
                f"SELECT a.number, a.source, w.target FROM {self._written} w JOIN item a USING (number)"
                " WHERE a.state = 'todo' AND w.target IS NOT NULL"
            )
            found = [(number, source) for number, source, target in targets if _identity(target) == identity]
        if found and not resumes:
            made_by = os.fsdecode(found[0][1]) if found[0][1] else STANDARD_STREAM
            raise UsageProblem(
                f"The result of '{made_by}' would replace the reference '{reference}'.",
                "The reference is never overwritten: choose another place with -o.",
            )
        for number, _ in found:
            self._database.execute(
                "UPDATE item SET state = 'skipped', target_key = NULL, reason = ? WHERE number = ?",
                ("Its result would replace the reference photo.", number),
            )

    def _protect_by_identity(self) -> None:
        """Refuse to replace an original that has another name where its result goes: a bind mount, a hard link."""
        self._database.execute("CREATE TEMP TABLE there (device INTEGER, inode INTEGER, target BLOB)")
        self._database.execute("BEGIN")
        targets = self._database.execute(
            f"SELECT w.target FROM {self._written} w JOIN item a USING (number)"
            " WHERE a.state = 'todo' AND w.target IS NOT NULL"
        )
        found = ((*identity, target) for (target,) in targets if (identity := _identity(target)) is not None)
        self._database.executemany("INSERT INTO there VALUES (?, ?, ?)", found)
        self._database.execute("CREATE INDEX temp.by_inode ON there (inode)")
        self._database.execute("COMMIT")
        if not self._one("SELECT count(*) FROM there"):
            return
        for (source,) in self._database.execute(
            "SELECT source FROM item WHERE source IS NOT NULL AND state = 'todo' ORDER BY source"
        ):
            identity = _identity(source)
            same = (
                identity
                and self._database.execute(
                    "SELECT target FROM there WHERE device = ? AND inode = ? LIMIT 1", identity
                ).fetchone()
            )
            if same:
                raise UsageProblem(
                    f"'{os.fsdecode(same[0])}' is the original '{os.fsdecode(source)}' by another name.",
                    "Originals are never overwritten: choose another place with -o.",
                )

    def _refuse_collisions(self) -> None:
        pair = self._database.execute(
            f"SELECT a.source, b.source, v.target, w.target FROM {self._written} v JOIN {self._written} w"
            " ON v.target_key = w.target_key AND v.number < w.number"
            " JOIN item a ON a.number = v.number JOIN item b ON b.number = w.number"
            " WHERE a.state = 'todo' AND b.state = 'todo' ORDER BY a.source LIMIT 1"
        ).fetchone()
        if pair is None:
            return
        first, second, target, other = (os.fsdecode(name) for name in pair)
        same = "" if target == other else f" (or '{other}': only case or Unicode form differs)"
        raise UsageProblem(
            f"'{first}' and '{second}' would both be written to '{target}'{same}.",
            "Colorize them in two runs into different folders (-o), or rename one.",
        )

    def _refuse_existing(self) -> None:
        existing = []
        count = 0
        for (target,) in self._database.execute(
            f"SELECT w.target FROM {self._written} w JOIN item a USING (number)"
            " WHERE a.state = 'todo' AND w.target IS NOT NULL ORDER BY a.source, a.number"
        ):
            if os.path.lexists(target):
                count += 1
                if count <= _NAMED_AT_MOST:
                    existing.append(f"'{os.fsdecode(target)}'")
        if count:
            more = f" and {count - len(existing)} more" if count > len(existing) else ""
            verb = "exists" if count == 1 else "exist"
            raise OutputExists(
                f"{', '.join(existing)}{more} already {verb}; nothing was written.",
                "Use --skip-existing to resume, or --overwrite to replace.",
            )


def _identity(path: bytes) -> tuple[int, int] | None:
    """Return device and inode of a file as SQLite can hold them, None where there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a million times
    except OSError:
        return None
    return status.st_dev & _MOST_INTEGER, status.st_ino & _MOST_INTEGER


def _text(reason: str) -> str:
    return reason.encode("utf-8", "backslashreplace").decode("utf-8")


def _path(name: bytes | None) -> Path | None:
    return None if name is None else Path(os.fsdecode(name))
