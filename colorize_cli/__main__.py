"""``python -m colorize_cli``: the same as the ``colorize`` script."""

import sys

from colorize_cli.cli import program

if __name__ == "__main__":
    sys.exit(program())
