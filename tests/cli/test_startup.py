"""How ``colorize`` starts and ends: what it loads beyond torch, and that leaving at once loses nothing."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from colorize_cli.checkpoints.locate import bundled_path
from colorize_cli.cli.startup import wait_briefly, without_collections
from colorize_cli.registry import get
from tests.cli.conftest import make_photo
from tests.cli.test_process import environment

NEEDLESS = ("torchvision", "timm", "scipy", "sklearn", "skimage", "matplotlib", "pandas", "huggingface_hub",
            "tifffile", "onnx", "starlette", "watchfiles", "rich", "torch._dynamo", "torch._inductor", "torch.onnx",
            "torch.utils.tensorboard", "torch.ao.quantization.quantize_fx")  # fmt: skip
"""What colorizing one JPEG file with the default model must not import beyond what torch imports itself."""


def python(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=300)


@pytest.mark.skipif(bundled_path(get("gan")) is None, reason="the weights of gan are not here")
def test_colorizing_a_photo_imports_little_beyond_torch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_photo("a.jpg")
    code = (
        "import sys, torch; before = set(sys.modules);"
        "from colorize_cli.cli import main; code = main(sys.argv[1:]);"
        f"new = [name for name in set(sys.modules) - before if name.startswith({NEEDLESS!r})];"
        "assert code == 0 and not new, (code, new)"
    )
    done = python(code, "a.jpg", "--device", "cpu", "-q")
    assert done.returncode == 0, done.stderr
    assert Path("a-color.jpg").is_file()


LEAVE = """
import atexit, sys
import colorize_cli.cli.startup as startup
class Loud:
    def __del__(self): print("freed")
def main():
    atexit.register(print, "left")
    sys.modules["kept"] = Loud()
    print("worked")
    {last}
sys.exit(startup.run_and_leave(main))
"""


def test_the_process_ends_with_its_code_and_after_what_libraries_do_at_exit():
    done = python(LEAVE.format(last="return 5"))
    assert (done.returncode, done.stdout, done.stderr) == (5, "worked\nleft\n", "")


def test_an_error_ends_the_process_as_ever():
    done = python(LEAVE.format(last="raise ValueError('odd')"))
    assert done.returncode == 1
    assert "ValueError: odd" in done.stderr
    assert "left\n" in done.stdout


def test_a_profiler_or_coverage_sees_the_usual_end():
    done = python("import sys; sys.modules['coverage'] = sys;" + LEAVE.format(last="return 0"))
    assert done.returncode == 0
    assert "freed" in done.stdout


def test_a_stream_that_cannot_be_written_is_reported_as_python_does():
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-c", LEAVE.format(last="return 0")]
        # Buffered, as by default: what is written fails at the end only.
        given = environment(PYTHONUNBUFFERED="")
        done = subprocess.run(command, env=given, stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 120
    assert b"No space left" in done.stderr


def test_collections_go_on_after_loading():
    with without_collections():
        assert not gc.isenabled()
    try:
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_a_program_without_collections_stays_without():
    gc.disable()
    try:
        with without_collections():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize("chosen", [{}, {"OMP_WAIT_POLICY": "ACTIVE"}, {"GOMP_SPINCOUNT": "7"}])
def test_threads_that_wait_sleep_unless_the_user_wants_otherwise(monkeypatch, chosen):
    monkeypatch.setattr("os.environ", dict(chosen))
    wait_briefly()
    import os

    assert os.environ == (chosen or {"GOMP_SPINCOUNT": "10000"})
