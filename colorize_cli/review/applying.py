"""Apply decisions from the page, in a separate thread whose progress the page can query."""

import threading
from typing import Any

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.reports.outcome import Outcome
from colorize_cli.errors import ColorizeError, UsageProblem
from colorize_cli.review.apply import Applier, targets
from colorize_cli.review.session import Session

_SHOWN = 50


class Applying:
    """Runs of applying, one at a time; a run replaces files of earlier runs if this program made them."""

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
