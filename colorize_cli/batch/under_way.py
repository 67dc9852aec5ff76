"""What is under way, in a folder on disk: a photograph that ended the program twice is set aside by the third run.

Each photograph under way has a small file there, made when its work begins and removed when it ends, and so has each
process. What a process left behind was under way when it died. That counts against the photographs where the process
crashed, or the system killed some process since for lack of memory; not where somebody killed it. Those that are
suspected are decoded in another process and colorized alone, so that the next death has one cause.

Files are made, renamed and removed, never rewritten, so that any number of processes may share the folder.
"""

import contextlib
import faulthandler
import hashlib
import json
import os
import platform
import secrets
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from colorize_cli.files import parse_json
from colorize_cli.imaging.codecs.formats import split_page

SET_ASIDE_AFTER = 2
"""Number of process deaths after which a photograph that was under way is set aside."""

_FOREIGN_SECONDS = 3600.0
"""Age after which a record of another machine counts as that of a dead process, which cannot be checked from here."""
_RUNNING, _DIED, _CRASH = ".running", ".died", ".crash"


def folder_of(report: Path | None) -> Path | None:
    """Return where runs note what is under way: beside their report, else in the user's state folder.

    None where the user has none.
    """
    if report is not None:
        return report.with_name(f".{report.name}.under-way")
    from platformdirs import user_state_path

    try:
        return user_state_path("colorize") / "under-way"
    except (OSError, RuntimeError):
        return None


class UnderWay:
    """The photographs under way of this process, and what is known of earlier deaths.

    Without a folder, or in one that cannot be written, nothing is noted and nobody suspected. Any thread may call.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._process = f"{_host()}-{os.getpid()}-{_started(os.getpid())}.{secrets.token_hex(4)}"
        self._facts: dict[str, object] = {"boot": _boot(), "killed": _killed_for_memory()}
        self._deaths: dict[str, int] = {}
        self._noted: dict[Path, Path] = {}
        self._crash: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Count the processes that died, and register this one."""
        if self.folder is None:
            return self
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._sweep(self.folder)
            if not faulthandler.is_enabled():
                self._crash = (self.folder / f"{self._process}{_CRASH}").open("wb")
                faulthandler.enable(self._crash)
        except OSError:
            self.folder = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the records of this process, and the folder if it is then empty."""
        for source in list(self._noted):
            self._forget(source)
        if self._crash is not None:
            faulthandler.disable()
            self._crash.close()
            with contextlib.suppress(OSError):
                Path(self._crash.name).unlink()
        if self.folder is not None:
            with contextlib.suppress(OSError):
                self.folder.rmdir()

    def deaths(self, source: Path | None) -> int:
        """Return the number of process deaths that a photograph, unchanged since, may have caused."""
        return self._deaths.get(_key(source), 0) if source is not None and self._deaths else 0

    def begin(self, source: Path | None) -> None:
        """Record that work on a photograph starts."""
        if self.folder is None or source is None:
            return
        path = self.folder / f"{self._process}-{_key(source)}{_RUNNING}"
        text = json.dumps({"file": os.fspath(source)} | self._facts)
        with contextlib.suppress(OSError):
            try:
                path.write_text(text)
            except FileNotFoundError:  # another run removed the folder, which was empty
                self.folder.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            self._noted[source] = path

    def end(self, source: Path | None) -> None:
        """Record that work on a photograph ended without ending the process."""
        if self.folder is None or source is None or source not in self._noted:
            return
        self._forget(source)
        if self.deaths(source):
            key = _key(source)
            self._deaths.pop(key, None)
            for path in self.folder.glob(f"{key}-*{_DIED}"):
                with contextlib.suppress(OSError):
                    path.unlink()

    def _forget(self, source: Path) -> None:
        with contextlib.suppress(OSError):
            self._noted.pop(source).unlink()

    def _sweep(self, folder: Path) -> None:
        """Convert the records of dead processes into counts."""
        for path in list(_entries(folder, _RUNNING)):
            process, _, key = path.name.removesuffix(_RUNNING).rpartition("-")
            if not _is_dead(process, path):
                continue
            with contextlib.suppress(OSError):  # another process was faster
                if _counts(path, folder / f"{process}{_CRASH}"):
                    path.rename(folder / f"{key}-{secrets.token_hex(8)}{_DIED}")
                else:
                    path.unlink()
        for path in list(_entries(folder, _CRASH)):
            if _is_dead(path.name.removesuffix(_CRASH), path):
                with contextlib.suppress(OSError):
                    path.unlink()
        for path in _entries(folder, _DIED):
            key = path.name.partition("-")[0]
            self._deaths[key] = self._deaths.get(key, 0) + 1


def _entries(folder: Path, suffix: str) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        yield from (folder / entry.name for entry in entries if entry.name.endswith(suffix))


def _counts(path: Path, crash: Path) -> bool:
    """Whether a photograph may have caused a death: a crash, a restart of the machine, or lack of memory."""
    with contextlib.suppress(OSError):
        if crash.stat().st_size:
            return True
    try:
        noted: Any = parse_json(path.read_bytes())
        before, boot = noted["killed"], noted["boot"]
    except (ValueError, KeyError, TypeError):
        return False
    if not isinstance(before, int) or not boot:
        return False
    now = _killed_for_memory()
    return boot != _boot() or (now is not None and now > before)


def _is_dead(process: str, path: Path) -> bool:
    """Whether the process of a record has ended."""
    host, number, started = [*process.rsplit("-", 2), "", ""][:3]
    if host != _host():
        with contextlib.suppress(OSError):
            return time.time() - path.stat().st_mtime > _FOREIGN_SECONDS
        return False
    return not number.isdigit() or _started(int(number)) != started.partition(".")[0]


def _started(process: int) -> str:
    """Return the start time of a process as the system gives it; "" if it has ended, "0" if unknown."""
    if Path("/proc/self/stat").exists():
        with contextlib.suppress(OSError, IndexError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            return "" if fields[0] in ("Z", "X") else fields[19]
        return ""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        return "0"
    return "0"


def _key(source: Path) -> str:
    """Return a key for the present content of a photograph; it changes when the file is replaced."""
    file, _ = split_page(source)
    state: tuple[int, ...] = ()
    with contextlib.suppress(OSError, ValueError):
        status = file.stat()
        state = status.st_size, status.st_mtime_ns
    text = f"{_real_folder(file.parent)}/{source.name} {state}"
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:32]


_real_folder = lru_cache(maxsize=1024)(os.path.realpath)


def _killed_for_memory() -> int | None:
    """Return how many processes the system has killed for lack of memory since it started; None if unknown."""
    with contextlib.suppress(OSError, ValueError), Path("/proc/vmstat").open() as lines:
        for line in lines:
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return None


def _boot() -> str:
    """Return an identifier of this start of the machine, "" if unknown."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def _host() -> str:
    """Return the name of this machine, made safe for file names."""
    return "".join(c for c in platform.node() if c.isalnum() or c in "._")[:64] or "localhost"
