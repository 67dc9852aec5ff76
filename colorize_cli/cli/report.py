"""``colorize report merge``: the reports of shards, machines and repeated runs made into one."""

from pathlib import Path
from typing import Annotated

import typer

from colorize_cli.cli.options import Overwrite, Quiet, with_options
from colorize_cli.cli.terminal.console import Console, Results
from colorize_cli.cli.terminal.help_groups import CommandGroup, OptionsCommand
from colorize_cli.option import Option

app = typer.Typer(
    cls=CommandGroup,
    help="Merge the reports of several runs.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)


@app.callback()
def reports() -> None:
    """Merge the reports of several runs."""


@app.command("merge", cls=OptionsCommand)
@with_options
def merge(
    reports: Annotated[
        tuple[Path, ...],
        Option("Files that --report wrote, oldest first", metavar="REPORT...", argument=True, many=True),
    ],
    output: Annotated[
        Path | None,
        Option("File for the rows", flags=("--output", "-o"), metavar="FILE", unset="standard output"),
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Write the latest result for each photo, and exit with 1 if any of them failed.

    A photo that failed in one report and succeeded in a later one counts as done. Incomplete lines are left out.
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
        console.warn(f"Incomplete lines left out: {rows.damaged}.")
    summary = rows.summary()
    console.say(f"{len(rows) - summary.passed_over - summary.aside} photos: {summary.summary()}.")
    if passed := summary.not_read_line():
        console.say(passed)
    raise typer.Exit(summary.exit_code)
