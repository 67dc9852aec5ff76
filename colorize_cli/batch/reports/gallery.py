"""``--gallery``: one page with a slider between gray and color for the least certain results of a run.

Only so many results are remembered as the page will show; their pictures are read again, one after the other, when the
run has ended.
"""

import base64
import heapq
import html
import io
import os
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from PIL import Image

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.reports.final_rows import FinalRows, outcome_of_row
from colorize_cli.batch.reports.outcome import ALREADY_DONE, Outcome
from colorize_cli.batch.reports.own_files import PAGE_MARK, check_replaceable
from colorize_cli.errors import ColorizeError, UsageProblem
from colorize_cli.files import atomic_file
from colorize_cli.imaging.codecs.read import read_photo

SIDE = 720
"""Longest side, in pixels, of the pictures on the page."""
QUALITY = 82
DEFAULT_SIZE = 200
_ARTICLE = '<article id="photo-'
_AFTER_ALL = 2.0


class Gallery:
    """The least certain results of a run, and the page that shows them. Does nothing where none was asked for.

    Raises :class:`UsageProblem` and :class:`OutputExists` when made, for a page that must not be written. On
    ``overwrite`` an earlier page of this program is replaced. On resuming the page shows the results of the earlier
    runs too, by the report where there is one, and is not replaced by one that shows fewer.
    """

    def __init__(self, options: ColorizeOptions) -> None:
        self._path, self._size = options.gallery, options.gallery_size or DEFAULT_SIZE
        self._max_megapixels = options.max_megapixels
        self._replace = options.overwrite or options.resumes
        self._resumes, self._report = options.resumes, options.report_file
        self.kept_earlier = False
        """Whether an earlier page that shows more was left as it is."""
        self._heap: list[tuple[float, int, Outcome]] = []  # the most certain of those kept comes first
        self._count = 0
        path = self._path
        if path is None:
            return
        if path.suffix.lower() not in {".html", ".htm"}:
            raise UsageProblem(f"'{path}' is not the name of a web page.", "Name it gallery.html, for example.")
        if path.is_dir() or not path.parent.is_dir():
            raise UsageProblem(f"'{path}' cannot be a file.", "Name a file in a folder that exists.")
        check_replaceable(path, PAGE_MARK, replace=self._replace, option="--gallery")

    def add(self, outcome: Outcome) -> None:
        """Remember a result if it is among the least certain so far; one without a confidence counts as uncertain.

        On resuming, a result that was there already comes after those whose confidence is known.
        """
        if self._path is None or outcome.source is None or outcome.target is None:
            return
        is_earlier = self._resumes and outcome.status == "skipped" and outcome.reason == ALREADY_DONE
        if outcome.status != "done" and not is_earlier:
            return
        self._count += 1
        confidence = float(outcome.details.get("confidence", _AFTER_ALL if is_earlier else 0.0))
        entry = (-confidence, -self._count, outcome)
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    def write(self) -> Path | None:
        """Write the page, least certain first, and return its path; None where none was asked for, or was left as it
        is.

        Raises :class:`OutputError`; the page is there whole or not at all.
        """
        if self._path is None:
            return None
        if self._resumes and self._report is not None and self._report.is_file():
            self._take_report(self._report)
        if self._resumes and self._shown_now(self._path) > len(self._heap):
            self.kept_earlier = True
            return None
        head, _, tail = resources.files(__package__).joinpath("gallery.html").read_text("utf-8").partition("$entries")
        with atomic_file(self._path, overwrite=self._replace) as file:
            file.write(head.encode())
            for article in self._articles():
                file.write(article.encode())
            file.write(tail.encode())
        return self._path

    def _take_report(self, report: Path) -> None:
        """Take the results of all runs that the report tells of in place of those of this run."""
        self._heap, self._count = [], 0
        for row in FinalRows([report]):
            outcome = outcome_of_row(row)
            if outcome is None or outcome.target is None:
                continue
            if os.path.isfile(outcome.target):  # noqa: PTH113 - Path.is_file() raises for names too long
                self.add(outcome)

    def _shown_now(self, path: Path) -> int:
        """Return how many photographs the page shows that is there."""
        try:
            with path.open("rb") as file:
                return sum(line.startswith(_ARTICLE.encode()) for line in file)
        except OSError:
            return 0

    def _articles(self) -> Iterator[str]:
        # The key is minus the confidence: the least certain has the greatest.
        least_certain_first = sorted(self._heap, key=lambda entry: entry[:2], reverse=True)
        for number, (*_, outcome) in enumerate(least_certain_first, 1):
            assert self._path is not None
            yield _article(number, outcome, self._max_megapixels, self._path.parent)
        if not self._heap:
            yield "<p>No photograph was colorized in this run.</p>"


def explained_confidence(confidence: float) -> str:
    """Return a confidence, 0 to 1, with what it means for the picture."""
    if confidence < 0.4:
        meaning = "colors are uncertain in most of the picture"
    elif confidence < 0.55:
        meaning = "colors are uncertain in parts of the picture"
    else:
        meaning = "colors are likely in most of the picture"
    return f"{confidence:.2f}: {meaning}"


def _article(number: int, outcome: Outcome, max_megapixels: float, folder: Path) -> str:
    source, target = outcome.source, outcome.target
    assert source is not None and target is not None
    details = outcome.details
    facts = [
        f"Confidence {explained_confidence(details['confidence'])}"
        if "confidence" in details
        else "Confidence not known"
    ]
    facts.append(f"model {details.get('model', '')}")
    links = " · ".join(
        f'<a href="{html.escape(_link(path, folder), quote=True)}">{html.escape(text)}</a>'
        for path, text in ((source, "Scan"), (target, f"Result: {_name(target.name)}"))
    )
    notes = "".join(f'<p class="warning">{html.escape(note)}</p>' for note in outcome.notes)
    try:
        pictures = _pair(number, source, target, max_megapixels)
    except (ColorizeError, OSError, ValueError) as error:
        pictures = f'<p class="warning">{html.escape(f"It cannot be shown: {error}")}</p>'
    return (
        f'{_ARTICLE}{number}"><h2>{number}. {html.escape(_name(source))}</h2>'
        f"<p>{html.escape(' · '.join(facts))} · {links}</p>{notes}{pictures}</article>\n"
    )


def _pair(number: int, source: Path, target: Path, max_megapixels: float) -> str:
    gray = read_photo(source, max_megapixels=max_megapixels).gray
    before = Image.fromarray(gray if gray.dtype == np.uint8 else (gray >> 8).astype(np.uint8))
    before.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    after = color_picture(target).resize(before.size, Image.Resampling.LANCZOS)
    name = html.escape(_name(source), quote=True)
    size = f'width="{before.width}" height="{before.height}"'
    return (
        f'<div class="area"><div class="pair" style="--wide:{before.width};--high:{before.height}">'
        f'<img class="before" {size} alt="{name} in gray" src="{_data_uri(before)}">'
        f'<img class="after" {size} alt="{name} in color" src="{_data_uri(after)}">'
        f'<span class="tag left" aria-hidden="true">Gray</span><span class="tag right" aria-hidden="true">Color</span>'
        f'<span class="handle" aria-hidden="true"></span>'
        f'<input type="range" min="0" max="100" value="50" aria-label="Border between gray and color of {name}"></div>'
        f'</div><button type="button" class="zoom" aria-pressed="false" aria-label="Zoom {name}">Zoom</button>'
    )


def color_picture(path: Path, side: int = SIDE) -> Image.Image:
    """Return a result of this program, at least ``side`` pixels long or whole, 8-bit RGB; they are upright and sRGB."""
    with Image.open(path) as image:
        image.draft("RGB", (side, side))
        if image.mode in {"RGB", "RGBA"}:
            return image.convert("RGB")
    # Pillow has no 16 bits a channel for color.
    import cv2

    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError("its format cannot be read")
    return Image.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))


def _data_uri(picture: Image.Image) -> str:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def _link(path: Path, folder: Path) -> str:
    """Return the address of a file from a page in ``folder``: relative where both are on one drive."""
    try:
        relative = os.path.relpath(path, folder)
    except ValueError:
        return path.absolute().as_uri()
    return quote(os.fsencode(Path(relative).as_posix()))


def _name(path: Any) -> str:
    """Return a path as text; bytes that are not UTF-8 become escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
