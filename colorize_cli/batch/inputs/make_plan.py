"""The plan of a run from the words of the command line: inputs listed, results named, the whole checked."""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.inputs.companions import first_variant, is_first_variant
from colorize_cli.batch.inputs.documents import with_pages
from colorize_cli.batch.inputs.naming import Destination, check_file_format, destination, result_path
from colorize_cli.batch.inputs.plan import Item, Plan
from colorize_cli.batch.inputs.sources import STANDARD_STREAM, Source, expand_inputs
from colorize_cli.batch.reports.retry import failed_items, failed_names
from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.codecs.formats import FORMATS, format_of_suffix, output_suffix
from colorize_cli.imaging.codecs.raster import DamagedDataError, UnknownKindError
from colorize_cli.imaging.codecs.signatures import sniff

_HEAD = 64
"""Bytes from which the format of a file is known."""


def make_plan(
    words: list[str],
    options: ColorizeOptions,
    *,
    is_our_result: Callable[[Path], bool] = lambda _: False,
) -> Plan:
    """List the inputs, name every result, and check the whole before any work.

    ``is_our_result(path)`` tells by its provenance whether a file was made by this
    program. With ``retry`` only what failed in that report is meant: among the words, or without any, where the report
    says that it lies and where its result was to go. Raises :class:`UsageProblem` and its kinds.
    """
    if (options.retry is not None or options.part is not None) and STANDARD_STREAM in words:
        raise UsageProblem("Standard input cannot be used with --retry or --shard.", "Name the photos.")
    if options.retry is not None and not words:
        entries = failed_items(options.retry, options, is_our_result)
        plan = Plan(_variants_of(Item(*entry), options) for entry in entries)
        plan.check(options, is_our_result)
        return plan
    if not words:
        raise UsageProblem("No photo was named.", "Name files, folders, or - for standard input.")
    place = destination(options.output, words)
    if place.kind == "stream" and options.variants is not None:
        raise UsageProblem("--variants writes several pictures, but standard output takes one.", "Name a file with -o.")
    if place.kind == "file":
        check_file_format(place.path, options.format)
    sources = expand_inputs(
        words,
        leave_out=place.path if place.kind == "folder" else None,
        own_files=options.own_files,
        is_our_result=is_our_result,
    )
    plan = Plan(_items(sources, place, options))
    if place.kind == "stream" and plan.photos > 1:
        raise UsageProblem(
            "Standard output takes one photo, but this file has several pages.", "Name a folder with -o."
        )
    if options.retry is not None:
        plan.keep_only(failed_names(options.retry))
    plan.check(options, is_our_result)
    if options.hints is not None and not options.hints_per_photo and plan.todo > 1:
        raise UsageProblem(
            f"--hints IMAGE fits one photo, but {plan.todo} were named.",
            "Give each photo its own hints: --hints FOLDER or --hints beside.",
        )
    return plan


def _items(sources: Iterable[Source], place: Destination, options: ColorizeOptions) -> Iterator[Item]:
    for source in (page for found in sources for page in with_pages(found, options.limits)):
        if source.problem:
            yield Item(source.path, None, "failed", source.problem)
        elif source.kind:
            yield Item(source.path, None, "passed_over", source.passed_over, source.kind)
        elif source.passed_over:
            yield Item(source.path, None, "skipped", source.passed_over)
        else:
            suffix = _suffix(source.path, options.format) if source.path is not None else ""
            target = result_path(source, place, suffix)
            if target is not None and options.variants is not None:
                target = first_variant(target)
            yield Item(source.path, target, named=source.named)


def _suffix(path: Path, format: str | None) -> str:
    """Return the suffix of a result; a photograph whose name has none that is known keeps the format of its bytes."""
    if format is None and format_of_suffix(path.suffix) is None and os.path.isfile(path):  # noqa: PTH113 - any name
        with contextlib.suppress(OSError, UnknownKindError, DamagedDataError), path.open("rb") as file:
            return output_suffix(FORMATS[sniff(file.read(_HEAD))].suffixes[0])
    return output_suffix(path, format)


def _variants_of(item: Item, options: ColorizeOptions) -> Item:
    """What is tried again may have been a single result then."""
    if options.variants is None or item.target is None or is_first_variant(item.target):
        return item
    return replace(item, target=first_variant(item.target))
