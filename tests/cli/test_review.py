"""``colorize review`` before it serves: what is refused, with which exit code, and what help costs."""

import subprocess
import sys

import pytest

from colorize_cli.cli import main
from tests.cli.conftest import make_photo


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_photo("photo.png")


def refused(capfd, code, *words):
    assert main(["review", "--no-browser", *words]) == code
    return capfd.readouterr().err


def test_a_folder_called_review_is_not_taken_for_the_command(capfd, tmp_path):
    (tmp_path / "review").mkdir()
    said = refused(capfd, 2)
    assert "Use ./review" in said


def test_names_that_are_not_there_and_models_that_do_not_exist(capfd):
    assert "no file or folder" in refused(capfd, 2, "nowhere")
    assert "no model" in refused(capfd, 3, "photo.png", "-m", "gna")


def test_a_port_that_is_taken_is_said(capfd):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port} cannot be used" in refused(capfd, 2, "photo.png", "--port", str(port))


@pytest.mark.parametrize("library", ["uvicorn", "starlette"])
def test_without_its_libraries_it_says_what_to_install(capfd, monkeypatch, library):
    for name in [name for name in sys.modules if name.startswith(("colorize_cli.review", library))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    assert f"pip install {library}" in refused(capfd, 4, "photo.png")


def test_a_file_that_is_no_review_is_left_as_it_is(capfd, tmp_path):
    (tmp_path / "review.jsonl").write_text("my notes\n")
    assert "contains no decisions" in refused(capfd, 2, "photo.png")
    assert (tmp_path / "review.jsonl").read_text() == "my notes\n"


def test_help_loads_neither_torch_nor_the_server():
    code = (
        "import sys; from colorize_cli.cli import main; main(['review', '--help'])\n"
        "assert not {'torch', 'numpy', 'starlette', 'uvicorn'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
