"""PDF files of scans: a source for each of their pages, since each becomes a result of its own."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from colorize_cli.batch.inputs.sources import Source
from colorize_cli.errors import PhotoError
from colorize_cli.imaging.codecs.extra.decode_extra import has_reader
from colorize_cli.imaging.codecs.formats import LIMITS, PDF, Limits, format_of_suffix, page_path
from colorize_cli.imaging.codecs.read import count_pages

_HEAD = b"%PDF-"


def with_pages(source: Source, limits: Limits = LIMITS) -> Iterator[Source]:
    """Yield a source, and in the place of a PDF file its pages; one that cannot be opened has a ``problem``."""
    path = source.path
    if path is None or source.problem or source.passed_over or not is_document(path):
        yield source
        return
    try:
        count = count_pages(path, limits=limits)
    except PhotoError as error:
        yield replace(source, problem=str(error))
        return
    for page in range(count):
        yield replace(source, path=page_path(path, page), relative=source.relative)


def is_document(path: Path) -> bool:
    """Whether a file is a PDF file, by its first bytes, and can be read on this machine."""
    format = format_of_suffix(path.suffix)
    if format not in (PDF, None) or not has_reader(PDF) or not os.path.isfile(path):  # noqa: PTH113 - any name
        return False
    try:
        with path.open("rb", buffering=0) as file:
            return file.read(len(_HEAD)) == _HEAD
    except OSError:
        return False
