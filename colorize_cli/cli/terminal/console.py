"""What the user sees: results on stdout and nothing else there, every message on stderr and in the log file."""

import contextlib
import logging
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import IO, BinaryIO

from colorize_cli.errors import ColorizeError, OutputError, UsageProblem, printable

_RED, _YELLOW, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[0m"


class LogFile:
    """The file of ``--log-file``: every message with its time, appended."""

    def __init__(self) -> None:
        self._file: IO[str] | None = None

    def open(self, path: Path) -> None:
        """Begin to write to ``path``. Raises :class:`OutputError`, and :class:`UsageProblem` for a photo's name."""
        from colorize_cli.imaging.codecs.formats import READABLE_SUFFIXES

        if path.suffix.lower() in READABLE_SUFFIXES:
            raise UsageProblem(f"'{path}' has the name of a photo.", "Name a text file, for example colorize.log.")
        self.close()
        try:
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"'{path}' cannot be written: {error.strerror}.", "Name another log file.") from error

    def write(self, text: str) -> None:
        """Append a message, if there is a file. A full disk stops the log, not the run."""
        if self._file is None:
            return
        try:
            self._file.write(f"{datetime.now().astimezone().isoformat(timespec='seconds')} {text}\n")
            self._file.flush()
        except OSError:
            self.close()

    def close(self) -> None:
        """End the file."""
        if self._file is not None:
            file, self._file = self._file, None
            try:
                file.close()
            except OSError:
                return


LOG = LogFile()


def fail(error: ColorizeError) -> None:
    """Print an error that ends the program, and its remedy, on stderr."""
    text = printable(str(error))
    LOG.write(text)
    print(f"colorize: {text}", file=sys.stderr)


class _Announcements(logging.Handler):
    """Prints what the library says at level INFO and above, such as a download that begins."""

    def __init__(self, console: "Console") -> None:
        super().__init__(logging.INFO)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        self._console.say(record.getMessage())


class Console:
    """The messages of one command: ``-q`` leaves warnings and errors, ``-v`` adds detail. The log has all of them."""

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self.quiet, self.verbose = quiet, verbose
        self._said: set[str] = set()
        library = logging.getLogger("colorize_cli")
        library.setLevel(logging.INFO)
        library.handlers[:] = [_Announcements(self)]

    def say(self, text: str) -> None:
        """Print something worth knowing."""
        self._print(text, shown=not self.quiet)

    def say_once(self, text: str) -> None:
        """Print something that holds for many files ("GIF becomes PNG") the first time only."""
        if text not in self._said and len(self._said) < 1000:
            self._said.add(text)
            self.say(text)

    def detail(self, text: str) -> None:
        """Print what only ``-v`` shows."""
        self._print(text, shown=self.verbose)

    def detailed_lines(self, text: str) -> None:
        """Print several lines that only ``-v`` shows, such as a traceback."""
        for line in text.splitlines():
            self.detail(line)

    def warn(self, text: str) -> None:
        """Print what even ``-q`` shows."""
        self._print(text, color=_YELLOW)

    def error(self, text: str) -> None:
        """Print a failure."""
        self._print(text, color=_RED)

    def _print(self, text: str, *, shown: bool = True, color: str = "") -> None:
        text = printable(text)
        LOG.write(text)
        if shown:
            colored = color and sys.stderr.isatty() and not os.environ.get("NO_COLOR")
            print(f"{color}{text}{_PLAIN}" if colored else text, file=sys.stderr, flush=True)


class Results:
    """The result stream: paths or JSON lines, in bytes, so that any file name passes unharmed.

    When the reader goes away (``| head``) further results are dropped and the work continues.
    """

    def __init__(self) -> None:
        # A program that was started with standard output closed has none.
        self._stream: BinaryIO | None = None if sys.stdout is None else sys.stdout.buffer
        self.on_terminal = sys.stdout is not None and sys.stdout.isatty()

    def path(self, path: str | os.PathLike[str]) -> None:
        """Write one path and a newline; a terminal gets it with its control characters escaped."""
        if self.on_terminal:
            path = printable(os.fsdecode(path))
        self.line(os.fsencode(path) + b"\n")

    def line(self, line: bytes) -> None:
        """Write one line and flush it."""
        if self.on_terminal:
            # Through sys.stdout, where a line of progress on the same terminal makes room for it.
            print(printable(os.fsdecode(line), lines=True), end="", flush=True)
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
