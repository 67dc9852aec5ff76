"""Writing within a batch: the result of a photograph, and the files that belong beside it."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.inputs.companions import (
    confidence_path,
    pair_path,
    results_of,
    sheet_path,
    variant_paths,
)
from colorize_cli.batch.inputs.hint_files import HintFiles
from colorize_cli.batch.inputs.plan import Item
from colorize_cli.batch.inputs.sidecars import copy_sidecars
from colorize_cli.batch.reports.outcome import ALREADY_DONE
from colorize_cli.batch.resume import Predictor, skip_reason
from colorize_cli.batch.stage_times import StageTimes
from colorize_cli.batch.work import PagePredictor, Reader, Work
from colorize_cli.imaging.codecs.jpeg.lossless import write_lossless
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
from colorize_cli.inference.reference import MATCH
from colorize_cli.inference.variants import of_variant


class ResultWriter:
    """Writes the results of a batch as its options ask; see :class:`~colorize_cli.batch.engine.Batch`.

    ``provenance``: what all results record. ``reader`` and ``pages`` read and predict the pages after the first.
    ``stdout`` serves the item whose target is ``None``.
    """

    def __init__(
        self,
        colorizer: Predictor,
        options: ColorizeOptions,
        provenance: Provenance,
        hints: HintFiles,
        reader: Reader,
        pages: PagePredictor,
        times: StageTimes,
        stdout: BinaryIO | None,
    ) -> None:
        self._colorizer, self._options, self._provenance, self._hints = colorizer, options, provenance, hints
        self._reader, self._pages, self._times, self._stdout = reader, pages, times, stdout

    def provenance_of(self, item: Item) -> Provenance:
        """Return what the result of one photograph records: its own hints too."""
        return self._hints.recorded(item, self._provenance)

    def provenance_of_work(self, work: Work) -> Provenance:
        """Return the same once the photograph was read and predicted: with the sha256 of the scan, and how well the
        reference fitted.
        """
        provenance = replace(self.provenance_of(work.item), scan_sha256=work.photo.file_sha256)
        if not work.guidance:
            return provenance
        return replace(provenance, parameters=provenance.parameters | {MATCH: work.guidance[0].recorded})

    def companions(self, work: Work, target: Path) -> list[str]:
        """Write what belongs beside a result before the result itself, so that a result is never without; return notes.

        On resuming, what is there is left alone.
        """
        notes: list[str] = []
        if self._options.sidecar and work.item.source is not None:
            turned = work.photo.orientation if work.scan is None else 1
            for number, path in enumerate(results_of(target, self._options), 1):
                provenance = of_variant(self.provenance_of_work(work), number)
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
        provenance = self.provenance_of_work(work)
        if (reasons := self._there_already(path, provenance)) is not None:
            return notes + reasons
        picture = confidence_picture(work.photo.gray, work.confidence)
        write_confidence_map(path, picture, provenance, overwrite=self._overwrites(work))
        return [*notes, "the confidence map shows the first page only"] if work.further_pages else notes

    def _write_pair(self, work: Work, path: Path) -> list[str]:
        """Write scan and color in one picture; return notes."""
        provenance = self.provenance_of_work(work)
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
            notes += self.result(work, path, number).notes if reasons is None else reasons
        path, provenance = sheet_path(target), of_variant(self.provenance_of_work(work), "sheet")
        if (reasons := self._there_already(path, provenance)) is not None:
            return notes + reasons
        small = photo_from_array(cell_gray(work.photo.gray))
        sheet = contact_sheet([self._recombined(small, ab) for ab in variants])
        page = self._marked(sheet, replace(photo_from_array(sheet), path=work.item.source))
        write_pages(path, [page], provenance=provenance, format="JPEG", quality=90, overwrite=self._options.overwrite)
        return [*notes, "the contact sheet shows the first page only"] if work.further_pages else notes

    def result(self, work: Work, path: Path | None, number: int = 1) -> WriteResult:
        """Write a result, the one of this ``number`` among several variants, to ``path`` or standard output."""
        target = path if path is not None else self._stdout
        assert target is not None
        options, provenance = self._options, self.provenance_of_work(work)
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
            (prediction,) = self._pages.predictions([page.gray])
            if prediction.confidence is not None and variant == 1:
                work.confidences.append(float(prediction.confidence.mean()))
            if variant == 1:
                self._pages.note_guidance(work, prediction, f" (page {page.page + 1})")
            ab = _numbered(prediction.ab, self._pages.variants(page.gray, prediction.ab), variant)
            yield self._marked(self._recombined(page, ab), page)

    def _recombined(self, photo: Photo, ab: np.ndarray) -> np.ndarray:
        with self._times.measure("recombine"):
            return self._colorizer.colorize(photo, ab)

    def _marked(self, rgb: np.ndarray, photo: Photo) -> tuple[np.ndarray, Photo]:
        """Return the result with the notice on it that was asked for."""
        options = self._options
        if options.label is None:
            return rgb, photo
        return labelled_page(rgb, photo, options.label, options.label_position or DEFAULT_POSITION, options.label_font)


def _numbered(ab: np.ndarray, variants: np.ndarray | None, number: int) -> np.ndarray:
    return ab if variants is None else variants[number - 1]
