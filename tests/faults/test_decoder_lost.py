"""A decoder that is killed, by the kernel for lack of memory or by somebody, costs its photograph and nothing else."""

import json
import os
import signal
import threading
import time
import zlib
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import make_photo, snapshot
from tests.cli.test_process import folder, start, visible
from tests.faults.test_set_aside import bounded, memory_group
from tests.imaging.codecs.test_pdf import document

__all__ = ["folder", "memory_group"]

pytestmark = pytest.mark.skipif(find_spec("pypdfium2") is None, reason="needs pypdfium2, whose files are decoded apart")
SIDE = 20_000
WORDS = ("scans", "-o", "out", "--report", "report.jsonl", "-j", "2")


@pytest.fixture
def scans(folder: Path) -> Path:
    """Five photographs, and a PDF page of 400 megapixels: its file is small, its picture is not."""
    for number in range(5):
        make_photo(f"scans/{number}.png", seed=number)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes([row % 251]) * SIDE) for row in range(SIDE)) + packer.flush()
    picture = (
        (
            f"<</Type/XObject/Subtype/Image/Width {SIDE}/Height {SIDE}/ColorSpace/DeviceGray/BitsPerComponent 8"
            f"/Filter/FlateDecode/Length {len(data)}>>stream\n"
        ).encode()
        + data
        + b"\nendstream"
    )
    Path("scans/2-page.pdf").write_bytes(document((b"q 300 0 0 200 0 0 cm /I Do Q", {"I": picture})))
    return folder


def check(code: int, said: str, before: dict[str, bytes]) -> None:
    """Only the PDF file failed, by name, and everything else is as in any other run."""
    assert code == 1, said
    assert "scans/2-page.pdf#page=1 was given up: the process that decoded it was killed, probably" in said, said
    assert "Traceback" not in said and "5 done, 1 failed" in said
    assert visible("out") == {f"{number}.png" for number in range(5)}
    for path in Path("out").iterdir():
        Image.open(path).load()
    rows = [json.loads(line) for line in Path("report.jsonl").read_text().splitlines()]
    assert [row["input"] for row in rows if row["status"] == "failed"] == ["scans/2-page.pdf#page=1"]
    assert snapshot("scans") == before
    assert not Path(".report.jsonl.under-way").exists(), "the run itself did not die"


def test_decoder_that_the_kernel_kills_in_a_memory_cgroup(scans: Path, memory_group: partial[None]) -> None:
    before = snapshot("scans")
    code, said = bounded(memory_group, *WORDS)
    check(code, said, before)
    assert killed_in(memory_group.args[0]) == 1, "the kernel ended the decoder, and nothing else"


def killed_in(group: Path) -> int:
    """Return how many processes of a cgroup the kernel has killed for lack of memory."""
    events = next(path for name in ("memory.events", "memory.oom_control") if (path := group / name).exists())
    return next(int(line.split()[1]) for line in events.read_text().splitlines() if line.startswith("oom_kill "))


def decoder_of(parent: int) -> int | None:
    """Return the process that decodes for another, once it is busy with the large page."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            command = (stat.parent / "cmdline").read_bytes()
            resident = int((stat.parent / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            continue
        if int(fields[1]) == parent and b"decode_apart" in command and resident > 200 << 20:
            return int(stat.parent.name)
    return None


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_decoder_that_somebody_kills(scans: Path) -> None:
    before = snapshot("scans")
    process = start(*WORDS)
    found: list[int] = []

    def kill() -> None:
        while process.poll() is None and not found:
            if decoder := decoder_of(process.pid):
                os.kill(decoder, signal.SIGKILL)
                found.append(decoder)
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    _, stderr = process.communicate(timeout=120)
    killer.join()
    assert found, stderr.decode()
    check(process.returncode, stderr.decode(), before)
