"""Batch photo colorization: black-and-white photographs in, plausible color at full resolution out.

>>> from colorize_cli import Colorizer
>>> Colorizer("gan")("photo.jpg").save("photo-color.jpg")  # doctest: +SKIP
"""

from typing import TYPE_CHECKING, Any

from colorize_cli._version import __version__

if TYPE_CHECKING:
    from colorize_cli.inference.colorizer import Colorizer

__all__ = ["Colorizer", "__version__"]


def __getattr__(name: str) -> Any:
    # Importing torch takes seconds; `import colorize_cli` and `colorize --help` must not pay for it.
    if name == "Colorizer":
        from colorize_cli.inference.colorizer import Colorizer

        return Colorizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
