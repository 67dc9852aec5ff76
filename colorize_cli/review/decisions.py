"""``review.jsonl``: the decisions about photographs and the look chosen for each, one JSON object per line.

The last line about a photograph counts. Lines are only appended, and forced to disk, so that a killed server loses no
confirmed decision. Paths inside the folder of the file are relative to it, so that the folder can be moved.
"""

from __future__ import annotations

import getpass
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from colorize_cli.errors import UsageProblem
from colorize_cli.files import output_error, parse_json
from colorize_cli.imaging.metadata.xmp import Provenance
from colorize_cli.inference.color_options import DECODING
from colorize_cli.registry import DEFAULT_MODEL, ENTRIES

VARIANTS = 4
"""Number of plausible colorizations that the page shows side by side."""
FILE_NAME = "review.jsonl"
State = Literal["open", "accepted", "rejected"]


@dataclass(frozen=True)
class Look:
    """A model and the options that affect its colors.

    ``vividness``: 0 to 1, None for the model's default. ``strength``: 0 to 1. ``variant``: 1 (the model's own
    prediction) to :data:`VARIANTS`. ``sizes``: working sizes, empty for the model's default. ``keep_borders`` and
    ``decoding``: as for :class:`~colorize_cli.inference.colorizer.Colorizer`. ``reference``: sha256 (hex) of the
    reference photo, empty if there is none.
    """

    model: str = DEFAULT_MODEL
    vividness: float | None = None
    strength: float = 1.0
    variant: int = 1
    sizes: tuple[int, ...] = ()
    keep_borders: bool = False
    decoding: dict[str, float] = field(default_factory=dict)
    reference: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the look as a JSON object; :meth:`from_json` reads it."""
        return {
            "model": self.model,
            "vividness": self.vividness,
            "strength": self.strength,
            "variant": self.variant,
            "sizes": list(self.sizes),
            "keep_borders": self.keep_borders,
            "decoding": dict(self.decoding),
            "reference": self.reference,
        }

    @classmethod
    def from_json(cls, value: Any) -> Look:
        """Read a look. Raises :class:`UsageProblem` if the object is invalid."""
        try:
            model = str(value.get("model", DEFAULT_MODEL))
            vividness = value.get("vividness")
            look = cls(
                model=model,
                vividness=None if vividness is None else float(vividness),
                strength=float(value.get("strength", 1.0)),
                variant=int(value.get("variant", 1)),
                sizes=tuple(int(size) for size in value.get("sizes", ())),
                keep_borders=bool(value.get("keep_borders", False)),
                decoding={str(name): float(number) for name, number in dict(value.get("decoding", {})).items()},
                reference=str(value.get("reference") or ""),
            )
        except (AttributeError, TypeError, ValueError) as error:
            raise UsageProblem(f"These settings of a photo cannot be read: {error}.") from error
        if look.model not in ENTRIES or not 1 <= look.variant <= VARIANTS:
            raise UsageProblem(f"There is no model {look.model!r} or no variant {look.variant}.")
        return look

    @classmethod
    def of_provenance(cls, provenance: Provenance) -> Look | None:
        """Return the look of a result; None if its model is unknown."""
        entry = ENTRIES.get(provenance.model)
        if entry is None:
            return None
        stated = provenance.parameters
        try:
            sizes = tuple(int(size) for size in stated.get("size", "").split(",") if size)
            return cls(
                model=entry.name,
                vividness=float(stated["vividness"]) if "vividness" in stated else None,
                strength=float(stated.get("strength", "1")),
                variant=min(VARIANTS, int(stated.get("variant", "1").split(" ")[0])),
                sizes=() if sizes == (entry.input_size,) else sizes,
                keep_borders=stated.get("borders") == "kept",
                decoding={name: float(stated[name]) for name in DECODING if name in stated},
            )
        except ValueError:
            return None


@dataclass(frozen=True)
class Decision:
    """The decision about one photograph, with the exact files and look that it is about.

    ``photo``: path of the scan (or of the result if no scan is known). ``scan_sha256``, ``weights_sha256``: hex.
    ``result`` and ``result_sha256``: the result at the time; empty if there was none. ``hints``: path of the strokes,
    empty if there are none; ``hints_digest``: the digest that results record. ``reference``: path of the reference
    photo, whose sha256 is in the look; None if there is none. ``who`` and ``when``: user name and UTC time.
    """

    photo: Path
    state: State
    look: Look
    note: str = ""
    scan_sha256: str = ""
    weights_sha256: str = ""
    result: Path | None = None
    result_sha256: str = ""
    hints: Path | None = None
    hints_digest: str = ""
    reference: Path | None = None
    who: str = ""
    when: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))


class Decisions:
    """The decisions of one file, by photograph. Thread-safe.

    Raises :class:`UsageProblem` if the file cannot be read, or has lines but no decision. Damaged lines (such as the
    last one of a killed server) are ignored.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._latest: dict[Path, Decision] = {}
        try:
            lines = path.read_bytes().splitlines() if path.exists() else []
        except OSError as error:
            raise UsageProblem(
                f"'{path}' cannot be read: {error.strerror}.", "Check its name and permissions."
            ) from error
        for line in lines:
            decision = _parsed(line, path.parent)
            if decision is not None:
                self._latest[decision.photo] = decision
        if lines and not self._latest:
            raise UsageProblem(f"'{path}' contains no decisions.", "Name a file that `colorize review` wrote.")

    def __iter__(self) -> Iterator[Decision]:
        with self._lock:
            return iter(list(self._latest.values()))

    def get(self, photo: Path) -> Decision | None:
        """Return the latest decision about a photograph."""
        with self._lock:
            return self._latest.get(_absolute(photo))

    def record(self, decision: Decision) -> None:
        """Append a decision and force it to disk. Raises :class:`OutputError`."""
        line = json.dumps(_row(decision, self.path.parent), ensure_ascii=True).encode("ascii") + b"\n"
        with self._lock:
            try:
                descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
                with os.fdopen(descriptor, "r+b", buffering=0) as file:
                    if file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n":
                        line = b"\n" + line
                    file.write(line)
                    os.fsync(file.fileno())
            except OSError as error:
                raise output_error(self.path, error) from error
            self._latest[_absolute(decision.photo)] = decision


def user_name() -> str:
    """Return the name of the user, empty if the system knows none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - without following links


def _row(decision: Decision, folder: Path) -> dict[str, Any]:
    return {
        "photo": _named(decision.photo, folder),
        "state": decision.state,
        "note": decision.note,
        "who": decision.who,
        "when": decision.when,
        "parameters": decision.look.to_json(),
        "weights_sha256": decision.weights_sha256,
        "scan_sha256": decision.scan_sha256,
        "result": _named(decision.result, folder),
        "result_sha256": decision.result_sha256,
        "hints": _named(decision.hints, folder),
        "hints_digest": decision.hints_digest,
        "reference": _named(decision.reference, folder),
    }


def _named(path: Path | None, folder: Path) -> str | None:
    if path is None:
        return None
    whole, root = _absolute(path), _absolute(folder)
    return os.fspath(whole.relative_to(root)) if whole.is_relative_to(root) else os.fspath(whole)


def _parsed(line: bytes, folder: Path) -> Decision | None:
    try:
        row = parse_json(line)
        state = row["state"]
        if state not in get_args(State):
            return None
        return Decision(
            photo=_absolute(folder / row["photo"]),
            state=state,
            look=Look.from_json(row["parameters"]),
            note=str(row.get("note", "")),
            scan_sha256=str(row.get("scan_sha256", "")),
            weights_sha256=str(row.get("weights_sha256", "")),
            result=_absolute(folder / row["result"]) if row.get("result") else None,
            result_sha256=str(row.get("result_sha256", "")),
            hints=_absolute(folder / row["hints"]) if row.get("hints") else None,
            hints_digest=str(row.get("hints_digest", "")),
            reference=_absolute(folder / row["reference"]) if row.get("reference") else None,
            who=str(row.get("who", "")),
            when=str(row.get("when", "")),
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, UsageProblem):
        return None
