"""A photograph that ends the program twice is set aside and named; one during which somebody killed it is not."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from colorize_cli.batch import under_way
from colorize_cli.batch.under_way import UnderWay
from tests.batch.test_memory_bounds import bomb
from tests.cli.conftest import make_photo
from tests.cli.test_process import environment, folder, start, visible, wait_for

__all__ = ["folder"]

ODD = 37
"""Width of the picture that ends the program."""
WORDS = ("scans", "-o", "out", "--skip-existing", "--report", "report.jsonl", "-j", "3")
GROUPS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/memory"))
ROOM = 700 << 20


@pytest.fixture
def scans(folder: Path) -> Path:
    for number in range(6):
        make_photo(f"scans/{number}.png", width=ODD if number == 2 else 48, seed=number)
    return folder


def ended(*words: str, **more: str) -> tuple[int, str]:
    process = start(*words, **more)
    _, stderr = process.communicate(timeout=120)
    return process.returncode, stderr.decode()


def test_photo_that_crashes_the_program_twice_is_set_aside_and_the_others_are_done(scans: Path) -> None:
    for _ in range(2):
        assert ended(*WORDS, CRASH_AT=str(ODD))[0] == -signal.SIGSEGV
    code, said = ended(*WORDS, CRASH_AT=str(ODD))
    assert code == 1, said
    assert "'scans/2.png' was set aside: it was under way when the program crashed" in said and "2 times" in said
    assert visible("out") == {f"{number}.png" for number in (0, 1, 3, 4, 5)}
    assert ended(*WORDS, CRASH_AT=str(ODD))[0] == 1, "it stays aside"
    left = {path.suffix for path in Path(".report.jsonl.under-way").iterdir()}
    assert left == {".died"}, "only what is known of it is kept"
    make_photo("scans/2.png", width=ODD + 1)
    assert ended(*WORDS, CRASH_AT=str(ODD))[0] == 0, "another file under its name is not suspected"


def test_photo_that_was_only_near_a_crash_is_not_suspected_for_long(scans: Path) -> None:
    assert ended(*WORDS, CRASH_AT=str(ODD))[0] == -signal.SIGSEGV
    assert ended(*WORDS)[0] == 0
    assert not Path(".report.jsonl.under-way").exists()
    assert len(visible("out")) == 6


def test_runs_that_somebody_kills_suspect_nobody(scans: Path) -> None:
    for _ in range(2):
        process = start(*WORDS, STUCK="1")
        wait_for(b"stuck", process.stderr)
        process.kill()
        process.communicate()
    code, said = ended(*WORDS)
    assert code == 0, said
    assert len(visible("out")) == 6 and not Path(".report.jsonl.under-way").exists()


def test_two_runs_share_the_folder(tmp_path: Path) -> None:
    photo = make_photo(tmp_path / "a.png")
    with UnderWay(tmp_path / "notes") as one:
        one.begin(photo)
        with UnderWay(tmp_path / "notes") as other:
            assert other.deaths(photo) == 0
            other.begin(photo)
        assert len(list((tmp_path / "notes").iterdir())) >= 1
        one.end(photo)
    assert not (tmp_path / "notes").exists()


@pytest.mark.parametrize(("boot", "killed", "counts"), [("same", 0, 0), ("same", 1, 1), ("other", 0, 1)])
def test_lack_of_memory_and_a_new_start_of_the_machine_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boot: str, killed: int, counts: int
) -> None:
    photo, notes = make_photo(tmp_path / "a.png"), tmp_path / "notes"
    monkeypatch.setattr(under_way, "_boot", lambda: "same")
    monkeypatch.setattr(under_way, "_killed_for_memory", lambda: 5)
    gone = UnderWay(notes)
    gone._process = f"{under_way._host()}-{os.getpid()}-1"  # the number was another process's before
    notes.mkdir()
    gone.begin(photo)
    monkeypatch.setattr(under_way, "_boot", lambda: boot)
    monkeypatch.setattr(under_way, "_killed_for_memory", lambda: 5 + killed)
    with UnderWay(notes) as now:
        assert now.deaths(photo) == counts


def test_a_folder_that_cannot_be_written_or_holds_rubbish_hinders_nobody(tmp_path: Path) -> None:
    photo = make_photo(tmp_path / "a.png")
    (tmp_path / "file").write_text("")
    with UnderWay(tmp_path / "file" / "notes") as one:
        one.begin(photo)
        one.end(photo)
    notes = tmp_path / "notes"
    notes.mkdir()
    for name in ("x.running", "a-b-c-d.running", "--.died", ".crash", "nothing"):
        (notes / name).write_bytes(b"\xff{")
    with UnderWay(notes) as two:
        assert two.deaths(photo) == 0


@pytest.fixture
def memory_group() -> Iterator[partial[None]]:
    """Give a function that puts a process into a memory cgroup; skip where none can be made."""
    name = f"colorize-test-{os.getpid()}"
    for root, limit in zip(GROUPS, ("memory.max", "memory.limit_in_bytes"), strict=True):
        group = root / name
        try:
            if not (root / "cgroup.procs").exists():  # a folder of folders for the controllers: nothing limits there
                continue
            group.mkdir()
        except OSError:
            continue
        try:
            if not (group / limit).exists():
                raise OSError("the controller of memory is not enabled")
            (group / limit).write_text(str(ROOM))
            limited = int((group / limit).read_text()) <= ROOM
        except OSError:
            limited = False
        if not limited:
            group.rmdir()
            continue
        for swap in ("memory.swap.max", "memory.swappiness"):
            with contextlib.suppress(OSError):
                (group / swap).write_text("0")
        yield partial(_enter, group)
        for _ in range(100):
            with contextlib.suppress(OSError):
                group.rmdir()
            if not group.exists():
                return
            time.sleep(0.05)
        return
    pytest.skip("no memory cgroup can be made")


def _enter(group: Path) -> None:
    (group / "cgroup.procs").write_text(str(os.getpid()))


def bounded(enter: Callable[[], None], *words: str, **more: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.cli.fake_colorize", "weights", *words],
        env=environment(**more),
        preexec_fn=enter,
        capture_output=True,
        timeout=300,
    )
    return done.returncode, done.stderr.decode()


def test_in_a_memory_cgroup_what_takes_all_memory_is_set_aside_and_the_others_are_done(
    scans: Path, memory_group: Callable[[], None]
) -> None:
    Path("scans/z.webp").write_bytes(bomb())
    codes = [bounded(memory_group, *WORDS, FILL_AT=str(ODD))[0] for _ in range(2)]
    assert codes == [-signal.SIGKILL] * 2
    code, said = bounded(memory_group, *WORDS, FILL_AT=str(ODD))
    assert code == 1, said
    assert "'scans/2.png' was set aside" in said
    assert "'scans/z.webp' takes about 5.6 GB of memory to colorize" in said, said
    assert visible("out") == {f"{number}.png" for number in (0, 1, 3, 4, 5)}


def test_under_a_limit_of_address_space_it_fails_by_name_at_once(scans: Path) -> None:
    room = 3 << 30
    code, said = bounded(lambda: resource.setrlimit(resource.RLIMIT_AS, (room, room)), *WORDS, FILL_AT=str(ODD))
    assert code == 1, said
    assert "'scans/2.png': There is not enough memory for it." in said
    assert visible("out") == {f"{number}.png" for number in (0, 1, 3, 4, 5)}
