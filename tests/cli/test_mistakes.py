"""What people type by mistake gets an answer that helps."""

import logging
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import gray_picture, make_photo, snapshot


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("photo.jgp",), "Did you mean 'photo.jpg'?"),
        (("scans/phot.png",), "Did you mean 'scans/photo.png'?"),
        (("https://example.org/photo.jpg",), "Download the photo first"),
        (("help",), "colorize --help"),
        (("info",), "colorize models show"),
        (("-r", "scans"), "Leave out -r"),
        (("scans", "--recursive"), "searched with their subfolders"),
        (("photo.jpg", "--hints", "hint.png"), "Did you mean 'hints.png'?"),
        (("photo.jpg", "--hints", "scans"), "cannot be read"),
        (("config",), "colorize ./config"),
    ],
)
def test_mistakes_are_usage_errors_with_the_nearest_remedy(run, monkeypatch, words, said):
    from colorize_cli.inference import hints

    monkeypatch.setattr("colorize_cli.batch.resume._Loaded", lambda options, **_: hints.read_hints(options.hints))
    for name in ("photo.jpg", "scans/photo.png", "config/photo.png"):
        make_photo(name)
    make_photo("hints.png")
    before = snapshot()
    result = run(*words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert snapshot() == before


def test_an_unknown_device_names_the_nearest_one_and_keeps_its_exit_code():
    from colorize_cli.compute import choose
    from colorize_cli.errors import DeviceError

    for name, near in (("gpu", "cuda"), ("cdua", "cuda"), ("metal", "mps")):
        with pytest.raises(DeviceError, match=f"Did you mean {near}") as caught:
            choose(name)
        assert caught.value.exit_code == 4


def test_retrying_where_nothing_failed_says_so(run):
    make_photo("scans/a.jpg")
    run("scans", "-o", "out", "--report", "report.jsonl")
    result = run("--retry", "report.jsonl")
    assert result.exit_code == 0
    assert "nothing to retry" in result.stderr


def test_a_dry_run_counts_what_is_planned(run):
    make_photo("scans/a.jpg")
    make_photo("scans/b.jpg")
    run("scans/a.jpg", "-o", "out/")
    result = run("scans", "-o", "out", "--skip-existing", "--dry-run")
    assert "Planned: 1 to colorize, 1 to skip. Nothing was written." in result.stderr


@pytest.mark.parametrize(("format", "suffix"), [("JPEG", ".jpg"), ("TIFF", ".tif"), ("PNG", ".png")])
def test_a_photo_without_a_suffix_keeps_its_own_format(run, format, suffix):
    gray_picture().save("IMG_0001", format)
    assert run("IMG_0001").stdout == f"IMG_0001-color{suffix}\n"
    assert Image.open(f"IMG_0001-color{suffix}").format == format


def test_a_log_file_has_every_message_and_path_with_its_time(run):
    make_photo("scans/a.jpg")
    Path("scans/b.jpg").write_bytes(b"")
    result = run("scans", "-o", "out", "-q", "--log-file", "run.log")
    assert result.exit_code == 1
    log = Path("run.log").read_text()
    assert "Done: out/a.jpg" in log and "Failed: scans/b.jpg" in log and "1 done, 1 failed" in log
    assert all(line[:2] == "20" for line in log.splitlines())
    run("scans", "-o", "out", "--log-file", "run.log")
    assert "already exists" in Path("run.log").read_text(), "errors that end the program are logged, too"


def test_a_log_file_that_cannot_be_written_is_refused_before_any_work(run, models):
    make_photo("a.jpg")
    assert run("a.jpg", "--log-file", "missing/run.log").exit_code == 5
    assert run("a.jpg", "--log-file", "a.jpg", "--overwrite").exit_code == 2
    assert not models.loaded


def test_what_the_library_announces_is_printed_and_quiet_with_q(run, models):
    make_photo("a.jpg")
    models.on_predict = lambda: logging.getLogger("colorize_cli.checkpoints.hub").info("Downloading 228 MB.")
    assert "Downloading 228 MB." in run("a.jpg").stderr
    assert "Downloading" not in run("a.jpg", "-q", "--overwrite").stderr


def test_a_tilde_within_a_word_is_the_home_folder(run, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    make_photo("a.png")
    result = run("a.png", "--output=~/out/", "--report=~/report.jsonl", "--label=~/here")
    assert result.exit_code == 0, result.stderr
    assert (home / "out" / "a.png").exists() and (home / "report.jsonl").exists()
    assert not Path("~").exists()


def test_photo_that_is_called_like_a_command_is_told_how_to_be_named(run):
    make_photo("scan.jpg").rename("report")
    result = run("report", "-o", "out.jpg")
    assert result.exit_code == 2 and "For the photo of that name, use ./report" in result.stderr
    assert run("./report", "-o", "out.jpg").exit_code == 0
    Path("bench").write_text("no picture")
    assert "Note" not in run("bench", "--help").stderr
