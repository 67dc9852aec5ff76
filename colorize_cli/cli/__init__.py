"""The command line: parse, call the core, print, exit."""

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``colorize`` with ``arguments`` (default: those of the process) and return its exit code."""
    from colorize_cli.cli.app import app

    try:
        app(args=None if arguments is None else list(arguments), prog_name="colorize")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def program() -> int:
    """Run ``colorize`` as a process of its own, and return its exit code; the process ends soon after."""
    from colorize_cli.cli.startup import run_and_leave

    return run_and_leave(main)
