"""What messages and pages tell people to install: packages this project declares, never the project by its name.

The name is not registered on the package index, so that whoever registers it would be installed.
"""

import re
import tomllib
from pathlib import Path

import pytest

from colorize_cli.cli.app import _PACKAGES
from colorize_cli.models.encoders.efficientnet_lite import EfficientNetLiteEncoder

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "colorize_cli/**/*.py", "tools/*.py", "weights/*.md", "Makefile")
    for path in ROOT.glob(pattern)
)
OPTION = r"-{1,2}[\w-]+(?: https?://[^\s`]+)?"
THING = r"'?(?:dist/\*\.whl|\.(?:\[[\w,]+\])?|\w[\w.-]*(?:\[[\w,]+\])?(?:==[\w.]+)?)'?"
INSTALL = re.compile(rf"\bpip install((?: {OPTION}| {THING})+)")


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=!~;]", requirement, maxsplit=1)[0].lower()


DECLARED = {name_of(line) for line in (*PROJECT["dependencies"], *(x for lines in EXTRAS.values() for x in lines))}
ALSO = {"opencv-python-headless", "pip", "pre-commit", "pytest-cov"}


def installed_things() -> list[tuple[str, str]]:
    """Return (page, package or checkout) of every line that installs something."""
    found = [("efficientnet_lite.py", EfficientNetLiteEncoder.package.requirement)]
    found += [("app.py", package) for package in _PACKAGES.values()]
    for page in PAGES:
        for line in INSTALL.findall(page.read_text(encoding="utf-8")):
            words = re.sub(f" {OPTION}", "", line).replace("'", "").split()
            found += [(page.name, word.rstrip(".") if len(word) > 1 else word) for word in words]
    return found


def test_install_lines_are_found() -> None:
    assert len(installed_things()) > 10


@pytest.mark.parametrize(("page", "word"), sorted(set(installed_things())))
def test_every_thing_to_install_is_a_declared_package_or_this_checkout(page: str, word: str) -> None:
    if word == "dist/*.whl":
        return
    if word.startswith("."):
        extras = re.fullmatch(r"\.(?:\[([a-z,]+)\])?", word)
        assert extras is not None, f"{page}: {word}"
        assert set(filter(None, (extras[1] or "").split(","))) <= EXTRAS.keys(), f"{page}: {word}"
        return
    assert name_of(word) in DECLARED - {PROJECT["name"]} | ALSO, f"{page}: {word}"


def test_no_page_or_message_installs_this_project_by_its_name() -> None:
    by_name = re.compile(r"\b(install|inject|add|run|uvx)\b[^\n]*\bcolorize-(cli|photos)")
    assert [str(page) for page in PAGES if by_name.search(page.read_text(encoding="utf-8"))] == []
