"""``colorize bench``: time models by device, precision, batch and size, and the batch engine against its limits."""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from colorize_cli.cli import options as common
from colorize_cli.cli.console import Console, Results

if TYPE_CHECKING:
    from colorize_cli.benchmark.bench_options import BenchOptions
    from colorize_cli.benchmark.document import Document
    from colorize_cli.benchmark.rows import Row
    from colorize_cli.benchmark.speed_tables import Table


def bench(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="FOLDER", help="For --pipeline: photos to use. [default: generated scans]",
                       show_default=False, exists=True),
    ] = None,
    pipeline: Annotated[
        bool, typer.Option("--pipeline", help="Time the batch engine against codecs and prediction alone.")
    ] = False,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="Models, one by one or a,b. [default: gan]", show_default=False,
                     autocompletion=common.complete_model),
    ] = None,
    device: Annotated[
        list[str] | None,
        typer.Option(help="Devices, one by one or cpu,cuda. [default: cpu, cuda; mps on a Mac]", show_default=False),
    ] = None,
    precision: Annotated[
        list[str] | None,
        typer.Option(help="Precisions, one by one or fp32,bf16. [default: auto]", show_default=False),
    ] = None,
    batch: Annotated[
        list[str] | None, typer.Option(help="Photos predicted together. [default: 1,4]", show_default=False)
    ] = None,
    sizes: Annotated[
        list[str] | None, typer.Option(help="Megapixels of the photos. [default: 2,12]", show_default=False)
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Working size in pixels. [default: the model's]", show_default=False)
    ] = None,
    weights: common.Weights = None,
    threads: Annotated[
        int | None, typer.Option(help="Threads of torch and OpenCV. [default: cores]", show_default=False)
    ] = None,
    files: Annotated[int, typer.Option(help="For --pipeline: how many scans are generated.")] = 24,
    rounds: Annotated[int, typer.Option(help="For --pipeline: how often each part is measured.")] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer samples: a look, not a figure to quote.")] = False,
    export: Annotated[
        Path | None, typer.Option(help="Write the figures here: .json, .csv or .md by its ending.", metavar="FILE")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture of the throughput here.", metavar="PNG")] = None,
    compare: Annotated[
        Path | None, typer.Option(help="Compare with an earlier run, in JSON.", metavar="FILE")
    ] = None,
    json: common.Json = False,
    quiet: common.Quiet = False,
) -> None:  # fmt: skip
    """Time colorizing on this machine. Devices that are not here are said to be not available."""
    from colorize_cli.benchmark.bench_options import BenchOptions, check_endings, split_numbers, split_words
    from colorize_cli.benchmark.document import Document, load
    from colorize_cli.benchmark.document import export as write
    from colorize_cli.errors import UsageProblem

    check_endings(export, plot)
    if plot is not None:
        from colorize_cli.benchmark.plot import require_matplotlib

        require_matplotlib()
    if folder is not None and not pipeline:
        raise UsageProblem("A folder is only used with --pipeline.", "Sizes are chosen with --sizes.")
    default_devices = ("cpu", "mps") if sys.platform == "darwin" else ("cpu", "cuda")
    batches = split_numbers(batch, "--batch")
    if any(number != int(number) for number in batches):
        raise UsageProblem("--batch takes whole numbers.", "Give for example --batch 1,4,16.")
    options = BenchOptions(
        models=split_words(model) or ("gan",), devices=split_words(device) or default_devices,
        precisions=split_words(precision) or ("auto",), batches=tuple(map(int, batches)) or (1, 4),
        sizes=split_numbers(sizes, "--sizes") or (2.0, 12.0), weights=weights, size=size, threads=threads,
        quick=quick, files=files, rounds=rounds,
    )  # fmt: skip
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
        from colorize_cli.benchmark.plot import plot as draw

        draw(plot, document.rows)


def _measure(
    document: "Document", options: "BenchOptions", folder: Path | None, console: Console, *, pipeline: bool
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
    from colorize_cli.benchmark.changes import comparison
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
