"""Where pins and accepted licences are kept, on this system and on others."""

import json
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from colorize_cli.checkpoints.hub import pins
from colorize_cli.checkpoints.hub.pins import Pin
from colorize_cli.entry import HubFile

FILE, OTHER = HubFile("owner/one", "a.bin"), HubFile("owner/two", "b.bin")


@pytest.mark.skipif(sys.platform != "linux", reason="the place on Linux")
def test_on_linux_the_state_folder_stays_where_it_was(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert pins.state_folder() == tmp_path / "colorize"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert pins.state_folder() == Path.home() / ".local" / "state" / "colorize"


def test_elsewhere_what_0_1_remembered_is_read_too_and_written_to_the_systems_place(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "earlier"))
    earlier = Pin("0" * 40, "ab" * 32, 10)
    pins.remember(FILE, earlier)
    pins.agree_to(FILE, "cc-by-nc-4.0")
    monkeypatch.setattr(platformdirs, "user_state_path", lambda *_, **__: tmp_path / "Application Support")
    assert pins.pin_of(FILE) == earlier and pins.agreed_to(FILE)
    later = Pin("1" * 40, "cd" * 32, 20)
    pins.remember(FILE, later)
    pins.remember(OTHER, later)
    assert pins.pin_of(FILE) == pins.pin_of(OTHER) == later and pins.agreed_to(FILE)
    assert set(json.loads((tmp_path / "Application Support" / pins.FILE).read_text())["licences"]) == {"owner/one"}
    assert "owner/two" not in (tmp_path / "earlier" / "colorize" / pins.FILE).read_text()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": 3}'])
def test_a_damaged_file_counts_as_none(monkeypatch, tmp_path, text):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "colorize").mkdir()
    (tmp_path / "colorize" / pins.FILE).write_text(text)
    assert pins.pin_of(FILE) is None and not pins.agreed_to(FILE)


def test_a_folder_that_cannot_be_written_costs_the_pin_not_the_run(monkeypatch, tmp_path):
    (tmp_path / "colorize").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    pins.remember(FILE, Pin("0" * 40, "ab" * 32, 10))
    assert pins.pin_of(FILE) is None


def test_the_cache_is_looked_at_without_the_hubs_client():
    code = (
        "import sys; from colorize_cli.checkpoints.hub.pins import seen_in_cache;"
        "from colorize_cli.entry import HubFile;"
        "seen_in_cache(HubFile('owner/one', 'a.bin')); assert 'huggingface_hub' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
