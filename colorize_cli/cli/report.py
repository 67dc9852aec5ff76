"""``colorize report merge``: the reports of shards, machines and repeated runs made into one."""

from pathlib import Path
from typing import Annotated

import typer

from colorize_cli.cli import options as common
from colorize_cli.cli.console import Console, Results

app = typer.Typer(help="Reports of long runs.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def reports() -> None:
    """Reports of long runs: what --report wrote."""


@app.command("merge")
def merge(
    reports: Annotated[list[Path], typer.Argument(metavar="REPORT...", help="What --report wrote, oldest first.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where the rows go. [default: standard output]",
                     show_default=False),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
    quiet: common.Quiet = False,
) -> None:  # fmt: skip
    """Write the last row of every photograph, and exit as one run would that ended like this: 1 if any failed.

    A photograph that failed in one report and was done in a later one is done. Lines cut short by a kill are left out.
    """
    from colorize_cli.batch.reports.final_rows import FinalRows
    from colorize_cli.batch.reports.own_files import REPORT_MARK, check_replaceable
    from colorize_cli.files import atomic_file

    if output is not None:
        check_replaceable(output, REPORT_MARK, replace=overwrite, option="-o")
    rows = FinalRows(reports)
    console = Console(quiet=quiet)
    if output is None:
        results = Results()
        for line in rows.lines():
            results.line(line)
    else:
        with atomic_file(output, overwrite=overwrite) as file:
            file.writelines(rows.lines())
    if rows.damaged:
        console.warn(f"Lines that are no rows, left out: {rows.damaged}.")
    summary = rows.summary()
    console.say(f"{len(rows) - summary.passed_over - summary.aside} photos: {summary.summary()}.")
    if passed := summary.not_read_line():
        console.say(passed)
    raise typer.Exit(summary.exit_code)
