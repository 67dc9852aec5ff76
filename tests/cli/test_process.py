"""``colorize`` as a real process: what it imports, signals, pipes, and what a kill leaves behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.cli.conftest import FAKE_WEIGHTS, make_photo, snapshot

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights").write_bytes(FAKE_WEIGHTS)
    return tmp_path


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | more


def start(*words: str, **more: str) -> subprocess.Popen[bytes]:
    """Start ``colorize`` with the fake colorizer."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.cli.fake_colorize", "weights", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(**more),
        bufsize=0,  # what readline() reads ahead would be lost to communicate()
    )


def finish(*words: str) -> subprocess.CompletedProcess[bytes]:
    process = start(*words)
    stdout, stderr = process.communicate(timeout=60)
    return subprocess.CompletedProcess(words, process.returncode, stdout, stderr)


def wait_for(words: bytes, stream: IO[bytes]) -> None:
    """Read lines until one has the words in it."""
    read = []
    while words not in (line := stream.readline()):
        assert line, b"".join(read).decode()
        read.append(line)


def visible(folder: str) -> set[str]:
    return {path.name for path in Path(folder).rglob("*") if path.is_file() and not path.name.startswith(".")}


HEAVY = ("torch", "torchvision", "timm", "cv2", "numpy", "PIL", "tifffile", "safetensors", "huggingface_hub")


@pytest.mark.parametrize(
    "words", [["--help"], ["-h"], [], ["--version"], ["colorize", "-h"], ["models", "list"], ["models", "-h"]]
)
def test_help_imports_nothing_heavy(words):
    code = (
        "import sys; from colorize_cli.cli import main; code = main(sys.argv[1:]);"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules];"
        "assert code == 0 and not loaded, (code, loaded)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], env=environment(), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout


@pytest.mark.parametrize("words", [["--dry-run"], ["--skip-existing"], ["--skip-existing", "--dry-run"]])
def test_torch_is_not_loaded_where_nothing_is_colorized(folder, words):
    for suffix in (".jpg", ".png", ".tif"):
        make_photo(f"scans/{suffix[1:]}{suffix}")
    assert finish("scans", "-o", "color").returncode == 0
    code = (
        "import sys; from colorize_cli.cli import main; code = main(sys.argv[1:]);"
        "assert code == 0 and 'torch' not in sys.modules, code"
    )
    target = "color" if "--skip-existing" in words else "new"
    arguments = ["scans", "-o", f"{target}/", "--weights", "weights", "--json", *words]
    done = subprocess.run([sys.executable, "-c", code, *arguments], env=environment(), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.count(b'"status": "skipped"') == (3 if target == "color" else 0)
    assert not Path("new").exists()


def test_opencv_without_its_system_library_is_one_line_that_says_what_to_install(folder):
    (folder / "broken" / "cv2").mkdir(parents=True)
    (folder / "broken" / "cv2" / "__init__.py").write_text(
        'raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")'
    )
    make_photo("a.jpg")
    done = subprocess.run(
        [sys.executable, "-m", "colorize_cli", "a.jpg"],
        env=environment(PYTHONPATH=f"{folder / 'broken'}{os.pathsep}{ROOT}"),
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 4
    assert done.stderr.count(b"\n") == 1
    assert b"opencv-python-headless" in done.stderr


def test_library_that_is_not_installed_is_named_with_its_package(folder):
    (folder / "broken").mkdir()
    (folder / "broken" / "PIL.py").write_text("raise ModuleNotFoundError(\"No module named 'PIL'\", name='PIL')")
    make_photo("a.jpg")
    done = subprocess.run(
        [sys.executable, "-m", "colorize_cli", "a.jpg"],
        env=environment(PYTHONPATH=f"{folder / 'broken'}{os.pathsep}{ROOT}"),
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 4
    assert b"pip install pillow" in done.stderr
    assert b"Traceback" not in done.stderr


def test_kill_leaves_no_partial_file_and_the_next_run_completes(folder):
    for number in range(60):
        make_photo(f"scans/{number:02}.jpg", width=200, height=150, seed=number)
    assert finish("scans", "-o", "whole").returncode == 0
    process = start("scans", "-o", "out", "--jobs", "2")
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.communicate()
    assert visible("out") <= visible("whole")
    for name in visible("out"):
        Image.open(f"out/{name}").load()
    resumed = finish("scans", "-o", "out", "--skip-existing")
    assert resumed.returncode == 0, resumed.stderr.decode()
    assert {name: Path(f"out/{name}").read_bytes() for name in visible("out")} == {
        name: Path(f"whole/{name}").read_bytes() for name in visible("whole")
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_finishes_what_is_in_flight_writes_the_report_and_exits_130(folder, number):
    for count in range(200):
        make_photo(f"scans/{count:03}.png", width=200, height=150)
    process = start("scans", "-o", "out", "--report", "report.jsonl", "--jobs", "1")
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(number)
    rest, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr.decode()
    named = {Path(os.fsdecode(line)).name for line in (first + rest).splitlines()}
    rows = [json.loads(line) for line in Path("report.jsonl").read_text().splitlines()]
    assert visible("out") == named == {Path(row["output"]).name for row in rows}
    assert 0 < len(named) < 200
    assert b"not reached" in stderr
    assert set(snapshot("out")) == {f"out/{name}" for name in named}  # hidden temporary files included
    assert b"Traceback" not in stderr


def test_second_interrupt_aborts_at_once(folder):
    make_photo("a.jpg")
    process = start("a.jpg", STUCK="1")
    assert process.stderr is not None
    wait_for(b"stuck", process.stderr)  # sooner, the first signal could still end the run by itself
    process.send_signal(signal.SIGINT)
    wait_for(b"Ctrl-C again", process.stderr)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert visible(".") == {"a.jpg", "weights"}


def test_reader_that_goes_away_does_not_stop_the_work(folder):
    for count in range(30):
        make_photo(f"scans/{count:02}.png")
    process = start("scans", "-o", "out")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    stderr = process.stderr.read()
    assert process.wait(timeout=60) == 0, stderr.decode()
    assert len(visible("out")) == 30
    assert b"BrokenPipe" not in stderr
    assert b"Traceback" not in stderr


def test_full_device_on_standard_output_is_an_output_error(folder):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    make_photo("a.jpg")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tests.cli.fake_colorize", "weights", "a.jpg", "-o", "-"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            timeout=60,
        )
    assert done.returncode == 5
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr


def test_two_runs_on_one_tree_do_not_harm_each_other(folder):
    """Each photo is done once or by both alike; nothing is half written, and no row of the report is lost."""
    count = 60
    for number in range(count):
        make_photo(f"scans/{number:02}.jpg", width=200, height=150, seed=number)
    words = ("scans", "-o", "out", "--skip-existing", "--report", "report.jsonl", "-q")
    runs = [start(*words) for _ in range(2)]
    for process in runs:
        _, stderr = process.communicate(timeout=60)
        assert process.returncode in (0, 1), stderr.decode()
        assert b"Traceback" not in stderr
    assert len(visible("out")) == count == len(list(Path("out").iterdir()))
    for path in Path("out").iterdir():
        Image.open(path).load()
    rows = [json.loads(line) for line in Path("report.jsonl").read_text().splitlines()]
    done = sorted(row["input"] for row in rows if row["status"] == "done")
    assert done == [f"scans/{number:02}.jpg" for number in range(count)]
    assert len(rows) == 2 * count
    assert not [row for row in rows if row["status"] == "failed"]


def test_no_library_warns_whatever_the_format(folder):
    for suffix in (".jpg", ".png", ".tif", ".webp", ".jp2", ".avif", ".bmp", ".ppm", ".gif"):
        make_photo(f"scans/{suffix[1:]}{suffix}")
    gray = np.asarray(Image.open("scans/png.png"))
    tifffile.imwrite("scans/half.tif", (gray / 255).astype(np.float16))
    tifffile.imwrite("scans/wide.tif", gray.astype(np.uint32) * 1000)
    Path("scans/cut.jpg").write_bytes(Path("scans/jpg.jpg").read_bytes()[:200])
    Path("scans/odd.tif").write_bytes(b"II*\0no directory of tags")
    process = start("scans", "-o", "out", "--report", "r.jsonl", "--gallery", "g.html", "-v", PYTHONWARNINGS="error")
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 1, stderr.decode()
    rows = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    failed = {row["input"] for row in rows if row["status"] == "failed"}
    assert failed == {"scans/cut.jpg", "scans/odd.tif"}, stderr.decode()
    assert b"Warning" not in stderr
