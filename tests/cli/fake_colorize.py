"""``colorize`` with the fake colorizer as a process: ``python -m tests.cli.fake_colorize WEIGHTS WORDS...``.

With ``STUCK`` in the environment the colorizer says so on standard error, and never answers;
``COLORIZE_TEST_PATIENCE`` is how long that is waited for. With ``CRASH_AT`` it crashes on pictures of that width,
with ``FILL_AT`` it takes :data:`MOST_TAKEN` bytes.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from colorize_cli.batch import resume
from colorize_cli.cli import main
from colorize_cli.cli.terminal import interrupt
from tests.cli.conftest import FakeColorizer

MOST_TAKEN = 4 << 30
"""More than the limits of the tests, and less than what would trouble the machine."""


def stuck() -> None:
    print("stuck", file=sys.stderr, flush=True)
    threading.Event().wait()


def load(options, **_) -> FakeColorizer:
    colorizer = FakeColorizer(options)
    if "STUCK" in os.environ:
        colorizer.on_predict = stuck
    answer = colorizer.predict_with_confidence

    def predict(grays):
        widths = {str(gray.shape[1]) for gray in grays}
        if os.environ.get("CRASH_AT") in widths:
            os.kill(os.getpid(), signal.SIGSEGV)
        taken = []
        while os.environ.get("FILL_AT") in widths and len(taken) << 24 < MOST_TAKEN:
            taken.append(b"x" * (1 << 24))
        return answer(grays)

    colorizer.predict_with_confidence = predict
    return colorizer


def run(weights: str, words: list[str]) -> int:
    """Run ``colorize`` with the fake colorizer, and return its exit code."""
    resume._Loaded = load
    resume.find_weights = lambda entry, given=None, **_: Path(weights)
    return main(words)


if __name__ == "__main__":
    interrupt.PATIENCE = float(os.environ.get("COLORIZE_TEST_PATIENCE", interrupt.PATIENCE))
    sys.exit(run(sys.argv[1], sys.argv[2:]))
