"""Decoding in a process of its own: what is large or odd may run out of memory, crash, or never end, without taking the
run along.

The process offers itself to the kernel as the first to be killed when memory runs out. Starting one costs half a
second, so those that decoded something small are used again. Ordinary photographs never come here.
"""

import atexit
import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, ClassVar

from colorize_cli.imaging.codecs.extra.decode_extra import ReaderMissingError
from colorize_cli.imaging.codecs.formats import LIMITS, Limits
from colorize_cli.imaging.codecs.raster import (
    DamagedDataError,
    NoPictureError,
    NoPixelsError,
    Raster,
    TooManyPagesError,
    TooManyPixelsError,
    TooManyScansError,
    UnknownKindError,
)

APART_FROM = 64_000_000
"""Pixels from which a picture is decoded apart, whatever its format."""
ODD = frozenset({"PDF", "RAW", "HEIF", "JPEGXL"})
"""Formats that are always decoded apart: their libraries are large, and PDFium is not safe in several threads."""
PATIENCE, PATIENCE_A_MEGAPIXEL = 60.0, 2.0
"""Seconds that decoding may take."""

_LIVES_ON = 5
"""Seconds after which a process ends by itself whose run is gone."""
_DYING = 2.0
"""Seconds that a process may take from its last answer to its end."""


class DecoderLostError(Exception):
    """The process that decoded was killed, crashed, or did not end."""


def decode_apart(data: bytes, *, page: int, max_pixels: float, pixels: int, limits: Limits = LIMITS) -> Raster:
    """Return what :func:`~colorize_cli.imaging.codecs.decode.decode` does, from another process.

    ``pixels``: what the header announces, 0 where that is unknown. Raises what that does, and
    :class:`DecoderLostError`.
    """
    raster: Raster = _answered((data, page, max_pixels, limits), pixels)
    return raster


def count_pages_apart(data: bytes) -> int:
    """Return the number of pages of a PDF file. Raises as :func:`decode_apart` does."""
    count: int = _answered((data,), 0)
    return count


def _answered(request: tuple[Any, ...], pixels: int) -> Any:
    decoder = _Decoder.taken()
    kind, content = decoder.ask(request, PATIENCE + PATIENCE_A_MEGAPIXEL * pixels / 1e6)
    if pixels < APART_FROM:
        decoder.give_back()
    else:  # what it held may not have gone back to the system
        decoder.end()
    if kind in ("raster", "count"):
        return content
    if kind == ReaderMissingError.__name__:
        raise ReaderMissingError(*content)
    raise _ERRORS[kind](*content)


def _how_it_ended(code: int) -> str:
    """Return how the process ended that decoded: ``code`` is its exit code, or minus the signal that ended it."""
    if code == -getattr(signal, "SIGKILL", 9):
        return "the process that decoded it was killed, probably because memory ran out"
    try:
        how = f"with {signal.Signals(-code).name}"
    except ValueError:
        how = f"with exit code {code}"
    return f"the process that decoded it crashed {how}"


class _Decoder:
    """One process, and the pipes to it."""

    _idle: ClassVar[list["_Decoder"]] = []
    _lock: ClassVar[Any] = threading.Lock()

    def __init__(self) -> None:
        # This very package, and nothing from the current folder, which may be one of strangers' files.
        command = [sys.executable, "-P", "-m", __name__]
        paths = filter(None, (str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH")))
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        )

    @classmethod
    def taken(cls) -> "_Decoder":
        """Return an idle process, or a new one."""
        while True:
            with cls._lock:
                decoder = cls._idle.pop() if cls._idle else None
            if decoder is None:
                return cls()
            if decoder._process.poll() is None:
                return decoder
            decoder.end()

    def give_back(self) -> None:
        """Keep the process for the next picture."""
        with self._lock:
            self._idle.append(self)

    def ask(self, request: tuple[Any, ...], patience: float) -> tuple[str, Any]:
        """Return the answer. Raises :class:`DecoderLostError`; the process is ended then, as on Ctrl-C."""
        is_late = threading.Event()

        def give_up() -> None:
            is_late.set()
            self._process.kill()

        clock = threading.Timer(patience, give_up)
        clock.daemon = True
        clock.start()
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        assert pipe_in is not None and pipe_out is not None
        try:
            with contextlib.suppress(BrokenPipeError):  # it may have crashed and answered nothing
                pickle.dump((*request, patience), pipe_in, protocol=pickle.HIGHEST_PROTOCOL)
                pipe_in.flush()
            answer: tuple[str, Any] = pickle.load(pipe_out)
            return answer
        except (OSError, EOFError, pickle.UnpicklingError, ValueError):
            with contextlib.suppress(subprocess.TimeoutExpired):  # its own end says more than ours
                self._process.wait(_DYING)
            self.end()
            if is_late.is_set():
                raise DecoderLostError(f"decoding it did not end within {patience:.0f} seconds") from None
            raise DecoderLostError(_how_it_ended(self._process.returncode)) from None
        except BaseException:
            self.end()
            raise
        finally:
            clock.cancel()

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process.wait()

    @classmethod
    def end_all(cls) -> None:
        """End the idle processes."""
        with cls._lock:
            idle, cls._idle = cls._idle, []
        for decoder in idle:
            decoder.end()

    @classmethod
    def forget_all(cls) -> None:
        """Leave the processes to the parent of a forked process, whose pipes they answer on."""
        cls._lock = threading.Lock()
        for decoder in cls._idle:
            decoder._process.returncode = 0  # no warning that it is still running
        cls._idle = []


atexit.register(_Decoder.end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Decoder.forget_all)


_ERRORS: dict[str, type[Exception]] = {
    error.__name__: error
    for error in (
        *(DamagedDataError, NoPixelsError, NoPictureError, UnknownKindError, TooManyPagesError, TooManyScansError),
        *(IndexError, MemoryError, NotImplementedError),
    )
}
_ERRORS[TooManyPixelsError.__name__] = TooManyPixelsError


def _answer(request: tuple[Any, ...]) -> tuple[str, object]:
    from PIL import Image

    from colorize_cli.imaging.codecs.decode import decode
    from colorize_cli.imaging.codecs.extra.decode_pdf import count_pages

    Image.MAX_IMAGE_PIXELS = None  # max_pixels is checked instead
    try:
        if len(request) == 1:
            return "count", count_pages(*request)
        data, page, max_pixels, limits = request
        return "raster", decode(data, page=page, max_pixels=max_pixels, limits=limits)
    except TooManyPixelsError as error:
        return type(error).__name__, (error.width, error.height)
    except ReaderMissingError as error:
        return type(error).__name__, (str(error), error.package)
    except Exception as error:  # the libraries raise what they like on damaged files
        name = type(error).__name__
        return (name, error.args) if name in _ERRORS else (DamagedDataError.__name__, (str(error) or name,))


def main() -> None:
    """Answer the requests on standard input on standard output until there are no more."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run ends what it began
    answer = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints does not reach the answer
    with os.fdopen(answer, "wb") as stream:
        while True:
            try:
                *request, patience = pickle.load(sys.stdin.buffer)
            except EOFError:
                return
            if hasattr(signal, "alarm"):
                signal.alarm(int(patience) + _LIVES_ON)
            reply = _answer(tuple(request))
            del request
            if hasattr(signal, "alarm"):
                signal.alarm(0)
            pickle.dump(reply, stream, protocol=pickle.HIGHEST_PROTOCOL)
            stream.flush()
            del reply


if __name__ == "__main__":
    main()
