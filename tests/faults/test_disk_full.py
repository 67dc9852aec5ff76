"""A disk that is full: the run stops with its own code, nothing half-written stays, and space made is enough."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import make_photo, snapshot


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if shutil.which("mount") is None or os.name != "posix":
        pytest.skip("needs mount")
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], capture_output=True)
    if made.returncode:
        pytest.skip(f"needs the right to mount a file system: {made.stderr.decode().strip()}")
    yield disk
    # Lazily: a memory map of a file there may live on until the next garbage collection.
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.parametrize(("suffix", "width"), [(".jpg", 800), (".png", 260), (".tif", 200)])
def test_disk_that_fills_up_stops_the_run_and_the_same_command_goes_on_when_there_is_space(
    small_disk, run, suffix, width
):
    for number in range(24):
        make_photo(f"scans/{number:02}{suffix}", width=width, height=200, seed=number)
    words = ("scans", "-o", f"{small_disk}/out", "--jobs", "2")
    result = run(*words, "--report", "report.jsonl")
    assert result.exit_code == 5
    assert "No space left" in result.stderr
    assert "Free some space" in result.stderr
    assert "Traceback" not in result.stderr
    done = sorted(path.name for path in (small_disk / "out").iterdir())
    assert 0 < len(done) < 24
    for name in done:  # hidden files would be here too
        Image.open(small_disk / "out" / name).load()
    before = snapshot(small_disk)
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    assert run(*words, "--report", "report.jsonl", "--skip-existing").exit_code == 0
    after = snapshot(small_disk)
    assert len(after) == 24
    assert before.items() <= after.items()
