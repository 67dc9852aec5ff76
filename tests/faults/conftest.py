"""The command line with a fake model, as its own tests have it."""

from tests.cli.conftest import models, run

__all__ = ["models", "run"]
