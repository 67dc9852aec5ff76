"""Results beside other people's files: no original replaced under another name, no mode wider, nothing left behind."""

import ctypes
import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from colorize_cli import files
from colorize_cli.errors import OutputExists
from colorize_cli.files import atomic_file, remove_leftovers
from tests.cli.conftest import make_photo, models, run, snapshot

__all__ = ["models", "run"]


def test_overwrite_never_replaces_an_original_by_another_name(run):
    make_photo("scans/a.jpg")
    Path("out").mkdir()
    Path("out/a.jpg").hardlink_to("scans/a.jpg")  # what a bind mount looks like to the names
    before = snapshot()
    result = run("scans", "-o", "out", "--overwrite")
    assert result.exit_code == 2
    assert "by another name" in result.stderr
    assert snapshot() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts, which only root can")
def test_overwrite_never_replaces_an_original_in_a_bind_mount(run):
    make_photo("scans/a.jpg")
    Path("out").mkdir()
    if subprocess.run(["mount", "--bind", "scans", "out"], capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    try:
        before = snapshot()
        assert run("scans/a.jpg", "-o", "out/", "--overwrite").exit_code == 2
        assert snapshot() == before
    finally:
        subprocess.run(["umount", "out"], check=True)


def test_own_results_are_overwritten_beside_their_photos(run):
    make_photo("scans/a.jpg")
    assert run("scans").exit_code == 0
    assert run("scans", "--overwrite").exit_code == 0


@pytest.mark.parametrize(("scan", "folder", "mode", "above"), [
    (0o600, 0o700, 0o600, 0o700), (0o644, 0o755, 0o644, 0o755), (0o444, 0o555, 0o644, 0o755), (0o640, 0o750, 0o640,
    0o750), (0o666, 0o777, 0o644, 0o755),
])  # fmt: skip
@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_results_are_no_more_open_than_their_scans(run, suffix, scan, folder, mode, above):
    path = make_photo(f"scans/box/a.{suffix}")
    path.chmod(scan)
    path.parent.chmod(folder)
    mask = os.umask(0o022)
    try:
        assert run("scans", "-o", "out").exit_code == 0
    finally:
        os.umask(mask)
        path.parent.chmod(0o755)
    assert Path(f"out/box/a.{suffix}").stat().st_mode & 0o777 == mode
    assert Path("out/box").stat().st_mode & 0o777 == above


def _dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_parts_of_killed_processes_are_removed_by_the_next_run_and_no_others(run):
    make_photo("scans/a.jpg")
    Path("out").mkdir()
    host = files._host()
    kept = {
        f".colorize-{host}-{os.getpid()}-00ff.part",
        f".colorize-elsewhere-{_dead_process()}-00ff.part",
        ".colorize-1.part",
        "mine.part",
    }
    old = f".colorize-{host}-{_dead_process()}-00ff.part"
    fresh = f".colorize-{host}-{_dead_process()}-11ff.part"
    for name in (*kept, old, fresh):
        Path("out", name).write_bytes(b"half")
        os.utime(Path("out", name), (0, 0) if name != fresh else (time.time(), time.time()))
    assert run("scans", "-o", "out").exit_code == 0
    assert {path.name for path in Path("out").iterdir()} == {*kept, fresh, "a.jpg"}


def test_name_of_a_part_says_who_writes_it(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_open_unnamed", lambda folder: None)
    with atomic_file(tmp_path / "a.jpg") as file:
        file.write(b"x")
        (name,) = (path.name for path in tmp_path.iterdir())
        assert name.startswith(f".colorize-{files._host()}-{os.getpid()}-")
        remove_leftovers(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.skipif(sys.platform != "linux", reason="renameat2")
def test_new_result_is_renamed_into_place_and_refuses_a_name_that_is_taken_meanwhile(tmp_path, monkeypatch):
    def no_link(*_: object, **__: object) -> None:
        raise AssertionError("a link")

    monkeypatch.setattr(files, "_open_unnamed", lambda folder: None)
    monkeypatch.setattr(os, "link", no_link)
    with atomic_file(tmp_path / "a.jpg") as file:
        file.write(b"first")
    with pytest.raises(OutputExists), atomic_file(tmp_path / "b.jpg") as file:
        file.write(b"second")
        (tmp_path / "b.jpg").write_bytes(b"of somebody")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.jpg": b"first", "b.jpg": b"of somebody"}


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EPERM, errno.ENOSYS])
def test_file_system_with_neither_gives_the_name_all_the_same(tmp_path, monkeypatch, code):
    def refuse(*_: object) -> int:
        ctypes.set_errno(errno.EINVAL)
        return -1

    def no_link(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(files, "_open_unnamed", lambda folder: None)
    monkeypatch.setattr(files, "_renameat2", lambda: refuse)
    monkeypatch.setattr(os, "link", no_link)
    with atomic_file(tmp_path / "a.jpg") as file:
        file.write(b"whole")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.jpg": b"whole"}
