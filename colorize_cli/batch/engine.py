"""The batch run: a checked plan, a colorizer and options in, one outcome per photograph out."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.inputs.companions import (
    companions,
    confidence_path,
    has_companions,
    pair_path,
    results_of,
    sheet_path,
    variant_paths,
)
from colorize_cli.batch.inputs.hint_files import HintFiles
from colorize_cli.batch.inputs.plan import Item, Plan
from colorize_cli.batch.inputs.sidecars import copy_sidecars
from colorize_cli.batch.memory_limit import OWN_SHARE, MemoryBudget, memory_in_use, memory_of
from colorize_cli.batch.pipeline import Pipeline
from colorize_cli.batch.reports.outcome import ALREADY_DONE, Outcome, Report
from colorize_cli.batch.resume import Predictor, recorded_storage, skip_reason
from colorize_cli.batch.stage_times import StageTimes
from colorize_cli.batch.target_folder import TargetFolder
from colorize_cli.batch.under_way import SET_ASIDE_AFTER, UnderWay
from colorize_cli.batch.work import Reader, Work, done, failed, settled
from colorize_cli.compute import memory_at_hand
from colorize_cli.errors import EXIT_USAGE, ColorizeError, OutputError, PhotoTooLarge, TemporaryFolderError
from colorize_cli.files import copy_time
from colorize_cli.imaging.codecs.formats import split_page
from colorize_cli.imaging.codecs.jpeg.coefficients import require_jpeglib
from colorize_cli.imaging.codecs.jpeg.write_lossless import write_lossless
from colorize_cli.imaging.codecs.to_photo import photo_from_array
from colorize_cli.imaging.codecs.write import WriteResult, write_pages
from colorize_cli.imaging.companion_pictures import (
    cell_gray,
    confidence_picture,
    contact_sheet,
    pair_gray,
    side_by_side,
    write_confidence_map,
)
from colorize_cli.imaging.marks import DEFAULT_POSITION, labelled_page
from colorize_cli.imaging.metadata.xmp import Provenance
from colorize_cli.imaging.photo import Photo
from colorize_cli.inference.hints import Hints
from colorize_cli.inference.prediction import Prediction
from colorize_cli.inference.reference import MATCH, NOT_ALIKE
from colorize_cli.inference.variants import of_variant

_NO_LIMIT = 1 << 62
"""More bytes than any machine has."""


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
        # Threads take turns with an accelerator; on a CPU each predicts its own photograph.
        self._predicting = threading.Semaphore(1 if colorizer.batch_size > 1 else options.workers)
        self._budget: MemoryBudget | None = None
        self._room: int | None = None
        self.times = StageTimes()
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
        )
        self._room = memory_at_hand()
        if self._options.memory is not None:
            self._budget = MemoryBudget(self._options.memory - memory_in_use())
        elif self._room is not None:
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
        other._predicting = self._predicting
        return other

    @property
    def provenance(self) -> Provenance:
        """What its results record of how they were made."""
        return self._provenance

    def _provenance_of(self, item: Item) -> Provenance:
        """Return what the result of one photograph records: its own hints too."""
        return self._hints.recorded(item, self._provenance)

    def _provenance_of_work(self, work: Work) -> Provenance:
        """Return the same once the photograph was read and predicted: with the sha256 of the scan, and how well the
        reference fitted.
        """
        provenance = replace(self._provenance_of(work.item), scan_sha256=work.photo.file_sha256)
        if not work.guidance:
            return provenance
        return replace(provenance, parameters=provenance.parameters | {MATCH: work.guidance[0].recorded})

    def _read(self, item: Item) -> Work | Outcome:
        ended = settled(item, self._options, self._provenance_of(item))
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
        predictions = self._predictions([work.photo.gray for work in works], hints)
        for work, prediction in zip(works, predictions, strict=True):
            work.ab, work.confidence = prediction.ab, prediction.confidence
            if prediction.confidence is not None:
                work.confidences = [float(prediction.confidence.mean())]
            self._note_guidance(work, prediction, "")
            work.variants = self._variants(work.photo.gray, work.ab)

    def _note_guidance(self, work: Work, prediction: Prediction, page: str) -> None:
        """Keep the match of a page with the reference, and add a note if the reference shows other things."""
        if prediction.guidance is None:
            return
        work.guidance.append(prediction.guidance)
        if not prediction.guidance.used:
            work.notes.append(f"{NOT_ALIKE}{page}")

    def _variants(self, gray: np.ndarray, ab: np.ndarray) -> np.ndarray | None:
        count = self._options.variants
        if count is None:
            return None
        with self._predicting, self.times.measure("predict"):
            return self._colorizer.variants([gray], [ab], count, self._options.seed or 0)[0]

    def _predictions(
        self, grays: Sequence[np.ndarray], hints: Sequence[Hints | None] | None = None
    ) -> list[Prediction]:
        given = (hints,) if hints is not None and any(one is not None for one in hints) else ()
        with self._predicting, self.times.measure("predict"):
            # Only with confidence does an answer say whether the reference was of use.
            guided = self._options.reference is not None
            if self._colorizer.has_confidence or self._options.wants_confidence or guided:
                return self._colorizer.predict_with_confidence(grays, *given)
            return [Prediction(ab) for ab in self._colorizer.predict(grays, *given)]

    def _finish(self, work: Work) -> Outcome:
        item = work.item
        if item.target is not None:
            self._target.make(item.target.parent, item.source.parent if item.source is not None else None)
        elif self._stdout is None:
            raise ColorizeError("Standard output is not available.")
        if item.target is not None:
            with self.times.measure("write"):
                work.notes += self._write_companions(work, item.target)
            replaced = self._options.resumes and self._hints.changed(item, self._provenance)
            if self._options.resumes and os.path.lexists(item.target) and not replaced:
                if not has_companions(self._options):  # another run on the same tree was faster
                    reason = skip_reason(item.target, self._provenance_of(item))
                    return Outcome(item.source, item.target, "skipped", reason)
                work.notes.append("the result already existed; only missing files beside it were written")
                return done(work, self._options, self._provenance_of_work(work))
        with self.times.measure("write"):
            written = self._write(work, item.target)
        work.notes += written.notes
        if self._options.keep_time:
            work.notes += self._keep_time(item)
        return done(work, self._options, self._provenance_of_work(work))

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

    def _write_companions(self, work: Work, target: Path) -> list[str]:
        """Write what belongs beside a result before the result itself, so that a result is never without; return notes.

        On resuming, what is there is left alone.
        """
        notes: list[str] = []
        if self._options.sidecar and work.item.source is not None:
            turned = work.photo.orientation if work.scan is None else 1
            for number, path in enumerate(results_of(target, self._options), 1):
                provenance = of_variant(self._provenance_of_work(work), number)
                notes += copy_sidecars(
                    work.item.source, path, provenance, overwrite=self._options.overwrite, turned=turned
                )
        if work.variants is not None:
            notes += self._write_variants(work, target, work.variants)
        if self._options.side_by_side:
            notes += self._write_pair(work, pair_path(target, self._options))
        path = confidence_path(target, self._options)
        if not self._options.confidence_map or work.confidence is None:
            return notes
        provenance = self._provenance_of_work(work)
        if (reasons := self._there_already(path, provenance)) is not None:
            return notes + reasons
        picture = confidence_picture(work.photo.gray, work.confidence)
        write_confidence_map(path, picture, provenance, overwrite=self._overwrites(work))
        return [*notes, "the confidence map shows the first page only"] if work.further_pages else notes

    def _write_pair(self, work: Work, path: Path) -> list[str]:
        """Write scan and color in one picture; return notes."""
        provenance = self._provenance_of_work(work)
        if (reasons := self._there_already(path, provenance)) is not None:
            return reasons
        gray = pair_gray(work.photo.gray)
        color = self._recombined(photo_from_array(gray), work.ab)
        captions = ("Original", f"Colorized by computer ({provenance.model}): the colors are a guess")
        page = side_by_side(gray, color, captions)
        photo = replace(photo_from_array(page), path=work.item.source)
        overwrite = self._overwrites(work)
        write_pages(path, [(page, photo)], provenance=provenance, format="JPEG", quality=92, overwrite=overwrite)
        return ["the picture of both shows the first page only"] if work.further_pages else []

    def _overwrites(self, work: Work) -> bool:
        """Whether what exists is replaced: as asked for, and on resuming where its hints or the reference changed."""
        resumed = self._options.resumes and self._hints.changed(work.item, self._provenance)
        return self._options.overwrite or resumed

    def _there_already(self, path: Path, provenance: Provenance) -> list[str] | None:
        """Return None for a companion that is to be written, and else, on resuming, what is odd about the one there."""
        if not self._options.resumes or not os.path.lexists(path) or self._hints.differs(path, provenance):
            return None
        reason = skip_reason(path, provenance)
        return [] if reason == ALREADY_DONE else [reason]

    def _write_variants(self, work: Work, target: Path, variants: np.ndarray) -> list[str]:
        """Write the variants after the first, and the contact sheet of all; return notes."""
        notes: list[str] = []
        for number, path in enumerate(variant_paths(target, len(variants)), 1):
            if number == 1:  # the result itself
                continue
            reasons = self._there_already(path, of_variant(self._provenance, number))
            notes += self._write(work, path, number).notes if reasons is None else reasons
        path, provenance = sheet_path(target), of_variant(self._provenance_of_work(work), "sheet")
        if (reasons := self._there_already(path, provenance)) is not None:
            return notes + reasons
        small = photo_from_array(cell_gray(work.photo.gray))
        sheet = contact_sheet([self._recombined(small, ab) for ab in variants])
        page = self._marked(sheet, replace(photo_from_array(sheet), path=work.item.source))
        write_pages(path, [page], provenance=provenance, format="JPEG", quality=90, overwrite=self._options.overwrite)
        return [*notes, "the contact sheet shows the first page only"] if work.further_pages else notes

    def _write(self, work: Work, path: Path | None, number: int = 1) -> WriteResult:
        """Write a result, the one of this ``number`` among several variants, to ``path`` or standard output."""
        target = path if path is not None else self._stdout
        assert target is not None
        options, provenance = self._options, self._provenance_of_work(work)
        if options.variants is not None:
            provenance = of_variant(provenance, number)
        overwrite = self._overwrites(work)
        if work.scan is None:
            return write_pages(
                target,
                self._colored(work, number),
                provenance=provenance,
                format=options.format,
                quality=options.quality,
                overwrite=overwrite,
            )
        written, change = write_lossless(
            target,
            work.scan,
            self._recombined(work.photo, _numbered(work.ab, work.variants, number)),
            work.photo,
            provenance=provenance,
            quality=options.quality,
            overwrite=overwrite,
        )
        work.details["lightness_change"] = round(change, 3)
        return written

    def _colored(self, work: Work, variant: int) -> Iterator[tuple[np.ndarray, Photo]]:
        """Yield the photograph in color; further pages are read and predicted one by one as they are written."""
        yield self._marked(self._recombined(work.photo, _numbered(work.ab, work.variants, variant)), work.photo)
        for page in self._reader.further_pages(work):
            (prediction,) = self._predictions([page.gray])
            if prediction.confidence is not None and variant == 1:
                work.confidences.append(float(prediction.confidence.mean()))
            if variant == 1:
                self._note_guidance(work, prediction, f" (page {page.page + 1})")
            ab = _numbered(prediction.ab, self._variants(page.gray, prediction.ab), variant)
            yield self._marked(self._recombined(page, ab), page)

    def _recombined(self, photo: Photo, ab: np.ndarray) -> np.ndarray:
        with self.times.measure("recombine"):
            return self._colorizer.colorize(photo, ab)

    def _marked(self, rgb: np.ndarray, photo: Photo) -> tuple[np.ndarray, Photo]:
        """Return the result with the notice on it that was asked for."""
        options = self._options
        if options.label is None:
            return rgb, photo
        return labelled_page(rgb, photo, options.label, options.label_position or DEFAULT_POSITION, options.label_font)

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


def _numbered(ab: np.ndarray, variants: np.ndarray | None, number: int) -> np.ndarray:
    return ab if variants is None else variants[number - 1]
