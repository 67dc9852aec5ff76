"""What the user sees: results on stdout and nothing else there, every message and the progress bar on stderr."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from colorize_cli.errors import ColorizeError, OutputError


def printable(text: str) -> str:
    """Return ``text`` with what a terminal would obey or cannot show (control characters, broken UTF-8) escaped."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode("ascii") for c in text)


def fail(error: ColorizeError) -> None:
    """Print an error that ends the program, and its remedy, on stderr."""
    print(f"colorize: {printable(str(error))}", file=sys.stderr)


class Console:
    """The messages of one command: ``-q`` leaves warnings and errors, ``-v`` adds detail."""

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self.quiet, self.verbose = quiet, verbose
        self._said: set[str] = set()

    def say(self, text: str) -> None:
        """Tell the user something worth knowing."""
        if not self.quiet:
            self.warn(text)

    def say_once(self, text: str) -> None:
        """Tell something that holds for many files ("GIF becomes PNG") the first time only."""
        if text not in self._said and len(self._said) < 1000:
            self._said.add(text)
            self.say(text)

    def detail(self, text: str) -> None:
        """Tell what only ``-v`` shows."""
        if self.verbose:
            self.warn(text)

    def warn(self, text: str) -> None:
        """Tell what even ``-q`` shows."""
        print(printable(text), file=sys.stderr, flush=True)


class Results:
    """The result stream: paths or JSON lines, in bytes, so that any file name passes unharmed.

    When the reader goes away (``| head``) the results are dropped and the work goes on.
    """

    def __init__(self) -> None:
        # A program that was started with standard output closed has none.
        self._stream: BinaryIO | None = None if sys.stdout is None else sys.stdout.buffer
        self._terminal = sys.stdout is not None and sys.stdout.isatty()

    def path(self, path: str | os.PathLike[str]) -> None:
        """Write one path and a newline."""
        self.line(os.fsencode(path) + b"\n")

    def line(self, line: bytes) -> None:
        """Write one line and flush it."""
        if self._terminal:
            # Through sys.stdout, where a progress bar on the same terminal makes room for the line.
            print(printable(os.fsdecode(line)), end="", flush=True)
            return
        if self._stream is None:
            return
        try:
            self._stream.write(line)
            self._stream.flush()
        except BrokenPipeError:
            self._stream = None
            _forget_stdout()
        except (OSError, ValueError) as error:
            self._stream = None
            with contextlib.suppress(OSError, ValueError):
                _forget_stdout()
            reason = getattr(error, "strerror", None) or "it is closed"
            raise OutputError(f"Standard output cannot be written: {reason}.", "Redirect it elsewhere.") from error


def _forget_stdout() -> None:
    """Send what is left in stdout's buffer nowhere, or Python complains of the broken pipe when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


@contextmanager
def progress_bar(total: int, unit: str, *, shown: bool) -> Iterator[Callable[[], None]]:
    """Show a bar on stderr and yield the function that advances it by one; silent where stderr is no terminal.

    Messages printed to stderr meanwhile appear above the bar.
    """
    if not shown or total < 2 or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        """Photos a second."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:.1f} {unit}/s")

    with Progress(
        BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn(), console=Console(stderr=True),
        redirect_stdout=sys.stdout.isatty(), transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)
