"""SIGKILL at any moment of a run: what is there is whole, and the same command goes on to the same results."""

import json
import multiprocessing
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.cli import fake_colorize
from tests.cli.conftest import FAKE_WEIGHTS, gray_picture
from tests.cli.test_process import visible

KILLS = int(os.environ.get("COLORIZE_KILLS", "5"))  # `make faults` has 20
FILES = 200
SUFFIXES = (".jpg", ".png", ".tif", ".webp")

# Forked from a process that has everything imported and no threads yet: a run starts in milliseconds.
context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["tests.cli.fake_colorize", "colorize_cli.cli.batch_run", "colorize_cli.batch.engine"])


def colorize(folder: str, *words: str) -> None:
    """The body of a process: run ``colorize`` in a folder, its messages in a file."""
    os.chdir(folder)
    with Path("messages").open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    code = fake_colorize.run("weights", list(words))
    os._exit(code)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Scans, in memory where that can be had: a killed process leaves the same there, and fsync is free."""
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK):
        tmp_path = Path(tempfile.mkdtemp(dir=memory))
    # The server imports before it is told where from, and another installed package may be called `tests` too.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.chdir(tmp_path)
    Path("weights").write_bytes(FAKE_WEIGHTS)
    Path("scans").mkdir()
    for number in range(FILES):
        gray_picture(32, 24, seed=number).save(f"scans/{number:03}{SUFFIXES[number % len(SUFFIXES)]}")
    yield tmp_path
    shutil.rmtree(tmp_path)


def start(folder: Path, *words: str) -> multiprocessing.process.BaseProcess:
    process = context.Process(target=colorize, args=(str(folder), *words))
    process.start()
    return process


def finish(folder: Path, *words: str) -> None:
    process = start(folder, *words)
    process.join(120)
    assert process.exitcode == 0, Path("messages").read_text()


@pytest.mark.slow
def test_run_killed_at_random_moments_leaves_whole_files_and_is_resumed_to_the_same_results(folder):
    finish(folder, "scans", "-o", "whole")
    whole = {name: Path("whole", name).read_bytes() for name in visible("whole")}
    assert len(whole) == FILES
    started = time.monotonic()
    finish(folder, "scans", "-o", "again")
    duration = time.monotonic() - started
    moments = random.Random(20)
    found = []
    for number in range(KILLS):
        words = ("scans", "-o", f"out{number}", "--report", f"report{number}.jsonl")
        process = start(folder, *words)
        process.join(moments.uniform(0, duration))
        process.kill()
        process.join(60)
        there = visible(f"out{number}")
        found.append(len(there))
        assert {name: Path(f"out{number}", name).read_bytes() for name in there} == {
            name: whole[name] for name in there
        }
        finish(folder, *words, "--skip-existing")
        assert {name: Path(f"out{number}", name).read_bytes() for name in visible(f"out{number}")} == whole
        rows = [json.loads(line) for line in Path(f"report{number}.jsonl").read_text().splitlines()]
        last = {row["input"]: row["status"] for row in rows}
        assert len(last) == FILES
        assert set(last.values()) <= {"done", "skipped"}
    assert max(found) > 0  # some runs had begun to write
    assert min(found) < FILES
    Image.open("out0/000.jpg").load()
