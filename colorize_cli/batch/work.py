"""Work on one photograph of a batch: reading its pages, and how it ended, in the words and columns of the report."""

import contextlib
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.inputs.companions import described_variants
from colorize_cli.batch.inputs.plan import Item
from colorize_cli.batch.reports.outcome import IN_COLOR, NO_PICTURE, OWN_RESULT, Outcome
from colorize_cli.batch.resume import Predictor, is_empty_file, left_alone, skip_reason
from colorize_cli.batch.stage_times import StageTimes
from colorize_cli.errors import ColorizeError, NoPicture, OutputExists, PhotoError
from colorize_cli.files import sha256_of
from colorize_cli.imaging.codecs.file_bytes import bytes_of
from colorize_cli.imaging.codecs.formats import FORMATS, format_of_suffix, split_page
from colorize_cli.imaging.codecs.jpeg.lossless import check_scan
from colorize_cli.imaging.codecs.read import read_pages, read_photo
from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from colorize_cli.imaging.metadata.xmp import Provenance, provenance_of_xmp
from colorize_cli.imaging.photo import Metadata, Photo
from colorize_cli.inference.hints import Hints
from colorize_cli.inference.prediction import Prediction
from colorize_cli.inference.reference import MATCH, NOT_ALIKE, Guidance


@dataclass
class Work:
    """One photograph under way: its first page, the chroma of that once predicted, and how many pages follow.

    ``started``: when, by the monotonic clock. ``details``: columns of its row in the report. ``scan``: the bytes of the
    file, where they are to be found again in the result. ``variants``: chroma (count, 2, h, w), ``ab`` first.
    ``guidance``: what the reference says of each page.
    """

    item: Item
    photo: Photo
    further_pages: int
    started: float
    details: dict[str, Any]
    notes: list[str]
    ab: np.ndarray = field(default_factory=lambda: np.empty(0))
    scan: bytes | None = None
    confidence: np.ndarray | None = None
    variants: np.ndarray | None = None
    confidences: list[float] = field(default_factory=list)  # of each page
    guidance: list[Guidance] = field(default_factory=list)  # of each page, where there is a reference


class Reader:
    """Reads photographs as the options of a run want them. ``stdin`` serves the item whose source is ``None``."""

    def __init__(self, options: ColorizeOptions, stdin: BinaryIO | None = None) -> None:
        self._options, self._stdin = options, stdin

    def begin(self, item: Item) -> Work | Outcome:
        """Return the photograph with its first page, or how it ended where it is in color already.

        Raises :class:`PhotoError` where it cannot be read, or not be stored as was asked for.
        """
        started = time.monotonic()
        source: Path | bytes = item.source if item.source is not None else self._standard_input()
        name = str(item.source) if item.source is not None else "standard input"
        scan = bytes_of(source, name) if self._options.lossless_luma else None
        try:
            photo = self._page(scan or source, name=name, apart=item.suspect)
        except NoPicture:
            return Outcome(item.source, item.target, "skipped", NO_PICTURE)
        photo = replace(photo, path=item.source and split_page(item.source)[0])
        details: dict[str, Any] = {"width": photo.width, "height": photo.height, "input_bytes": photo.file_size}
        details["input_sha256"] = photo.file_sha256
        if not item.named and self._is_own_result(item, photo):
            return Outcome(item.source, item.target, "skipped", OWN_RESULT, (), details)
        notes = list(photo.notes)
        further = 0 if item.source is not None and split_page(item.source)[1] is not None else photo.pages - 1
        if further and not (item.source is not None and self._holds_pages(item)):
            notes.append(f"only the first of {photo.pages} pages was colorized; use a TIFF file for all pages")
            further = 0
        if further:
            details["pages"] = photo.pages
        if not self._options.force and photo.in_color and self._all_in_color(item, further):
            if item.target is None:
                raise PhotoError("It is already in color.", "Use --force to colorize it anyway.")
            return Outcome(item.source, item.target, "skipped", IN_COLOR, tuple(notes), details)
        if scan is not None:
            check_scan(scan, photo, name)
        return Work(item, photo, further, started, details, notes, scan=scan)

    def further_pages(self, work: Work) -> Iterator[Photo]:
        """Yield the pages after the first, decoded one by one; what is to be said of them goes into the work's notes.

        Raises :class:`PhotoError` where the file is no longer the one that the first page came from.
        """
        path = work.item.source
        if not work.further_pages or path is None:
            return
        data = bytes_of(path, str(path))
        for number in range(1, work.further_pages + 1):
            page = self._page(data, page=number, name=str(path))
            if page.file_sha256 != work.photo.file_sha256:
                raise PhotoError(f"'{path}' was replaced while it was read.", "Try it again.")
            work.notes += page.notes
            if page.in_color and not self._options.force:
                work.notes.append("a page that was already in color was colorized like the others")
            yield replace(page, path=path)

    def _is_own_result(self, item: Item, photo: Photo) -> bool:
        """Whether a file found in a folder was made by this program, whatever it is called now."""
        if photo.made_by_us:
            return True
        if item.source is None or FORMATS[photo.format].metadata:
            return False
        return read_provenance(item.source) is not None

    def _page(self, source: Path | bytes, **options: Any) -> Photo:
        photo = read_photo(
            source, digest=True, max_megapixels=self._options.max_megapixels, limits=self._options.limits, **options
        )
        made_by_us = photo.metadata.xmp is not None and provenance_of_xmp(photo.metadata.xmp) is not None
        if self._options.strip:
            # Resolution says how large the print is, nothing about who is on it or where.
            photo = replace(photo, metadata=Metadata(dpi=photo.metadata.dpi))
        return replace(photo, made_by_us=made_by_us)

    def _all_in_color(self, item: Item, further_pages: int) -> bool:
        """Whether the pages after the first, which is, are in color too."""
        if item.source is None or not further_pages:
            return True
        return all(page.in_color for page in read_pages(item.source, max_megapixels=self._options.max_megapixels))

    def _standard_input(self) -> bytes:
        if self._stdin is None:
            raise ColorizeError("Standard input is not available.")
        return self._stdin.read()

    def _holds_pages(self, item: Item) -> bool:
        name = self._options.format or (format_of_suffix(item.target.suffix) if item.target else "TIFF")
        return name is not None and name.upper() in {"TIFF", "TIF"}


def settled(item: Item, options: ColorizeOptions, provenance: Provenance) -> Outcome | None:
    """Return how a photograph ended that needs no work: as planned, or skipped because its result exists."""
    if item.state != "todo":
        return Outcome(item.source, item.target, item.state, item.reason, kind=item.kind)
    if options.resumes and item.target is not None and is_empty_file(item.target):
        with contextlib.suppress(OSError):  # writing it will say what is wrong
            item.target.unlink()
    if options.resumes and (reason := left_alone(item, provenance, options)):
        return Outcome(item.source, item.target, "skipped", reason)
    return None


def done(work: Work, options: ColorizeOptions, provenance: Provenance) -> Outcome:
    """Return the outcome of a photograph whose result has been written; each note is told once."""
    notes = tuple(dict.fromkeys(work.notes))
    return Outcome(work.item.source, work.item.target, "done", "", notes, _described(work, options, provenance))


def failed(item: Item, error: Exception, options: ColorizeOptions, provenance: Provenance) -> Outcome:
    """Return why a photograph failed; on resuming, one whose result another run wrote meanwhile is skipped."""
    if isinstance(error, OutputExists) and options.resumes and item.target is not None:
        return Outcome(item.source, item.target, "skipped", skip_reason(item.target, provenance))
    if isinstance(error, ColorizeError):
        return Outcome(item.source, item.target, "failed", str(error))
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, MemoryError):
        reason = "There is not enough memory for it. Use --jobs 1, or a lower --max-megapixels to skip it."
    elif isinstance(error, OSError) and error.strerror:
        reason = f"{error.strerror}."
    else:
        reason = f"Unexpected {type(error).__name__}: {error}"
    return Outcome(item.source, item.target, "failed", reason, traceback=trace)


def _described(work: Work, options: ColorizeOptions, provenance: Provenance) -> dict[str, Any]:
    """Return the further columns of the report's row."""
    target = work.item.target
    details = work.details | {"model": provenance.model, "weights_sha256": provenance.weights_sha256}
    if work.confidences:
        details["confidence"] = round(sum(work.confidences) / len(work.confidences), 4)
    if work.guidance:
        details["reference"] = "used" if all(one.used for one in work.guidance) else "not used"
        details[MATCH] = round(work.guidance[0].found.agreement, 4)
    if options.report_file is not None and target is not None:
        details["output_bytes"] = target.stat().st_size
        details["output_sha256"] = sha256_of(target)
    if options.variants is not None and target is not None:
        details |= described_variants(target, options.variants)
    details["finished"] = datetime.now(UTC).isoformat(timespec="seconds")
    details["seconds"] = round(time.monotonic() - work.started, 3)
    return details


class PagePredictor:
    """Predicts pages for the threads of a batch; see :class:`~colorize_cli.batch.engine.Batch`.

    ``turns``: threads take turns with an accelerator; on a CPU each predicts its own photograph.
    """

    def __init__(self, colorizer: Predictor, options: ColorizeOptions, times: StageTimes) -> None:
        self._colorizer, self._options, self._times = colorizer, options, times
        self.turns = threading.Semaphore(1 if colorizer.batch_size > 1 else options.workers)

    def note_guidance(self, work: Work, prediction: Prediction, page: str) -> None:
        """Keep the match of a page with the reference, and add a note if the reference shows other things."""
        if prediction.guidance is None:
            return
        work.guidance.append(prediction.guidance)
        if not prediction.guidance.used:
            work.notes.append(f"{NOT_ALIKE}{page}")

    def variants(self, gray: np.ndarray, ab: np.ndarray) -> np.ndarray | None:
        """Return the variants that were asked for, ``ab`` first: float32 (count, 2, h, w); None without them."""
        count = self._options.variants
        if count is None:
            return None
        with self.turns, self._times.measure("predict"):
            return self._colorizer.variants([gray], [ab], count, self._options.seed or 0)[0]

    def predictions(self, grays: Sequence[np.ndarray], hints: Sequence[Hints | None] | None = None) -> list[Prediction]:
        """Predict gray pages together, with confidence if it is asked for or free; ``hints``: of each page."""
        given = (hints,) if hints is not None and any(one is not None for one in hints) else ()
        with self.turns, self._times.measure("predict"):
            # Only with confidence does an answer say whether the reference was of use.
            guided = self._options.reference is not None
            if self._colorizer.has_confidence or self._options.wants_confidence or guided:
                return self._colorizer.predict_with_confidence(grays, *given)
            return [Prediction(ab) for ab in self._colorizer.predict(grays, *given)]
