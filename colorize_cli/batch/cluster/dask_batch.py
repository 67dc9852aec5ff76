"""The same batch on a Dask cluster: a bounded number of photographs in flight, each a task that any worker can repeat.

Dask gives a task whose worker is lost to another one. All state that counts is in files: a repeated task finds the
result of the lost one whole or not at all, so work may be done twice but nothing is lost.
"""

import contextlib
import importlib
import logging
import os
import secrets
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event
from typing import Any

from colorize_cli._version import __version__
from colorize_cli.batch.cluster.dask_worker import WORKER, Job, check_worker, colorize_one, forget
from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.inputs.plan import Item, Plan
from colorize_cli.batch.reports.outcome import Outcome, Report
from colorize_cli.batch.resume import expected_provenance
from colorize_cli.batch.work import settled
from colorize_cli.compute import available_cores
from colorize_cli.errors import ClusterError, ColorizeError, LibraryMissing, UsageProblem

LOCAL = "local"
_ANSWER_WITHIN, _WORKERS_WITHIN = 30.0, 60.0
_LOOK_EVERY = 5.0
_SHOWN_WITHIN = 30.0


class ClusterBatch:
    """Runs a plan on the cluster that ``options.cluster`` names; made like :class:`Batch`, closed by :meth:`close`.

    Raises :class:`LibraryMissing`, :class:`UsageProblem` for the standard streams, and :class:`ClusterError` where no
    scheduler answers, no worker is there, or one has another version or other files. ``patience``: seconds without any
    worker after which a run is given up. ``shown_within``: seconds within which a result that a worker has written must
    be there for this machine.
    """

    def __init__(
        self,
        options: ColorizeOptions,
        plan: Plan,
        *,
        patience: float = _WORKERS_WITHIN,
        shown_within: float = _SHOWN_WITHIN,
    ) -> None:
        first = _first_to_do(plan)
        self._options, self._patience, self._shown_within = options, patience, shown_within
        self._provenance = expected_provenance(options)
        self._job = Job(f"{os.getpid()}-{secrets.token_hex(4)}", _for_workers(options), __version__, *_probe(first))
        self._client, self._local = _connect(options)
        self._done: SimpleQueue[Any] = SimpleQueue()
        self._fatal: ColorizeError | None = None
        self._trusted: set[str] = set()
        try:
            self._check()
            self._resources = self._gpus() if options.device == "auto" or options.device.startswith("cuda") else {}
        except BaseException:
            self.close()
            raise

    @property
    def description(self) -> str:
        """The workers, in words."""
        workers = self._client.nthreads()
        return f"{len(workers)} workers of {self._client.scheduler.address}"

    def close(self) -> None:
        """Leave the cluster; a local one ends."""
        with contextlib.suppress(Exception):
            self._client.run(forget, self._job.run, on_error="ignore")
        with contextlib.suppress(Exception):
            self._client.close(timeout=5)
        if self._local is not None:
            with contextlib.suppress(Exception):
                self._local.close(timeout=10)

    def run(self, plan: Plan, on_outcome: Callable[[Outcome], None], stop: Event) -> Report:
        """Colorize the plan as :meth:`Batch.run` does; ``stop`` lets what is in flight finish."""
        report = Report(strict=self._options.strict)
        total = len(plan)
        for outcome in self._outcomes(iter(plan), stop):
            report.add(outcome)
            try:
                on_outcome(outcome)
            except ColorizeError as error:  # the report's own disk is full, say
                self._stop_for(error, stop)
        report.stopped_by = self._fatal
        report.not_reached = total - report.settled
        return report

    def _outcomes(self, items: Iterator[Item], stop: Event) -> Iterator[Outcome]:
        flying: dict[Any, Item] = {}
        looked, limit, number = 0.0, 0, 0
        while True:
            if time.monotonic() - looked > _LOOK_EVERY:
                looked, limit = time.monotonic(), self._most_in_flight()
            while len(flying) < limit and not stop.is_set() and (item := next(items, None)) is not None:
                ended = settled(item, self._options, self._provenance)
                if ended is not None:
                    yield ended
                    continue
                number += 1
                flying[self._submit(item, number)] = item
            if not flying:
                return
            future = self._next_done()
            if future is None:
                self._stop_for(
                    ClusterError(
                        "The cluster has lost all its workers.",
                        "Start workers, then run the same command with --skip-existing.",
                    ),
                    stop,
                )
                return
            item = flying.pop(future)
            outcome, error = _result(future, item)
            future.release()
            if outcome is not None:
                outcome, missing = self._looked_at(outcome, item)
                error = error or missing
            if error is not None:
                self._stop_for(error, stop)
            if outcome is not None:
                yield replace(outcome, source=item.source, target=item.target)

    def _looked_at(self, outcome: Outcome, item: Item) -> tuple[Outcome, ColorizeError | None]:
        """Check that the first result of each worker exists here: another folder may be mounted there.

        A file system of many machines may show a new file late. Return the outcome without the worker's name, as
        failed if the file does not appear, and in that case the error that stops the run.
        """
        details = dict(outcome.details)
        worker = str(details.pop(WORKER, ""))
        outcome = replace(outcome, details=details)
        if outcome.status != "done" or item.target is None or worker in self._trusted:
            return outcome, None
        if _comes(item.target, self._shown_within):
            self._trusted.add(worker)
            return outcome, None
        reason = f"Worker {worker} reported the result '{item.target}', but this machine does not have that file."
        remedy = "Mount the results folder at the same path on every machine, then resume with --skip-existing."
        return replace(outcome, status="failed", reason=reason, details={}), ClusterError(reason, remedy)

    def _submit(self, item: Item, number: int) -> Any:
        future = self._client.submit(
            colorize_one,
            self._job,
            replace(item, source=item.source and item.source.absolute(), target=item.target and item.target.absolute()),
            key=f"colorize-{self._job.run}-{number}",
            pure=False,
            resources=self._resources or None,
        )
        future.add_done_callback(self._done.put)
        return future

    def _next_done(self) -> Any:
        """Return the next future that ended, None where no worker has been there for too long."""
        alone_since: float | None = None
        while True:
            with contextlib.suppress(Empty):
                return self._done.get(timeout=_LOOK_EVERY)
            if self._threads():
                alone_since = None
                continue
            alone_since = alone_since or time.monotonic()
            if time.monotonic() - alone_since > self._patience:
                return None

    def _threads(self) -> int:
        try:
            return sum(self._client.nthreads().values())
        except Exception:  # a scheduler that is gone answers in many ways
            return 0

    def _most_in_flight(self) -> int:
        """Twice as many as are processed at once: a worker that ends one finds the next one waiting."""
        return 2 * max(1, self._threads()) + 1

    def _check(self) -> None:
        """Ask every worker whether it can take part."""
        answers = self._client.run(check_worker, self._job, on_error="return")
        for address, answer in answers.items():
            if isinstance(answer, ColorizeError):
                raise ClusterError(f"Worker {address}: {answer.message}", answer.remedy)
            if isinstance(answer, Exception):
                raise ClusterError(
                    f"Worker {address} cannot run colorize ({answer}).", f"Install version {__version__} there."
                )

    def _gpus(self) -> dict[str, float]:
        """Ask for a unit of the resource GPU for each photograph, where workers offer it."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        return {"GPU": 1} if any(worker.get("resources", {}).get("GPU") for worker in workers) else {}

    def _stop_for(self, error: ColorizeError, stop: Event) -> None:
        if self._fatal is None or error.exit_code > self._fatal.exit_code:
            self._fatal = error
        stop.set()


def _first_to_do(plan: Plan) -> Item | None:
    first = None
    for item in plan:
        if item.source is None or (item.state == "todo" and item.target is None):
            raise UsageProblem("Standard input and output cannot be used with --cluster.", "Name files instead.")
        if first is None and item.state == "todo":
            first = item
    return first


def _comes(path: Path, within: float) -> bool:
    """Return whether a file exists, or appears within ``within`` seconds."""
    until = time.monotonic() + within
    while not os.path.lexists(path):
        if time.monotonic() >= until:
            return False
        # Opening the folder has a network file system ask its server again.
        with contextlib.suppress(OSError):
            os.close(os.open(path.parent, os.O_RDONLY))
        time.sleep(min(0.5, within))
    return True


def _probe(item: Item | None) -> tuple[Path | None, int]:
    """Return a photograph that is there, and its size."""
    with contextlib.suppress(OSError):
        if item is not None and item.source is not None:
            return item.source.absolute(), item.source.stat().st_size
    return None, 0


def _for_workers(options: ColorizeOptions) -> ColorizeOptions:
    """Return the options as workers need them: files by their full names; existing results have been skipped before."""

    def full(name: str | Path | None) -> str | Path | None:
        return str(Path(name).absolute()) if name is not None and Path(name).exists() else name

    return replace(
        options,
        weights=full(options.weights),
        hints=full(options.hints),
        reference=full(options.reference),
        skip_existing=False,
        report=options.report_file,
        retry=None,
        shard=None,
        cluster=None,
    )


_LOCAL_SETTINGS: dict[str, Any] = {
    # Dask has memory given back to the system at once. Each photograph then asks for all of its pages anew, which took
    # a seventh of the processor time.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
    "distributed.worker.profile.enabled": False,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


def _connect(options: ColorizeOptions) -> tuple[Any, Any]:
    """Return a client, and the local cluster if one was started."""
    try:
        import dask
        from distributed import Client, LocalCluster

        if options.cluster == LOCAL:
            importlib.import_module("cryptography")  # of its temporary credentials
    except ImportError as error:
        raise LibraryMissing(
            f"--cluster needs {error.name}.", "`pip install dask distributed cryptography`."
        ) from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    local = None
    if options.cluster == LOCAL:
        # Processes of one thread each; their memory is bounded as that of any run, so Dask need not watch it.
        with dask.config.set(_LOCAL_SETTINGS):
            local = LocalCluster(
                n_workers=options.jobs or available_cores(),
                threads_per_worker=1,
                processes=True,
                memory_limit=0,
                # Only this program knows the credentials, so that no other user of the machine can have code run.
                security=True,
                # Dask opens a web server in any case: on a free port of this machine, without any page.
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                silence_logs=logging.CRITICAL,
                preload=["colorize_cli.batch.cluster.dask_worker"],
            )
    try:
        client = Client(local or options.cluster, timeout=_ANSWER_WITHIN, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(
            f"No Dask scheduler answers at '{options.cluster}' ({error}).",
            "Start one (`dask scheduler`) and name its address, or use --cluster local.",
        ) from None
    try:
        client.wait_for_workers(1, timeout=_WORKERS_WITHIN)
    except TimeoutError:
        client.close()
        raise ClusterError(
            f"The cluster at '{options.cluster}' has no workers.", f"Start one: `dask worker {options.cluster}`."
        ) from None
    return client, local


def _result(future: Any, item: Item) -> tuple[Outcome | None, ColorizeError | None]:
    """Return what a task gave. A task lost with the scheduler has no outcome; one that killed its workers failed."""
    from distributed.scheduler import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        reason = f"{error.allowed_failures + 1} workers crashed on this photo. Colorize it alone with -v."
        return Outcome(item.source, item.target, "failed", reason), None
    except Exception as error:
        if future.cancelled():
            return None, ClusterError(
                "The connection to the scheduler is lost.",
                "Start it again, then run the same command with --skip-existing.",
            )
        trace = "".join(traceback.format_exception(error))
        reason = f"Unexpected {type(error).__name__}: {error}"
        return Outcome(item.source, item.target, "failed", reason, traceback=trace), None
