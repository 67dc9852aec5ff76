import hashlib
import os
import signal
import threading
from pathlib import Path

import pytest

from colorize_cli.checkpoints import digest
from colorize_cli.checkpoints.digest import YOUNG, digest_ahead, digest_of


@pytest.fixture
def old(tmp_path):
    """A file that was last changed long ago."""
    path = tmp_path / "weights"
    path.write_bytes(b"weights")
    age(path)
    return path


def age(path, seconds=100.0):
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - int(seconds * 1e9)))


@pytest.fixture
def reads(monkeypatch):
    """The files that were read."""
    found = []
    original = digest.sha256_of
    monkeypatch.setattr(digest, "sha256_of", lambda path: found.append(path) or original(path))
    return found


def test_a_file_is_read_once_while_it_does_not_change(old, reads):
    assert digest_of(old) == digest_of(old) == hashlib.sha256(b"weights").hexdigest()
    assert reads == [old]
    old.write_bytes(b"changed")
    age(old, 50)
    assert digest_of(old) == hashlib.sha256(b"changed").hexdigest()


def test_what_was_begun_ahead_is_waited_for(old, reads):
    digest_ahead(old)
    assert digest_of(old) == hashlib.sha256(b"weights").hexdigest()
    assert reads == [old]


def test_a_file_just_written_is_read_every_time(old, reads):
    age(old, -100 + YOUNG / 2)
    digest_ahead(old)
    assert not reads
    digest_of(old)
    digest_of(old)
    assert reads == [old, old]


def test_a_file_that_cannot_be_read_is_tried_again(old, monkeypatch):
    def fails(path):
        raise PermissionError("no")

    with monkeypatch.context() as patch:
        patch.setattr(digest, "sha256_of", fails)
        with pytest.raises(PermissionError):
            digest_of(old)
    assert digest_of(old) == hashlib.sha256(b"weights").hexdigest()


def test_a_file_that_is_not_there_is_the_business_of_who_reads_it(tmp_path):
    digest_ahead(tmp_path / "none")
    with pytest.raises(OSError):
        digest_of(tmp_path / "none")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_does_not_wait_for_a_thread_that_it_does_not_have(tmp_path, monkeypatch):
    path = tmp_path / "weights"
    path.write_bytes(b"weights")
    os.utime(path, (1, 1))
    begun, go_on = threading.Event(), threading.Event()

    def slowly(_: Path) -> str:
        begun.set()
        go_on.wait(20)
        return "late"

    monkeypatch.setattr(digest, "sha256_of", slowly)
    digest.digest_ahead(path)
    assert begun.wait(20)
    monkeypatch.undo()
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # ends the child if it waits
        os._exit(0 if digest.digest_of(path) == hashlib.sha256(b"weights").hexdigest() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    go_on.set()
