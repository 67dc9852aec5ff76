"""``colorize watch``: what counts as complete, what is tried again, and a watch as a real process."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from colorize_cli.batch import watch
from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.reports.outcome import Outcome
from colorize_cli.batch.watch import RETRY_AFTER, WatchedFolder, remote_kind
from colorize_cli.errors import UsageProblem
from tests.cli.conftest import gray_picture, make_photo
from tests.cli.test_process import folder, start, wait_for  # noqa: F401 - a fixture


@pytest.fixture
def now():
    return [100.0]


@pytest.fixture
def watched(tmp_path, monkeypatch, now):
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    options = ColorizeOptions(output="in/out", skip_existing=True)
    return WatchedFolder(Path("in"), options, settle=2, retries=2, now=lambda: now[0])


def names(items):
    return [(str(item.source), str(item.target)) for item in items]


def test_a_file_is_complete_when_size_and_time_stay_as_they_are(watched, now):
    path = make_photo("in/sub/a.jpg")
    watched.notice([path])
    assert watched.ready() == []
    now[0] += 1.9
    path.write_bytes(path.read_bytes() + b"\0")
    assert watched.ready() == []
    now[0] += 1.9
    assert watched.ready() == [], "it grew meanwhile"
    now[0] += 0.2
    assert names(watched.ready()) == [("in/sub/a.jpg", "in/out/sub/a.jpg")]
    watched.look()
    now[0] += 10
    assert watched.ready() == [], "each is returned once"


def test_what_is_there_already_comes_first_and_results_never_become_inputs(watched, now):
    for name in ("in/b.gif", "in/a.png", "in/out/a.png", "in/.hidden/c.png", "in/@eaDir/d.png"):
        make_photo(name)
    Path("in/notes.txt").write_text("x")
    Path("in/empty.jpg").write_bytes(b"")
    watched.look()
    now[0] += 2
    assert names(watched.ready()) == [("in/a.png", "in/out/a.png"), ("in/b.gif", "in/out/b.png")]


def test_a_changed_photo_is_taken_again_and_a_vanished_one_forgotten(watched, now):
    path = make_photo("in/a.png")
    watched.look()
    now[0] += 2
    assert len(watched.ready()) == 1
    make_photo("in/a.png", seed=1, width=50)
    watched.notice([path])
    now[0] += 2
    assert len(watched.ready()) == 1
    os.utime(path, ns=(1, 1))
    watched.notice([path])
    path.unlink()
    now[0] += 2
    assert watched.ready() == []


def test_failures_are_tried_again_so_often_and_then_listed(watched, now):
    path = make_photo("in/a.jpg")
    watched.look()
    now[0] += 2
    for attempt in (1, 2):
        assert len(watched.ready()) == 1
        assert f"({attempt} of 2)" in watched.ended(Outcome(path, None, "failed", "broken"))
        assert watched.ready() == []
        now[0] += RETRY_AFTER
    assert len(watched.ready()) == 1
    assert "not tried again" in watched.ended(Outcome(path, None, "failed", "broken"))
    assert watched.failed == {path: "broken"}
    now[0] += 100
    assert watched.ready() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"output": None}, "-o OUT/"),
        ({"output": "in"}, "could replace photos"),
        ({"output": "."}, "could replace photos"),
        ({"output": "out", "overwrite": True}, "--overwrite"),
        ({"output": "out", "shard": "1/2"}, "--shard"),
    ],
)
def test_what_could_lose_a_photo_or_makes_no_sense_is_refused(tmp_path, monkeypatch, changes, said):
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    with pytest.raises(UsageProblem, match=said):
        WatchedFolder(Path("in"), ColorizeOptions(**changes), settle=1, retries=0)


def test_a_folder_that_is_called_like_the_command_is_reached_through_a_slash(run):
    make_photo("watch/a.jpg")
    result = run("watch")
    assert result.exit_code == 2 and "./watch" in result.stderr
    assert run("./watch").stdout == "watch/a-color.jpg\n"


@pytest.mark.parametrize("poll", [(), ("--poll",)])
def test_photos_that_arrive_are_colorized_until_sigterm(folder, poll):  # noqa: F811
    pytest.importorskip("watchfiles")
    make_photo("in/first.jpg")
    process = start("watch", "in", "-o", "out/", "--settle", "0.2", "--retries", "0", *poll)
    assert process.stdout is not None and process.stderr is not None
    wait_for(b"Watching 'in'", process.stderr)
    assert process.stdout.readline() == b"out/first.jpg\n"
    gray_picture().save("arriving.part", "PNG")
    Path("arriving.part").replace("in/second.png")
    assert process.stdout.readline() == b"out/second.png\n"
    Path("in/broken.jpg").write_bytes(b"nonsense")
    wait_for(b"not tried again", process.stderr)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1, "one photo failed"
    assert b"2 done, 1 failed" in stderr and b"failed: in/broken.jpg" in stderr
    assert Image.open("out/second.png").mode == "RGB"


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/mnt/nas/scans", "nfs4"),
        ("/mnt/nas", "nfs4"),
        ("/mnt/nas/local/scans", ""),
        ("/mnt/nasty", ""),
        ("/home/a b/phone/pictures", "fuse.sshfs"),
        ("/media/stick", ""),
        ("/twice", "cifs"),
    ],
)
def test_a_network_drive_is_known_by_what_is_mounted_there(tmp_path, monkeypatch, folder, kind):  # noqa: F811
    (tmp_path / "mounts").write_text(
        "/dev/sda1 / ext4 rw 0 0\nserver:/x /mnt/nas nfs4 rw 0 0\n/dev/sdb1 /mnt/nas/local ext4 rw 0 0\n"
        "a@b: /home/a\\040b/phone fuse.sshfs rw 0 0\n/dev/sdc1 /media/stick fuseblk rw 0 0\n"
        "tmpfs /twice tmpfs rw 0 0\n//s/share /twice cifs rw 0 0\nodd\n"
    )
    monkeypatch.setattr(watch, "MOUNTS", tmp_path / "mounts")
    monkeypatch.setattr("os.path.realpath", str)
    assert remote_kind(Path(folder)) == kind


def test_where_no_mounts_are_listed_no_drive_is_a_network_drive(tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "MOUNTS", tmp_path / "none")
    assert remote_kind(tmp_path) == ""


@pytest.mark.skipif(
    not (shutil.which("bindfs") and Path("/dev/fuse").exists() and getattr(os, "geteuid", lambda: 1)() == 0),
    reason="needs bindfs, /dev/fuse and root",
)
def test_photos_that_another_computer_puts_on_a_network_drive_are_found(folder):  # noqa: F811
    pytest.importorskip("watchfiles")
    make_photo("there/first.jpg")
    Path("here").mkdir()
    subprocess.run(["bindfs", "there", "here"], check=True)
    try:
        process = start("watch", "here", "-o", "out/", "--settle", "0.2")
        assert process.stdout is not None and process.stderr is not None
        wait_for(b"network drive (fuse", process.stderr)
        assert process.stdout.readline() == b"out/first.jpg\n"
        make_photo("there/sub/second.png")
        assert process.stdout.readline() == b"out/sub/second.png\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == 0
    finally:
        subprocess.run(["umount", "here"], check=True)
