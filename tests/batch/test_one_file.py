"""One file that is damaged, odd or in the way concerns itself, never the run."""

import errno
import os
import signal
import socket
from pathlib import Path

import pytest

from colorize_cli import files
from colorize_cli.errors import UnreadablePhoto
from colorize_cli.imaging.codecs.read import read_photo
from tests.cli.conftest import make_photo, models, run
from tests.cli.test_process import environment, folder, start

__all__ = ["environment", "folder", "models", "run"]


def _damaged_jpeg(path: str) -> None:
    """Write a JPEG whose coefficients decode but cannot be coded again: bits flipped all over its scan."""
    data = bytearray(make_photo(path, width=200, height=150).read_bytes())
    start_of_scan = data.index(b"\xff\xda") + 14
    for place in range(start_of_scan, len(data) - 2, 23):
        if 0xFF not in data[place - 1 : place + 2]:
            data[place] ^= 0x14
    Path(path).write_bytes(data)


def test_damaged_jpeg_does_not_end_a_run_with_luma_kept(run):
    for name in ("a", "c"):
        make_photo(f"scans/{name}.jpg")
    _damaged_jpeg("scans/b.jpg")
    result = run("scans", "-o", "out", "--lossless-luma", "-j", "1")
    assert result.exit_code in (0, 1)
    assert {"a.jpg", "c.jpg"} <= {path.name for path in Path("out").iterdir()}


def test_coefficients_that_cannot_be_coded_are_the_files_own_error(run, monkeypatch):
    import colorize_cli.imaging.codecs.jpeg.coefficients as module

    def refuse(*_: object, **__: object) -> None:
        raise OSError("writing of DCT file failed")

    library = module._jpeglib()
    monkeypatch.setattr(library.DCTJPEG, "write_dct", refuse)
    for name in ("a", "b"):
        make_photo(f"scans/{name}.jpg")
    result = run("scans", "-o", "out", "--lossless-luma")
    assert result.exit_code == 1
    assert "2 failed" in result.stderr and "temporary" not in result.stderr
    assert "is damaged: its coefficients cannot be coded" in result.stderr


def test_full_folder_for_temporary_files_is_named(run, monkeypatch):
    make_photo("a.jpg")
    monkeypatch.setattr("tempfile.tempdir", "/dev/null")
    result = run("a.jpg", "--lossless-luma")
    assert result.exit_code == 5
    assert "folder for temporary files" in result.stderr


def test_folder_that_takes_no_results_concerns_its_own_photos(run):
    for name in ("a/1", "b/1", "b/2", "c/1"):
        make_photo(f"scans/{name}.jpg")
    Path("out").mkdir()
    Path("out/b").write_text("in the way")
    result = run("scans", "-o", "out", "-j", "1")
    assert result.exit_code == 1
    assert "2 done, 2 failed" in result.stderr
    assert Path("out/c/1.jpg").exists() and Path("out/b").read_text() == "in the way"


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
def test_read_only_folder_beside_the_photos_concerns_its_own_photos(run, monkeypatch, code):
    for name in ("a/1", "b/1", "b/2", "c/1"):
        make_photo(f"scans/{name}.jpg")
    real = files._open_unnamed

    def refuse(folder: Path) -> int | None:
        if folder.name == "b":
            raise OSError(code, os.strerror(code))
        return real(folder)

    monkeypatch.setattr(files, "_open_unnamed", refuse)
    result = run("scans", "-j", "1")
    assert result.exit_code == 1
    assert "2 done, 2 failed" in result.stderr
    assert Path("scans/c/1-color.jpg").exists()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_disk_that_takes_nothing_more_concerns_all(run, monkeypatch, code):
    for number in range(12):
        make_photo(f"scans/{number}.jpg")

    def refuse(folder: Path) -> int | None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(files, "_open_unnamed", refuse)
    result = run("scans", "-j", "1")
    assert result.exit_code == 5
    assert "not reached" in result.stderr


def test_pipes_sockets_and_devices_are_refused_and_never_waited_for(run):
    make_photo("scans/a.jpg")
    os.mkfifo("pipe")
    Path("scans/b.jpg").symlink_to("../pipe")
    Path("scans/c.jpg").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.bind("socket")
        Path("scans/d.jpg").symlink_to("../socket")
        result = run("scans", "-o", "out")
    assert result.exit_code == 1
    assert "1 done, 3 failed" in result.stderr
    for word in ("is a pipe", "is a socket", "is a device"):
        assert word in result.stderr


def test_large_file_that_is_no_image_is_not_read(tmp_path):
    path = tmp_path / "scan.tif"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(UnreadablePhoto, match="is not an image"):
        read_photo(path)


def test_one_sigterm_ends_a_run_whose_photo_never_ends(folder):
    make_photo("a.jpg")
    process = start("a.jpg", "--report", "report.jsonl", STUCK="1", COLORIZE_TEST_PATIENCE="0.2")
    assert process.stderr is not None
    while b"stuck" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"did not end" in stderr


def test_results_in_another_folder_of_the_tree_do_not_become_inputs(run):
    make_photo("a.jpg")
    make_photo("b.bmp")
    make_photo("c.tif")
    assert run(".", "-o", "pale/", "--strength", "0.25").exit_code == 0
    Path("pale/c.tif").rename("pale/renamed.tif")
    for options in ((), ("--strip",)):
        out = "full" + "".join(options)
        result = run(".", "-o", out, "--force", *options)
        assert result.exit_code == 0
        assert sorted(path.name for path in Path(out).rglob("*.*") if path.suffix != ".xmp") == [
            "a.jpg",
            "b.bmp",
            "c.tif",
        ]
        assert "It is a result of colorize" in result.stderr
    assert run("pale/a.jpg", "-o", "again.jpg", "--force").exit_code == 0


def test_old_result_of_no_bytes_is_made_anew(run):
    make_photo("scans/a.jpg")
    Path("out").mkdir()
    Path("out/a.jpg").touch()
    assert run("scans", "-o", "out", "--skip-existing", "--dry-run").exit_code == 0
    assert Path("out/a.jpg").stat().st_size == 0
    result = run("scans", "-o", "out", "--skip-existing")
    assert result.exit_code == 0
    assert Path("out/a.jpg").stat().st_size > 0
