"""Builds the wheel: puts the bundled weights into it and compiles the optional loops of recombination.

An editable install reads the weights from the checkout and gets the library there; `python hatch_build.py` builds it
there again. Where nothing can compile C, a warning says so and the package works without: NumPy and OpenCV give the
same pictures, more slowly.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags
from setuptools import Distribution, Extension
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
LIBRARY = "colorize_cli.imaging.recombine._fused"
SOURCE = "colorize_cli/imaging/recombine/fused.c"


class _BuildLibrary(build_ext):
    """Builds a plain shared library that ctypes loads: it knows nothing of Python, and serves every version of it."""

    def get_ext_filename(self, fullname: str) -> str:
        return fullname.replace(".", "/") + (".dll" if sys.platform == "win32" else ".so")

    def get_export_symbols(self, ext: Extension) -> list[str]:
        return []

    def build_extension(self, ext: Extension) -> None:
        # A contracted multiply-add rounds once, not twice: the bytes of a picture would depend on the machine.
        unix = ["-std=c99", "-O3", "-ffp-contract=off", "-fvisibility=hidden"]
        ext.extra_compile_args = ["/O2", "/fp:precise"] if self.compiler.compiler_type == "msvc" else unix
        super().build_extension(ext)


def build_library(folder: Path) -> Path:
    """Compile the library to its place below ``folder`` and return its path; raises what setuptools raises."""
    with tempfile.TemporaryDirectory() as objects:
        command = _BuildLibrary(Distribution({"ext_modules": [Extension(LIBRARY, [str(ROOT / SOURCE)])]}))
        command.build_lib, command.build_temp, command.force = str(folder), objects, True
        command.ensure_finalized()
        command.run()
        return Path(command.get_ext_fullpath(LIBRARY))


def platform_tag() -> str:
    """Return the platform of a wheel built here, such as ``linux_x86_64``: compatible beyond it only once audited."""
    return next(tag.platform for tag in sys_tags() if "linux_" not in tag.platform or tag.platform.startswith("linux"))


class Contents(BuildHookInterface):
    """Adds ``weights/`` and the compiled library to the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the folder and the library, to an editable install the library alone, in the checkout."""
        editable = version == "editable"
        if not editable:
            build_data["force_include"]["weights"] = "colorize_cli/weights"
        try:
            library = build_library(ROOT if editable else ROOT / "build")
        except Exception as error:
            self.app.display_warning(f"Built without the compiled loops: {error}")
            return
        if not editable:
            build_data["force_include"][str(library)] = SOURCE.replace("fused.c", library.name)
            build_data["pure_python"], build_data["tag"] = False, f"py3-none-{platform_tag()}"


if __name__ == "__main__":
    print(build_library(ROOT))
