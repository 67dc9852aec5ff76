"""``colorize`` with the fake colorizer as a process: ``python -m tests.cli.fake_colorize WEIGHTS WORDS...``.

With ``STUCK`` in the environment the colorizer never answers.
"""

import os
import sys
import threading
from pathlib import Path

from colorize_cli.cli import main
from colorize_cli.inference import resume
from tests.cli.conftest import FakeColorizer


def load(options, **_) -> FakeColorizer:
    colorizer = FakeColorizer(options)
    if "STUCK" in os.environ:
        colorizer.on_predict = threading.Event().wait
    return colorizer


if __name__ == "__main__":
    resume._Loaded = load
    resume.find_weights = lambda entry, given=None, **_: Path(sys.argv[1])
    sys.exit(main(sys.argv[2:]))
