"""Whatever is wrong with the machine or with a file that a user gives: a message, the right code, never a traceback."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from colorize_cli.cli.app import of_the_system
from tests.cli.conftest import make_photo, models, run
from tests.cli.test_process import environment, folder, start

__all__ = ["environment", "folder", "models", "run"]

LONG = "x" * 300 + ".jpg"


@pytest.mark.parametrize("words", [(LONG,), ("@list.txt", "-o", "out/"), ("a.jpg", "-o", f"{LONG}/")])
def test_names_too_long_for_the_system_are_told(run, words):
    make_photo("a.jpg")
    Path("list.txt").write_text(f"a.jpg\n{LONG}\n")
    result = run(*words)
    assert result.exit_code in (1, 2, 5)
    assert "Traceback" not in result.stderr and result.stderr


def test_report_on_a_full_disk_ends_the_run_with_its_message(folder):
    make_photo("a.jpg")
    Path("report.jsonl").symlink_to("/dev/full")
    process = start("a.jpg", "--report", "report.jsonl", "--skip-existing")
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 5, stderr.decode()
    assert b"No space left" in stderr and b"Traceback" not in stderr


@pytest.mark.parametrize("words", [("a.jpg",), ("a.jpg", "--json"), ("a.jpg", "--dry-run")])
def test_standard_output_that_takes_nothing_is_told(folder, words):
    make_photo("a.jpg")
    command = [sys.executable, "-m", "tests.cli.fake_colorize", "weights", *words]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=60)
    assert done.returncode == 5, done.stderr.decode()
    assert b"Standard output cannot be written" in done.stderr and b"Traceback" not in done.stderr


def test_standard_output_that_is_closed_costs_no_result(folder):
    make_photo("a.jpg")
    command = f'"{sys.executable}" -m tests.cli.fake_colorize weights a.jpg >&-'
    done = subprocess.run(command, shell=True, stderr=subprocess.PIPE, env=environment(), timeout=60)
    assert b"Traceback" not in done.stderr
    assert Path("a-color.jpg").exists()


def test_current_folder_that_was_deleted_is_told(folder):
    gone = folder / "gone"
    gone.mkdir()
    command = f'cd "{gone}" && rmdir "{gone}" && "{sys.executable}" -m tests.cli.fake_colorize {folder}/weights .'
    done = subprocess.run(command, shell=True, stderr=subprocess.PIPE, env=environment(), timeout=60)
    assert done.returncode in (2, 5), done.stderr.decode()
    assert b"Traceback" not in done.stderr and done.stderr


def test_folder_for_temporary_files_that_is_full_is_told(run, monkeypatch):
    import sqlite3

    def full(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    make_photo("a.jpg")
    monkeypatch.setattr("colorize_cli.batch.inputs.plan.sqlite3.connect", full)
    result = run("a.jpg")
    assert result.exit_code == 5
    assert "TMPDIR" in result.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [(MemoryError(), 4), (RuntimeError("can't start new thread"), 4), (PermissionError(13, "no", "x"), 5)],
)
def test_what_the_machine_refuses_has_its_exit_code(error, code):
    told = of_the_system(error)
    assert told is not None and told.exit_code == code and told.remedy
    assert of_the_system(ValueError("a mistake of ours")) is None


def test_user_without_a_home_can_colorize(folder, monkeypatch):
    import pwd

    from colorize_cli.checkpoints.hub import pins
    from colorize_cli.errors import CacheNotWritable

    def unknown(_: int) -> None:
        raise KeyError("uid not found")

    for name in ("HOME", "HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(CacheNotWritable, match="HF_HOME"):
        pins.cache_folder()
    assert pins._state_folders() == []


def malformed(seed: int) -> bytes:
    """Return lines as no program of ours writes them."""
    choose = random.Random(seed)
    rows = [
        b"", b"\0\0\0", b"\xff\xfe\xff", b"[" * 20_000, b"null", b"[]", b'{"input": 3}', b'{"input": "a.jpg"}',
        b'{"input": "a.jpg", "status": ["failed"]}', b'{"input": "a\\u0000.jpg", "status": "failed"}',
        b'{"input": "\\ud800.jpg", "status": "failed"}', b'{"input": "b.jpg", "status": "failed", "target": 7}',
        b'{"input": "c.jpg", "status": "failed", "target": "\\u0000"}',
        b'{"input": "d.jpg", "status": "done", "confidence": "x"}',
        json.dumps({"input": "x" * 5000 + ".jpg", "status": "failed", "target": "y" * 5000}).encode(),
        b'{"input": "e.jpg", "status": "passed_over", "kind": 7}', choose.randbytes(200),
    ]  # fmt: skip
    return b"\n".join(choose.choices(rows, k=12)) + b"\n"


@pytest.mark.parametrize("seed", range(25))
def test_malformed_files_of_users_end_in_messages(run, seed):
    make_photo("a.jpg")
    content = malformed(seed)
    Path("report.jsonl").write_bytes(b'{"input": "z.jpg", "status": "done"}\n' + content)
    Path("bare.jsonl").write_bytes(content)
    Path("list.txt").write_bytes(content)
    for words in (
        ("a.jpg", "--retry", "bare.jsonl", "-o", "out/"),
        ("--retry", "report.jsonl", "--dry-run"),
        ("report", "merge", "bare.jsonl", "report.jsonl"),
        ("@list.txt", "-o", "out/", "--dry-run"),
        ("a.jpg", "--skip-existing", "--report", "report.jsonl", "--gallery", "page.html"),
        ("a.jpg", "-o", "c.jpg", "--hints", "list.txt"),
    ):
        result = run(*words)
        assert result.exit_code in (0, 1, 2, 3), (words, result.stderr)
        assert Path("a.jpg").exists()
