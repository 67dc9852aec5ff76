"""The room that photographs share under ``--memory-limit``."""

import mmap
import subprocess
import sys
import threading

import numpy as np
import pytest
from PIL import Image

from colorize_cli.batch.memory_limit import BYTES_A_PIXEL, MemoryBudget, memory_in_use, memory_of, parse_size
from colorize_cli.errors import UsageProblem


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GB", 4 * 10**9), ("500M", 5 * 10**8), ("2GiB", 2 << 30), ("1.5g", 15 * 10**8), ("123456", 123456)],
)
def test_sizes_are_read_as_people_write_them(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "4XB", "-1GB", "0", "4 G B"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UsageProblem, match="--memory-limit"):
        parse_size(text)


def test_need_is_told_from_the_header(tmp_path):
    Image.fromarray(np.zeros((40, 50), np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(np.zeros((40, 50), np.uint16)).save(tmp_path / "b.png")
    (tmp_path / "c.png").write_bytes(b"nothing" * 100)
    eight, sixteen = 2000 * BYTES_A_PIXEL, 4000 * BYTES_A_PIXEL
    assert eight < memory_of(tmp_path / "a.png") < eight + 1000
    assert sixteen < memory_of(tmp_path / "b.png") < sixteen + 1000
    assert memory_of(tmp_path / "c.png") >= 700


def test_memory_in_use_grows_with_what_is_held():
    before = memory_in_use()
    with mmap.mmap(-1, 50_000_000) as held:  # an array might take memory that was freed before
        held.write(b"\1" * len(held))
        assert memory_in_use() - before > 0.8 * len(held)


def test_photos_wait_for_room_and_a_large_one_goes_alone():
    budget = MemoryBudget(100)
    budget.reserve("a", 60)
    budget.reserve("b", 40)
    begun = threading.Event()

    def large():
        budget.reserve("large", 1000)
        begun.set()

    thread = threading.Thread(target=large)
    thread.start()
    budget.release("a")
    assert not begun.is_set()
    budget.release("nobody")
    budget.release("b")
    thread.join(10)
    assert begun.is_set()


FAULTS_OF_FIVE_PICTURES = """
import resource
from colorize_cli.batch.memory_limit import keep_freed_memory
kept = {keep} and keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    picture = b"1" * 48_000_000
    del picture
print(int(kept), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(keep: bool) -> tuple[bool, int]:
    program = FAULTS_OF_FIVE_PICTURES.format(keep=keep)
    kept, count = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    return kept == "1", int(count)


def test_memory_of_a_freed_picture_serves_the_next():
    _, anew = faults(keep=False)
    kept, count = faults(keep=True)
    if not kept or anew < 10_000:
        pytest.skip("This system's malloc cannot be told, or maps large pages.")
    assert count < anew / 3
