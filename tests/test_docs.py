"""The generated parts of the pages are what the registry and the command line say."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from colorize_cli.registry import ENTRIES

SCRIPT = Path(__file__).parents[1] / "tools" / "docs.py"


@pytest.fixture(scope="module")
def docs():
    spec = importlib.util.spec_from_file_location("docs", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["README.md", "docs/models.md", "docs/cli.md"])
def test_pages_are_current(docs, name):
    page = (docs.ROOT / name).read_text(encoding="utf-8")
    parts = docs.PARTS[Path(name)]
    assert docs.updated(page, parts, name) == page, f"{name} is out of date: run `make docs`"


def test_every_model_and_variant_is_listed(docs):
    readme, page = docs.readme_models(), docs.all_variants()
    for name, entry in ENTRIES.items():
        assert readme.count(f"| `{name}` |") == 1
        assert page.count(f"| `{name}` |") == len(entry.variants)


def test_a_new_model_appears_in_the_tables(docs, monkeypatch):
    new = replace(ENTRIES["unet"], name="doe", title="a*b* | from nothing", hub={}, original=None)
    monkeypatch.setattr(docs, "ENTRIES", MappingProxyType({**ENTRIES, "doe": new}))
    assert "| `doe` | a\\*b\\* \\| from nothing | " in docs.readme_models()
    assert "| `doe` | `paper` (default of `train`) | none | " in docs.all_variants()


def test_a_page_without_its_markers_is_refused(docs):
    with pytest.raises(SystemExit, match="models: begin"):
        docs.updated("# Models", {"models": docs.readme_models}, "README.md")


def test_every_option_of_every_command_is_in_the_reference(docs):
    text = docs.commands()
    for heading in ("## colorize train\n", "## colorize models list\n", "## colorize report merge\n"):
        assert heading in text
    for option in ("--skip-existing", "--early-stopping", "--known-pixels", "--pipeline"):
        assert option in text
