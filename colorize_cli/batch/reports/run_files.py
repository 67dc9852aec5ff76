"""What a run leaves behind about itself: the report and the list of failed photos."""

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.reports.outcome import Outcome, json_line
from colorize_cli.batch.reports.own_files import FAILED_LIST_MARK, REPORT_MARK, check_replaceable
from colorize_cli.errors import OutputError, OutputExists


class RunFiles:
    """``--report`` (one JSON row per photo) and ``--failed-list`` (one path per line, in bytes), flushed row by row.

    The failed list begins with a line that says what it is. Once a name has a newline in it, all are separated by NUL.

    On resuming (``skip_existing``, ``retry``) the report is continued, on a new line even where the run before was
    killed in the middle of one, and the failed list begun anew; otherwise a file that exists is replaced only with
    ``overwrite``. What this program did not write is never replaced, nor what a link leads to. Two runs may continue
    one report. Raises :class:`UsageProblem` and :class:`OutputExists` when made or entered, :class:`OutputError` when
    entered or written to.
    """

    def __init__(self, options: ColorizeOptions) -> None:
        report = options.report_file
        continued = options.resumes or (options.retry is not None and options.report is None)
        self._paths = (report, options.failed_file)
        new = "wb" if options.overwrite else "xb"
        self._modes = ("ab" if continued else new, "wb" if options.resumes else new)
        self._files: list[IO[bytes] | None] = [None, None]
        self._separator = b"\n"
        replace = options.overwrite or continued or options.resumes
        for path, mark, option in zip(
            self._paths, (REPORT_MARK, FAILED_LIST_MARK), ("--report", "--failed-list"), strict=True
        ):
            if path is not None:
                check_replaceable(path, mark, replace=replace, option=option)

    def __enter__(self) -> Self:
        """Open the files."""
        try:
            for number, (path, mode) in enumerate(zip(self._paths, self._modes, strict=True)):
                self._files[number] = path.open(mode) if path is not None else None
                if path is not None and mode == "ab" and _ends_within_a_line(path):
                    _append(self._files[number], b"\n")  # type: ignore[arg-type]  # it was opened just now
            if self._files[1] is not None:
                _append(self._files[1], FAILED_LIST_MARK + b"\n")
        except FileExistsError as error:
            self._close()
            raise _exists(path) from error
        except OSError as error:
            self._close()
            raise OutputError(f"'{path}' cannot be written: {error.strerror}.", "Name another file.") from error
        except OutputError:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""
        self._close()

    def _close(self) -> None:
        for file in self._files:
            if file is not None:
                # What a full disk did not take has been told of; it would fail once more on closing.
                with contextlib.suppress(OSError):
                    file.close()

    def add(self, outcome: Outcome) -> None:
        """Append the row of one outcome. Raises :class:`OutputError`."""
        report, failed = self._files
        if report is not None:
            _append(report, json_line(outcome.row()).encode("ascii"))
        if failed is not None and outcome.status == "failed" and outcome.source is not None:
            name = os.fsencode(outcome.source)
            if b"\n" in name and self._separator == b"\n":
                self._separate_by_nul(failed)
            _append(failed, name + self._separator)

    def _separate_by_nul(self, failed: IO[bytes]) -> None:
        """Write the failed list again with NUL between the names, which none of them can hold."""
        self._separator = b"\0"
        path = self._paths[1]
        assert path is not None
        try:
            content = path.read_bytes()
            failed.seek(0)
            failed.truncate()
        except OSError as error:
            raise OutputError(f"'{path}' cannot be written: {error.strerror}.", "Name a file on a disk.") from error
        _append(failed, content.replace(b"\n", b"\0"))


def _exists(path: Path | None) -> OutputExists:
    return OutputExists(f"'{path}' exists.", "Name another file, or use --overwrite or --skip-existing.")


def _ends_within_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        return file.read(1) not in (b"", b"\n")


def _append(file: IO[bytes], line: bytes) -> None:
    try:
        file.write(line)
        file.flush()
    except OSError as error:
        raise OutputError(f"'{file.name}' cannot be written: {error.strerror}.", "Free some space.") from error
