"""The photographs to review: scans, existing results, and the paths of each one's strokes and final picture."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from colorize_cli.batch.inputs.companions import HINTS_MARK
from colorize_cli.batch.inputs.documents import is_document, with_pages
from colorize_cli.batch.inputs.sources import RESULT_MARK, Source, expand_inputs
from colorize_cli.batch.reports.final_rows import FinalRows
from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.codecs.formats import READABLE_SUFFIXES, output_suffix, result_stem, split_page
from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from colorize_cli.review.decisions import FILE_NAME
from colorize_cli.review.strokes import STROKES

FINAL_FOLDER = "final"
"""Folder of accepted photographs, inside the folder of ``review.jsonl``."""


@dataclass(frozen=True)
class Shot:
    """One photograph of the album.

    ``number``: its position in the album. ``source``: the file its tones are read from: the scan, or the result if no
    scan is known. ``result``: the existing result, if any. ``place``: path inside the folder of final pictures.
    ``hints``: the file of its strokes, None for a file that was dropped onto the page. ``confidence``: 0 to 1, from a
    report. ``problem``: why it could not be colorized. ``upload``: the bytes of a file that was dropped onto the page.
    """

    number: int
    source: Path
    result: Path | None
    place: PurePath
    hints: Path | None
    confidence: float | None = None
    problem: str = ""
    upload: bytes | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The name to show; bytes that are not UTF-8 are escaped."""
        return _text(self.source.name)

    @property
    def folder(self) -> str:
        """The folder to show, relative to the album's; empty for the album's own."""
        return "" if self.place.parent == PurePath() else _text(self.place.parent)


@dataclass(frozen=True)
class Album:
    """Photographs sorted by name, and ``home``, the folder of ``review.jsonl``."""

    shots: list[Shot]
    home: Path

    @property
    def review_file(self) -> Path:
        """The file of the decisions."""
        return self.home / FILE_NAME

    @property
    def final(self) -> Path:
        """The folder of accepted photographs."""
        return self.home / FINAL_FOLDER


def make_album(given: Path | None, output: Path | None) -> Album:
    """Return the photos to review: a photo, those of a folder, or those of a report; none if ``photos`` is None.

    ``output``: the folder for all files that are written; None is the folder of the photos. Raises
    :class:`UsageProblem`.
    """
    if given is None:
        return Album([], output or Path.cwd())
    if not os.path.lexists(given):
        raise UsageProblem(f"There is no file or folder called '{given}'.", "Name a photo, a folder or a report.")
    if output is not None and output.exists() and not output.is_dir():
        raise UsageProblem(f"'{output}' is a file.", "Name a folder with -o.")
    if given.is_dir():
        found, home = list(_of_folder(given, output or given)), given
    elif given.suffix.lower() in READABLE_SUFFIXES or is_document(given):
        found, home = list(_of_sources([Source(given, PurePath(given.name), named=True)], output)), given.parent
    else:
        found, home = list(_of_report(given)), given.parent
    home = output or home
    shots = sorted(_without_results_of_others(found), key=lambda shot: (shot.place.parent, shot.place.name))
    return Album([replace(shot, number=number) for number, shot in enumerate(_named_apart(shots, output))], home)


def _of_folder(folder: Path, home: Path) -> Iterator[Shot]:
    beside = None if home == folder else home
    yield from _of_sources(expand_inputs([os.fspath(folder)], leave_out=home / FINAL_FOLDER), beside)


def _of_sources(sources: Iterable[Source], output: Path | None) -> Iterator[Shot]:
    for source in (page for found in sources for page in with_pages(found)):
        if source.path is None or source.kind:
            continue
        if source.problem:
            yield Shot(0, source.path, None, source.relative, None, problem=source.problem)
        else:
            yield _of_file(source.path, source.relative, output)


def _of_file(path: Path, relative: PurePath, output: Path | None) -> Shot:
    """Return the photo at ``path`` with its result, which is beside it or inside ``output``."""
    suffix, stem = output_suffix(path), result_stem(path)
    places = [path.with_name(f"{stem}{RESULT_MARK}{suffix}")]
    if output is not None:
        places.insert(0, output / relative.parent / f"{stem}{suffix}")
    result = next((place for place in places if place != path and os.path.lexists(place) and is_result(place)), None)
    return Shot(0, path, result, relative.with_name(f"{stem}{suffix}"), None)


def is_result(path: Path) -> bool:
    """Whether this program colorized a file."""
    provenance = read_provenance(path)
    return provenance is not None and provenance.model != STROKES


def _without_results_of_others(shots: Sequence[Shot]) -> Iterator[Shot]:
    """Yield all files except results of other shots and the files that belong to results.

    A result whose scan is missing is yielded itself: it has the tones of its scan.
    """
    results = {shot.result for shot in shots if shot.result is not None}
    for shot in shots:
        if shot.source in results or shot.source.stem.endswith(("-confidence", "-variants", "-sidebyside", HINTS_MARK)):
            continue
        if shot.result is None and not shot.problem and is_result(shot.source):
            stem = shot.place.stem.removesuffix(RESULT_MARK)
            yield replace(shot, result=shot.source, place=shot.place.with_stem(stem))
        else:
            yield shot


def _of_report(report: Path) -> Iterator[Shot]:
    rows = [row for row in FinalRows([report]) if row["input"] != "-"]
    if not rows:
        raise UsageProblem(f"'{report}' names no photos.", "Name a file that --report wrote.")
    paths = [_found(row["input"], report.parent) for row in rows]
    root = Path(os.path.commonpath([os.path.abspath(path.parent) for path in paths]))  # noqa: PTH100 - links stay
    for row, path in zip(rows, paths, strict=True):
        name = row.get("output") or row.get("target")
        result = _found(name, report.parent) if name else None
        confidence = row.get("confidence")
        yield Shot(
            0,
            path,
            result if result is not None and result != path and result.exists() else None,
            PurePath(os.path.relpath(path, root)).with_name(f"{result_stem(path)}{output_suffix(path)}"),
            None,
            confidence=float(confidence) if isinstance(confidence, int | float) else None,
            problem=str(row.get("reason", "failed")) if row["status"] == "failed" else "",
        )


def _found(name: str, folder: Path) -> Path:
    """Return the file that a report names, relative to the working directory or to the report's folder."""
    path = Path(name)
    file, _ = split_page(path)
    beside, _ = split_page(folder / path)
    return path if path.is_absolute() or file.exists() or not beside.exists() else folder / path


def _named_apart(shots: Sequence[Shot], output: Path | None) -> Iterator[Shot]:
    """Set each shot's file of strokes, and a distinct final name if two shots differ in the suffix only."""
    finals = Counter(shot.place for shot in shots)
    stems = Counter((shot.place.parent, shot.place.stem) for shot in shots)
    for shot in shots:
        place = shot.place
        if finals[place] > 1:
            place = place.with_name(f"{shot.source.name}{place.suffix}")
        stem = shot.source.name if stems[shot.place.parent, shot.place.stem] > 1 else shot.place.stem
        folder = output / place.parent if output is not None else (shot.result or shot.source).parent
        yield replace(shot, place=place, hints=folder / f"{stem}{HINTS_MARK}.png")


def _text(path: os.PathLike[str] | str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
