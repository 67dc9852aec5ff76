"""Write accepted photographs at full size and depth, exactly as they were reviewed, and list rejected ones.

The page starts this in a separate thread, whose progress it can query.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.engine import Batch
from colorize_cli.batch.inputs.hint_files import HintFiles
from colorize_cli.batch.inputs.plan import Item
from colorize_cli.batch.reports.outcome import Outcome, Report
from colorize_cli.errors import ColorizeError, UsageProblem
from colorize_cli.files import sha256_of
from colorize_cli.imaging.codecs.formats import output_suffix, result_stem, split_page
from colorize_cli.imaging.metadata.xmp import Provenance
from colorize_cli.inference.colorizer import Colorizer
from colorize_cli.inference.hints import Hints, hints_digest
from colorize_cli.inference.reference import Reference
from colorize_cli.review.decisions import Decision, Decisions
from colorize_cli.review.predictor import reviewed_predictor
from colorize_cli.review.references import checked_reference
from colorize_cli.review.rendering import Models
from colorize_cli.review.session import Choices, Session, load_colorizer
from colorize_cli.review.strokes import load_strokes

REJECTED = "It was rejected in the review."
NOT_DECIDED = "It was neither accepted nor rejected in the review."
_SHOWN = 50


class _Strokes(HintFiles):
    """The strokes of the photograph that is written. The predictor adds their record to the provenance."""

    def __init__(self, options: ColorizeOptions, hints: Hints | None) -> None:
        super().__init__(options)
        self._painted = hints

    def hints(self, item: Item) -> Hints | None:
        """Return the strokes."""
        return self._painted

    def recorded(self, item: Item, provenance: Provenance) -> Provenance:
        """Return the provenance as it is."""
        return provenance


class Applier:
    """Writes the decided photographs; a failed one does not stop the others, unless the output folder itself fails.

    ``options``: how files are written (format, quality, overwrite and others); ``choices``: device and weights.
    """

    def __init__(self, options: ColorizeOptions, choices: Choices, models: Models | None = None) -> None:
        self._options = replace(options, force=True)
        self._models = models or Models(lambda look: load_colorizer(look, choices))

    def run(
        self,
        decisions: Sequence[tuple[Decision, Path]],
        on_outcome: Callable[[Outcome], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Report:
        """Write each accepted photograph to the path beside it; ``on_outcome`` receives each outcome."""
        report = Report()
        for decision, target in decisions:
            if stopped() or report.stopped_by is not None:
                report.not_reached += 1
                continue
            outcome, fatal = self.write(decision, target)
            report.stopped_by = fatal
            report.add(outcome)
            on_outcome(outcome)
        return report

    def write(self, decision: Decision, target: Path) -> tuple[Outcome, ColorizeError | None]:
        """Return the outcome of one photograph, and an error if it affects all others too."""
        if decision.state != "accepted":
            reason = REJECTED if decision.state == "rejected" else NOT_DECIDED
            note = f" {decision.note}" if decision.note else ""
            return Outcome(decision.photo, target, "skipped", reason + note), None
        try:
            hints, reference = _checked_hints(decision), _checked_reference(decision)
            _check_scan(decision)
            colorizer = self._models.get(decision.look).colorizer
            _check_weights(decision, colorizer)
            reviewed = f"accepted {decision.when}" + (f" by {decision.who}" if decision.who else "")
            predictor = reviewed_predictor(colorizer, decision.look, hints, reference, reviewed)
        except ColorizeError as error:
            return Outcome(decision.photo, target, "failed", str(error)), None
        with self._models.predicting:
            strokes = _Strokes(self._options, hints)
            return Batch(predictor, self._options, hints=strokes).run_one(Item(decision.photo, target))


def _check_scan(decision: Decision) -> None:
    try:
        found = sha256_of(split_page(decision.photo)[0])
    except OSError as error:
        raise ColorizeError(
            f"'{decision.photo}' cannot be read: {error.strerror}.", "Check its path and permissions."
        ) from error
    if decision.scan_sha256 and found != decision.scan_sha256:
        raise ColorizeError(f"'{decision.photo}' changed after it was accepted.", "Review it again.")


def _check_weights(decision: Decision, colorizer: Colorizer) -> None:
    if decision.weights_sha256 and colorizer.weights_sha256 != decision.weights_sha256:
        raise ColorizeError(
            f"'{decision.photo}' was accepted with other weights of '{decision.look.model}' "
            f"(sha256 {decision.weights_sha256[:12]}).",
            "Review it again, or give the other weights with --weights.",
        )


def _checked_hints(decision: Decision) -> Hints | None:
    if not decision.hints_digest:
        return None
    strokes = load_strokes(decision.hints) if decision.hints is not None else None
    if strokes is None or hints_digest(strokes[1]) != decision.hints_digest:
        raise ColorizeError(
            f"The strokes of '{decision.photo}' were changed or removed after it was accepted.", "Review it again."
        )
    return strokes[1]


def _checked_reference(decision: Decision) -> Reference | None:
    if not decision.look.reference:
        return None
    if decision.reference is not None:
        with contextlib.suppress(UsageProblem):
            return checked_reference(decision.reference, decision.look.reference)
    raise ColorizeError(
        f"The reference of '{decision.photo}' changed or vanished after it was accepted.", "Review it again."
    )


def targets(decisions: Decisions, folder: Path, format: str | None = None) -> list[tuple[Decision, Path]]:
    """Return each decision with the path of its final picture in ``folder``, which mirrors the tree of the photos.

    Raises :class:`UsageProblem` if two would be written to one file, or if one would replace its scan.
    """
    found = list(decisions)
    if not found:
        raise UsageProblem(f"'{decisions.path}' contains no decisions.", "Accept some photos first.")
    root = Path(os.path.commonpath([decision.photo.parent for decision in found]))
    pairs = [
        (decision, folder / _final_name(decision.photo.relative_to(root), format))
        for decision in sorted(found, key=lambda decision: decision.photo)
    ]
    return list(_apart(pairs))


def _final_name(relative: Path, format: str | None) -> PurePath:
    return relative.with_name(f"{result_stem(relative)}{output_suffix(relative, format)}")


def _apart(pairs: Sequence[tuple[Decision, Path]]) -> Iterator[tuple[Decision, Path]]:
    taken: dict[str, Path] = {}
    for decision, target in pairs:
        chosen = target
        if os.fspath(chosen).casefold() in taken:
            chosen = target.with_name(f"{decision.photo.name}{target.suffix}")
        if os.fspath(chosen).casefold() in taken:
            raise UsageProblem(
                f"'{taken[os.fspath(chosen).casefold()]}' and '{decision.photo}' have the same final name."
            )
        if os.path.realpath(chosen) == os.path.realpath(decision.photo):
            raise UsageProblem(f"'{decision.photo}' would be replaced.", "Choose another folder with -o.")
        taken[os.fspath(chosen).casefold()] = decision.photo
        yield decision, chosen


class Applying:
    """Runs that the page starts, one at a time; a run replaces files of earlier runs if this program made them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._progress: dict[str, Any] = {"running": False, "done": 0, "failed": 0, "total": 0, "messages": []}

    def start(self) -> None:
        """Start a run unless one is active. Raises :class:`UsageProblem` if there is nothing to apply."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            session = self._session
            pairs = targets(session.decisions, session.album.final)
            accepted = [(decision, target) for decision, target in pairs if decision.state == "accepted"]
            if not accepted:
                raise UsageProblem("No photo has been accepted yet.", "Accept photos with A, then apply.")
            self._progress = {
                "running": True,
                "done": 0,
                "failed": 0,
                "total": len(accepted),
                "messages": [],
                "folder": str(session.album.final),
            }
            applier = Applier(ColorizeOptions(overwrite=True), session.choices, session.models)
            # A daemon thread: Ctrl-C ends the program; files are written atomically, so none is left incomplete.
            self._thread = threading.Thread(target=self._run, args=(applier, accepted), daemon=True)
            self._thread.start()

    def progress(self) -> dict[str, Any]:
        """Return the progress of the run: counts, messages of failed photographs, and the folder."""
        with self._lock:
            return dict(self._progress)

    def _run(self, applier: Applier, accepted: list[Any]) -> None:
        try:
            report = applier.run(accepted, self._on_outcome)
            if report.stopped_by is not None:
                self._say(str(report.stopped_by))
        except ColorizeError as error:
            self._say(str(error))
        finally:
            with self._lock:
                self._progress |= {"running": False}

    def _on_outcome(self, outcome: Outcome) -> None:
        with self._lock:
            done = self._progress["done"] + (outcome.status == "done")
            failed = self._progress["failed"] + (outcome.status == "failed")
            self._progress |= {"done": done, "failed": failed}
        if outcome.status == "failed":
            self._say(outcome.reason)

    def _say(self, message: str) -> None:
        with self._lock:
            self._progress |= {"messages": [*self._progress["messages"], message][:_SHOWN]}
