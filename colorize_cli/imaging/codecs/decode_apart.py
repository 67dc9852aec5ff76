"""Decoding in a process of its own: what is large may run out of memory, or never end, without taking the run along.

The process offers itself to the kernel as the first to be killed when memory runs out. It costs half a second, which
only pictures pay that take many seconds anyway.
"""

import contextlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

from colorize_cli.imaging.codecs.raster import (
    DamagedDataError,
    NoPixelsError,
    Raster,
    TooManyPixelsError,
    UnknownKindError,
)

APART_FROM = 64_000_000
"""Pixels from which a picture is decoded apart."""
PATIENCE, PATIENCE_A_MEGAPIXEL = 60.0, 2.0
"""Seconds that decoding may take."""


class DecoderLostError(Exception):
    """The process that decoded was killed, crashed, or did not end."""


def decode_apart(data: bytes, *, page: int, max_pixels: float, pixels: int) -> Raster:
    """Return what :func:`~colorize_cli.imaging.codecs.decode.decode` does, from another process.

    Raises what that does, and :class:`DecoderLostError`.
    """
    command = [sys.executable, "-m", __name__, str(page), repr(max_pixels)]
    patience = PATIENCE + PATIENCE_A_MEGAPIXEL * pixels / 1e6
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            answer, _ = process.communicate(data, timeout=patience)
        except subprocess.TimeoutExpired:
            raise DecoderLostError(f"decoding it did not end within {patience:.0f} seconds") from None
        finally:
            process.kill()
    if process.returncode:
        raise DecoderLostError("the process that decoded it was killed or crashed, for lack of memory perhaps")
    kind, content = pickle.loads(answer)
    if kind == "raster":
        return content
    raise _ERRORS[kind](*content)


_ERRORS: dict[str, type[Exception]] = {
    error.__name__: error
    for error in (DamagedDataError, NoPixelsError, UnknownKindError, IndexError, MemoryError, NotImplementedError)
}
_ERRORS[TooManyPixelsError.__name__] = TooManyPixelsError


def _answer(data: bytes, page: int, max_pixels: float) -> tuple[str, object]:
    from colorize_cli.imaging.codecs.decode import decode

    try:
        return "raster", decode(data, page=page, max_pixels=max_pixels)
    except TooManyPixelsError as error:
        return type(error).__name__, (error.width, error.height)
    except Exception as error:  # the libraries raise what they like on damaged files
        name = type(error).__name__
        return (name, error.args) if name in _ERRORS else (DamagedDataError.__name__, (str(error) or name,))


def main() -> None:
    """Decode standard input and answer on standard output."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    answer = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints does not reach the answer
    data = sys.stdin.buffer.read()
    with os.fdopen(answer, "wb") as stream:
        pickle.dump(_answer(data, int(sys.argv[1]), float(sys.argv[2])), stream, protocol=pickle.HIGHEST_PROTOCOL)


if __name__ == "__main__":
    main()
