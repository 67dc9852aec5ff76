"""What a worker of a Dask cluster does: one photograph after another, with a model that is loaded once per process."""

import os
import signal
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from colorize_cli import _version
from colorize_cli.batch import resume
from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.engine import Batch
from colorize_cli.batch.inputs.companions import companions
from colorize_cli.batch.inputs.hint_files import HintFiles
from colorize_cli.batch.inputs.plan import Item
from colorize_cli.batch.reports.outcome import Outcome
from colorize_cli.errors import ClusterError, ColorizeError
from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from colorize_cli.inference.variants import same_but_for_variant

WORKER = "worker"
"""Detail of an outcome: the address of the worker that it comes from."""


@dataclass(frozen=True)
class Job:
    """What all photographs of one run share.

    ``run``: a name no other run has. ``version``: of the program that sends it. ``probe``: a photograph that every
    worker must see, with ``probe_size`` bytes; None where there is none.
    """

    run: str
    options: ColorizeOptions
    version: str
    probe: Path | None
    probe_size: int


def check_worker(job: Job) -> None:
    """Raise :class:`ClusterError` where this machine cannot take part: another version, or other files."""
    if job.version != _version.__version__:
        raise ClusterError(
            f"It runs colorize {_version.__version__}, not {job.version}.", "Install the same version on all machines."
        )
    try:
        seen = job.probe is None or job.probe.stat().st_size == job.probe_size
    except OSError:
        seen = False
    if not seen:
        raise ClusterError(
            f"It does not see '{job.probe}' that this machine sees.",
            "Photos and results must be in a file system that all machines share, under the same paths.",
        )


class _Runner:
    """The model of one run on this worker, and the two batches that use it."""

    def __init__(self, job: Job) -> None:
        check_worker(job)
        self.run, self._options = job.run, job.options
        predictor = resume.load_predictor(job.options)
        self._first = Batch(predictor, job.options)
        self._again = self._first.overwriting()

    def colorize(self, item: Item) -> tuple[Outcome, ColorizeError | None]:
        """Colorize one photograph. A worker that was lost may have done it already: then its result is replaced."""
        written = [] if item.target is None else [item.target, *companions(item.target, self._options)]
        there = [path for path in written if os.path.lexists(path)]
        if there and all(self._may_be_replaced(path) for path in there):
            return self._again.run_one(item)
        return self._first.run_one(item)

    def _may_be_replaced(self, path: Path) -> bool:
        """Whether a file is a result of this run, or differs from one in the reference only."""
        expected = self._first.provenance
        return same_but_for_variant(read_provenance(path), expected) or HintFiles(self._options).differs(path, expected)


_loading = threading.Lock()
_current: _Runner | None = None


def _runner(job: Job) -> _Runner:
    global _current
    with _loading:
        if _current is None or _current.run != job.run:
            _current = None  # an earlier run's model goes before the next one comes
            _current = _Runner(job)
        return _current


def colorize_one(job: Job, item: Item) -> tuple[Outcome | None, ColorizeError | None]:
    """Return how a photograph ended, and the error that must stop the run; no outcome where it was not begun."""
    try:
        runner = _runner(job)
    except ColorizeError as error:
        return None, error
    outcome, fatal = runner.colorize(item)
    return replace(outcome, details=outcome.details | {WORKER: _address()}), fatal


def _address() -> str:
    """Return the address of this worker, "" outside of one."""
    from distributed import get_worker

    try:
        return str(get_worker().address)
    except ValueError:
        return ""


def forget(run: str) -> None:
    """Let go of the model of a run that has ended."""
    global _current
    with _loading:
        if _current is not None and _current.run == run:
            _current = None


def dask_setup(worker: Any) -> None:
    """Leave Ctrl-C to the program whose local workers these are: called by Dask in each that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
