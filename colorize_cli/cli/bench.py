"""``colorize bench``: time models by device, precision, batch and size, and the batch engine against its limits."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from colorize_cli.benchmark.bench_options import PIPELINE, BenchOptions
from colorize_cli.cli.options import Json, Quiet, with_options
from colorize_cli.cli.terminal.console import Console, Results
from colorize_cli.option import Option

if TYPE_CHECKING:
    from colorize_cli.benchmark.document import Document
    from colorize_cli.benchmark.measurements import Row
    from colorize_cli.benchmark.speed_tables import Table

RESULTS = "Results"
Folder = Annotated[
    Path | None, Option("With --pipeline: photos to use [default: generated scans]", metavar="FOLDER", argument=True)
]
Pipeline = Annotated[
    bool,
    Option("Time the batch engine against codecs and prediction alone", PIPELINE, everyday=True, in_file=False),
]
Export = Annotated[
    Path | None,
    Option("Write the figures to a .json, .csv or .md file", RESULTS, metavar="FILE", everyday=True, in_file=False),
]
Plot = Annotated[Path | None, Option("Draw the throughput into this file", RESULTS, metavar="FILE.png", in_file=False)]
Compare = Annotated[
    Path | None,
    Option("Compare with an earlier run exported as JSON", RESULTS, metavar="FILE", everyday=True, in_file=False),
]


@with_options
def bench(
    options: BenchOptions,
    folder: Folder = None,
    pipeline: Pipeline = False,
    export: Export = None,
    plot: Plot = None,
    compare: Compare = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Time colorizing on this machine. Devices that do not exist are listed as not available."""
    from colorize_cli.benchmark.bench_options import check_endings
    from colorize_cli.benchmark.document import Document, load
    from colorize_cli.benchmark.document import export as write
    from colorize_cli.errors import UsageProblem

    check_endings(export, plot)
    if plot is not None:
        from colorize_cli.benchmark.speed_tables import require_matplotlib

        require_matplotlib()
    if folder is not None and not pipeline:
        raise UsageProblem("A folder is only used with --pipeline.", "Choose sizes with --sizes.")
    if folder is not None and not folder.exists():
        raise UsageProblem(f"There is no folder '{folder}'.", "Check its name.")
    if sys.platform == "darwin" and options.devices == ("cpu", "cuda"):
        options = replace(options, devices=("cpu", "mps"))
    earlier = load(compare) if compare is not None else None
    document = Document.of(options)
    try:
        _measure(document, options, folder, Console(quiet=quiet), pipeline=pipeline)
    finally:
        # After Ctrl-C what was measured until then is shown and kept.
        if document.rows or document.pipeline:
            _show(document, earlier, as_json=json)
            if export is not None:
                write(export, document)
    if plot is not None:
        from colorize_cli.benchmark.speed_tables import plot as draw

        draw(plot, document.rows)


def _measure(
    document: "Document", options: BenchOptions, folder: Path | None, console: Console, *, pipeline: bool
) -> None:
    if pipeline:
        from colorize_cli.benchmark.engine_limits import measure

        document.pipeline = measure(options, folder, say=console.say)
        return
    from colorize_cli.benchmark.matrix import run

    def keep(row: "Row") -> None:
        document.rows.append(row)

    run(options, say=console.say, on_row=keep)


def _show(document: "Document", earlier: "Document | None", *, as_json: bool) -> None:
    from colorize_cli.benchmark.document import comparison
    from colorize_cli.benchmark.speed_tables import as_text

    results = Results()
    if as_json:
        results.line(document.as_json().encode("ascii"))
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    shown: list[Table] = document.tables()
    if earlier is not None:
        shown.append(comparison(earlier, document))
    for table in shown:
        results.line(as_text(table, width).encode())
