"""The batch run: a checked plan, a colorizer and options in, one outcome a photograph out."""

import errno
import hashlib
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from colorize_cli.errors import EXIT_USAGE, ColorizeError, OutputError
from colorize_cli.imaging.formats import format_of_suffix
from colorize_cli.imaging.photo import Photo
from colorize_cli.imaging.read import read_photo
from colorize_cli.imaging.write import write_pages
from colorize_cli.inference.options import ColorizeOptions
from colorize_cli.inference.pipeline import Pipeline
from colorize_cli.inference.plan import Item, Plan
from colorize_cli.inference.report import Outcome, Report
from colorize_cli.inference.resume import Predictor, skip_reason


@dataclass
class _Work:
    """One photograph under way: its first page, the chroma of that once predicted, and how many pages follow."""

    item: Item
    photo: Photo
    further_pages: int
    started: float
    details: dict[str, Any]
    notes: list[str]
    ab: np.ndarray = field(default_factory=lambda: np.empty(0))


class Batch:
    """Colorizes every photograph of a plan; one that fails never stops the others.

    What does stop a run is a :class:`ColorizeError` about the model, the device or the output (disk full, read-only):
    what is in flight ends, nothing new begins, and the report owns the exit code. ``stdin`` and ``stdout`` serve the
    item whose source or target is ``None``. ``stop`` may be set from outside (Ctrl-C) to the same effect.
    """

    def __init__(
        self,
        colorizer: Predictor,
        options: ColorizeOptions,
        *,
        stop: threading.Event | None = None,
        stdin: BinaryIO | None = None,
        stdout: BinaryIO | None = None,
    ) -> None:
        self._colorizer, self._options = colorizer, options
        self._provenance = colorizer.provenance()
        self._stop = stop or threading.Event()
        self._stdin, self._stdout = stdin, stdout
        self._fatal: ColorizeError | None = None
        self._predicting = threading.Lock()

    def run(self, plan: Plan, on_outcome: Callable[[Outcome], None] = lambda _: None) -> Report:
        """Colorize the plan; ``on_outcome`` is called in this thread as each photograph ends."""
        report = Report()
        total = len(plan)
        pipeline: Pipeline[Item, _Work, Outcome] = Pipeline(
            read=self._read,
            predict=self._predict,
            finish=self._finish,
            failed=self._failed,
            task_of=lambda work: work.item,
            ended=Outcome,
            workers=max(1, min(self._options.workers, plan.todo)),
            batch_size=self._colorizer.batch_size,
            stop=self._stop,
        )
        for outcome in pipeline.run(plan):
            report.add(outcome)
            try:
                on_outcome(outcome)
            except ColorizeError as error:  # the report's own disk is full, say
                self._stop_for(error)
        report.stopped_by = self._fatal
        report.not_reached = total - report.done - report.skipped - report.failed
        return report

    def _read(self, item: Item) -> _Work | Outcome:
        if item.state != "todo":
            return Outcome(item.source, None, item.state, item.reason)
        target = item.target
        if self._options.skip_existing and target is not None and os.path.lexists(target):
            return Outcome(item.source, target, "skipped", skip_reason(target, self._provenance))
        started = time.monotonic()
        source: Path | bytes = item.source if item.source is not None else self._standard_input()
        name = None if item.source is not None else "standard input"
        photo = read_photo(source, max_megapixels=self._options.max_megapixels, name=name)
        details: dict[str, Any] = {"width": photo.width, "height": photo.height}
        notes = list(photo.notes)
        further = photo.pages - 1
        if further and not (item.source is not None and self._holds_pages(item)):
            notes.append(f"only the first of {photo.pages} pages was colorized: give a TIFF file for all")
            further = 0
        if further:
            details["pages"] = photo.pages
        if self._options.report is not None and item.source is not None:
            details["input_sha256"] = _sha256(item.source)
        return _Work(item, photo, further, started, details, notes)

    def _standard_input(self) -> bytes:
        if self._stdin is None:
            raise ColorizeError("Standard input is not available here.")
        return self._stdin.read()

    def _holds_pages(self, item: Item) -> bool:
        name = self._options.format or (format_of_suffix(item.target.suffix) if item.target else "TIFF")
        return name is not None and name.upper() in {"TIFF", "TIF"}

    def _predict(self, works: Sequence[_Work]) -> None:
        with self._predicting:
            chroma = self._colorizer.predict([work.photo.gray for work in works])
        for work, ab in zip(works, chroma, strict=True):
            work.ab = ab

    def _finish(self, work: _Work) -> Outcome:
        item = work.item
        if item.target is not None:
            _make_folder(item.target.parent)
        elif self._stdout is None:
            raise ColorizeError("Standard output is not available here.")
        written = write_pages(
            item.target if item.target is not None else self._stdout,  # type: ignore[arg-type]  # one of them is there
            self._colored(work),
            provenance=self._provenance,
            format=self._options.format,
            quality=self._options.quality,
            overwrite=self._options.overwrite,
        )
        work.details["model"] = self._provenance.model
        work.details["weights_sha256"] = self._provenance.weights_sha256
        if self._options.report is not None and item.target is not None:
            work.details["output_sha256"] = _sha256(item.target)
        work.details["seconds"] = round(time.monotonic() - work.started, 3)
        notes = tuple(dict.fromkeys([*work.notes, *written.notes]))
        return Outcome(item.source, item.target, "done", notes=notes, details=work.details)

    def _colored(self, work: _Work) -> Iterator[tuple[np.ndarray, Photo]]:
        """Yield the photograph in color; further pages are read and predicted one by one as they are written."""
        yield self._colorizer.colorize(work.photo, work.ab), work.photo
        path = work.item.source
        if not work.further_pages or path is None:
            return
        data = path.read_bytes()
        for number in range(1, work.further_pages + 1):
            page = read_photo(data, page=number, max_megapixels=self._options.max_megapixels, name=str(path))
            work.notes += page.notes
            with self._predicting:
                (ab,) = self._colorizer.predict([page.gray])
            yield self._colorizer.colorize(page, ab), replace(page, path=path)

    def _stop_for(self, error: ColorizeError) -> None:
        if self._fatal is None or error.exit_code > self._fatal.exit_code:
            self._fatal = error
        self._stop.set()

    def _failed(self, item: Item, error: Exception) -> Outcome:
        if isinstance(error, ColorizeError):
            if error.exit_code > EXIT_USAGE and not _concerns_one_name(error):
                self._stop_for(error)
            return Outcome(item.source, item.target, "failed", str(error))
        trace = "".join(traceback.format_exception(error))
        if isinstance(error, MemoryError):
            reason = "There is not enough memory for it. Give --jobs 1, or a lower --max-megapixels to leave it out."
        elif isinstance(error, OSError) and error.strerror:
            reason = f"{error.strerror}."
        else:
            reason = f"Unexpected {type(error).__name__}: {error}"
        return Outcome(item.source, item.target, "failed", reason, traceback=trace)


def _concerns_one_name(error: ColorizeError) -> bool:
    """Whether only this output cannot be written (its name is too long, or not allowed there), not the next one."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder '{folder}' cannot be made: {error.strerror}.", "Choose a place that can be written to."
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
