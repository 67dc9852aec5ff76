"""A Dask worker with the fake colorizer: ``python -m tests.faults.dask_worker WEIGHTS ADDRESS OPTIONS...``.

With ``VERSION`` in the environment it has that version of the program; with ``SLOW`` every photograph takes so many
seconds.
"""

import os
import sys
import time
from pathlib import Path

from distributed.cli.dask_worker import main

from colorize_cli import _version
from colorize_cli.batch import resume
from tests.cli.conftest import FakeColorizer


def load(options, **_) -> FakeColorizer:
    colorizer = FakeColorizer(options)
    colorizer.on_predict = lambda: time.sleep(float(os.environ.get("SLOW", 0)))
    return colorizer


if __name__ == "__main__":
    resume._Loaded = load
    resume.find_weights = lambda entry, given=None, **_: Path(sys.argv[1])
    _version.__version__ = os.environ.get("VERSION", _version.__version__)
    main(args=sys.argv[2:])
