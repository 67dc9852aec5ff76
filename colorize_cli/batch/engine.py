"""The batch run: a checked plan, a colorizer and options in, one outcome per photograph out."""

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.inputs.companions import (
    companions,
    has_companions,
)
from colorize_cli.batch.inputs.hint_files import HintFiles
from colorize_cli.batch.inputs.plan import Item, Plan
from colorize_cli.batch.memory_limit import (
    KEEP_FREED_FROM,
    OWN_SHARE,
    MemoryBudget,
    keep_freed_memory,
    memory_in_use,
    memory_of,
)
from colorize_cli.batch.pipeline import Pipeline
from colorize_cli.batch.reports.outcome import Outcome, Report
from colorize_cli.batch.resume import Predictor, recorded_storage, skip_reason
from colorize_cli.batch.stage_times import StageTimes
from colorize_cli.batch.target_folder import TargetFolder
from colorize_cli.batch.under_way import SET_ASIDE_AFTER, UnderWay
from colorize_cli.batch.work import PagePredictor, Reader, Work, done, failed, settled
from colorize_cli.batch.writing import ResultWriter
from colorize_cli.compute import memory_at_hand
from colorize_cli.errors import EXIT_USAGE, ColorizeError, OutputError, PhotoTooLarge, TemporaryFolderError
from colorize_cli.files import copy_time
from colorize_cli.imaging.codecs.formats import split_page
from colorize_cli.imaging.codecs.jpeg.coefficients import require_jpeglib
from colorize_cli.imaging.metadata.xmp import Provenance

_NO_LIMIT = 1 << 62
"""More bytes than any machine has."""


def _bytes_of(item: Item) -> int:
    """Return the size of a photograph's file, 0 where it is unknown; what ended while planning goes before all."""
    if item.state != "todo":
        return _NO_LIMIT
    if item.source is None:
        return 0
    try:
        return split_page(item.source)[0].stat().st_size
    except (OSError, ValueError):
        return 0


class Batch:
    """Colorizes every photograph of a plan; one that fails never stops the others.

    What does stop a run is a :class:`ColorizeError` about the model, the device or the output (disk full, read-only):
    what is in flight ends, nothing new begins, and the report owns the exit code. ``stdin`` and ``stdout`` serve the
    item whose source or target is ``None``. ``stop`` may be set from outside (Ctrl-C) to the same effect. ``on_start``
    is called in some thread with the path of each photograph as its work begins. ``hints`` knows those of each
    photograph; by default as the options say. ``under_way``: the notes of photographs under way, by which those that
    ended earlier runs are known.
    """

    def __init__(
        self,
        colorizer: Predictor,
        options: ColorizeOptions,
        *,
        stop: threading.Event | None = None,
        stdin: BinaryIO | None = None,
        stdout: BinaryIO | None = None,
        on_start: Callable[[Path | None], None] = lambda _: None,
        hints: HintFiles | None = None,
        under_way: UnderWay | None = None,
    ) -> None:
        self._under_way = under_way or UnderWay(None)
        self._colorizer, self._options = colorizer, options
        provenance = colorizer.provenance()
        self._provenance = replace(provenance, parameters=provenance.parameters | recorded_storage(options))
        if options.lossless_luma:
            require_jpeglib()
        self._stop = stop or threading.Event()
        self._stdout = stdout
        self._on_start = on_start
        self._reader = Reader(options, stdin)
        self._hints = hints or HintFiles(options)
        self._fatal: ColorizeError | None = None
        self._budget: MemoryBudget | None = None
        self._room: int | None = None
        self.times = StageTimes()
        self._pages = PagePredictor(colorizer, options, self.times)
        self._writer = ResultWriter(
            colorizer, options, self._provenance, self._hints, self._reader, self._pages, self.times, stdout
        )
        self._target = TargetFolder(None if options.output in (None, "-") else Path(options.output or ""))

    def run(self, plan: Plan, on_outcome: Callable[[Outcome], None] = lambda _: None) -> Report:
        """Colorize the plan; ``on_outcome`` is called in this thread as each photograph ends."""
        report = Report(strict=self._options.strict)
        total = len(plan)
        pipeline: Pipeline[Item, Work, Outcome] = Pipeline(
            read=self._read,
            predict=self._predict,
            finish=self._finish,
            failed=self._failed,
            task_of=lambda work: work.item,
            ended=Outcome,
            workers=max(1, min(self._options.workers, plan.todo)),
            batch_size=self._colorizer.batch_size,
            stop=self._stop,
            size=_bytes_of,
        )
        self._room = memory_at_hand()
        if self._options.memory is not None:
            self._budget = MemoryBudget(self._options.memory - memory_in_use())
        elif self._room is not None:
            if self._room > KEEP_FREED_FROM and plan.todo > 1:
                keep_freed_memory()
            self._budget = MemoryBudget(int(self._room * OWN_SHARE))
        else:
            self._budget = MemoryBudget(_NO_LIMIT)
        with self.times.run():
            for outcome in pipeline.run(plan):
                if self._budget is not None:
                    self._budget.release((outcome.source, outcome.target))
                self._under_way.end(outcome.source)
                report.add(outcome)
                try:
                    on_outcome(outcome)
                except ColorizeError as error:  # e.g. the disk of the report is full
                    self._stop_for(error)
        report.stopped_by = self._fatal
        report.not_reached = total - report.settled
        return report

    def run_one(self, item: Item) -> tuple[Outcome, ColorizeError | None]:
        """Return how one photograph ended, and the error, if any, that concerns all others too. Any thread may call."""
        try:
            work = self._read(item)
            if isinstance(work, Outcome):
                return work, None
            self._predict([work])
            return self._finish(work), None
        except Exception as error:
            return self._failed(item, error), self._fatal

    def overwriting(self) -> "Batch":
        """Return a batch with the same model that replaces results."""
        other = Batch(self._colorizer, replace(self._options, overwrite=True), stop=self._stop)
        other._pages.turns = self._pages.turns
        return other

    @property
    def provenance(self) -> Provenance:
        """What its results record of how they were made."""
        return self._provenance

    def _read(self, item: Item) -> Work | Outcome:
        ended = settled(item, self._options, self._writer.provenance_of(item))
        if ended is not None:
            return ended
        deaths = self._under_way.deaths(item.source)
        if deaths >= SET_ASIDE_AFTER:
            return Outcome(item.source, item.target, "failed", self._set_aside(item, deaths))
        item = replace(item, suspect=deaths > 0)
        self._wait_for_room(item)
        self._under_way.begin(item.source)
        self._on_start(item.source)
        with self.times.measure("read"):
            return self._reader.begin(item)

    def _set_aside(self, item: Item, deaths: int) -> str:
        return (
            f"'{item.source}' was set aside: it was under way when the program crashed, or ran out of memory, "
            f"{deaths} times. Leave it out, or remove '{self._under_way.folder}' to try it again with more memory."
        )

    def _wait_for_room(self, item: Item) -> None:
        """Wait until the photograph fits beside those under way, a suspected one until none is.

        Raises :class:`PhotoTooLarge` where it never will.
        """
        file = item.source and split_page(item.source)[0]
        if self._budget is None or file is None or not os.path.isfile(file):  # noqa: PTH113 - Path raises for names too long
            return
        try:
            needed = memory_of(file)
        except OSError:  # reading it will say what is wrong
            return
        if self._room is not None and needed > self._room:
            raise PhotoTooLarge(
                f"'{item.source}' takes about {needed / 1e9:.1f} GB of memory to colorize, and there are "
                f"{self._room / 1e9:.1f} GB.",
                "Use a machine, or a container, with more memory.",
            )
        self._budget.reserve((item.source, item.target), _NO_LIMIT if item.suspect else needed)

    def _predict(self, works: Sequence[Work]) -> None:
        hints = [self._hints.hints(work.item) for work in works]
        predictions = self._pages.predictions([work.photo.gray for work in works], hints)
        for work, prediction in zip(works, predictions, strict=True):
            work.ab, work.confidence = prediction.ab, prediction.confidence
            if prediction.confidence is not None:
                work.confidences = [float(prediction.confidence.mean())]
            self._pages.note_guidance(work, prediction, "")
            work.variants = self._pages.variants(work.photo.gray, work.ab)

    def _finish(self, work: Work) -> Outcome:
        item = work.item
        if item.target is not None:
            self._target.make(item.target.parent, item.source.parent if item.source is not None else None)
        elif self._stdout is None:
            raise ColorizeError("Standard output is not available.")
        if item.target is not None:
            with self.times.measure("write"):
                work.notes += self._writer.companions(work, item.target)
            replaced = self._options.resumes and self._hints.changed(item, self._provenance)
            if self._options.resumes and os.path.lexists(item.target) and not replaced:
                if not has_companions(self._options):  # another run on the same tree was faster
                    reason = skip_reason(item.target, self._writer.provenance_of(item))
                    return Outcome(item.source, item.target, "skipped", reason)
                work.notes.append("the result already existed; only missing files beside it were written")
                return done(work, self._options, self._writer.provenance_of_work(work))
        with self.times.measure("write"):
            written = self._writer.result(work, item.target)
        work.notes += written.notes
        if self._options.keep_time:
            work.notes += self._keep_time(item)
        return done(work, self._options, self._writer.provenance_of_work(work))

    def _keep_time(self, item: Item) -> list[str]:
        """Set the time of the result and its companion files to that of the photograph; return a note if that fails."""
        if item.source is None or item.target is None:
            return []
        try:
            for path in (item.target, *companions(item.target, self._options)):
                if os.path.lexists(path):
                    copy_time(split_page(item.source)[0], path)
        except OSError:
            return ["the file system of the results does not take the time of the photo"]
        return []

    def _stop_for(self, error: ColorizeError) -> None:
        if self._fatal is None or error.exit_code > self._fatal.exit_code:
            self._fatal = error
        self._stop.set()

    def _failed(self, item: Item, error: Exception) -> Outcome:
        outcome = failed(item, error, self._options, self._provenance)
        if outcome.status == "failed" and isinstance(error, ColorizeError) and self._concerns_all(error):
            self._stop_for(error)
        return outcome

    def _concerns_all(self, error: ColorizeError) -> bool:
        """Whether the next photographs would fail too."""
        if isinstance(error, OutputError) and not isinstance(error, TemporaryFolderError):
            return self._target.concerns_all(error.__cause__)
        return error.exit_code > EXIT_USAGE
