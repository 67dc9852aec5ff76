"""``colorize``: what is written where, what is refused, what is said where, and the exit code."""

import io
import json
import os
import re
import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorize_cli.errors import OutOfMemory, OutputError
from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from tests.cli.conftest import gray_picture, make_photo, saturation, snapshot


def test_photo_becomes_color_beside_it_and_only_its_path_is_on_stdout(run):
    make_photo("photo.jpg")
    before = snapshot()
    result = run("photo.jpg", "-m", "gan")
    assert result.exit_code == 0
    assert result.stdout == "photo-color.jpg\n"
    assert saturation("photo-color.jpg") > 10
    assert Image.open("photo-color.jpg").size == (48, 32)
    assert snapshot()["photo.jpg"] == before["photo.jpg"]


def test_verb_and_order_of_options_make_no_difference(run):
    make_photo("photo.png")
    for number, words in enumerate([("colorize", "photo.png"), ("-m", "gan", "photo.png"), ("photo.png", "-m", "gan")]):
        assert run(*words, "-o", f"{number}.png").exit_code == 0
    assert snapshot()["0.png"] == snapshot()["1.png"] == snapshot()["2.png"]


def test_what_was_made_is_recorded_in_the_result(run):
    make_photo("photo.jpg")
    run("photo.jpg", "--strength", "0.5", "--size", "96")
    found = read_provenance("photo-color.jpg")
    assert (found.model, found.parameters) == ("gan", {"size": "96", "strength": "0.5"})


def test_strength_zero_leaves_gray(run):
    make_photo("photo.png")
    run("photo.png", "--strength", "0")
    assert saturation("photo-color.png") == 0


def test_folder_is_mirrored_and_two_corrupt_files_stop_nobody(run):
    for name in ("scans/a.jpg", "scans/1920/b.png", "scans/1920/summer/c.tif", "scans/d.webp"):
        make_photo(name)
    Path("scans/1920/bad.jpg").write_bytes(b"\xff\xd8\xff this is no photograph")
    Path("scans/empty.png").write_bytes(b"")
    result = run("scans", "-o", "results")
    assert result.exit_code == 1
    assert sorted(result.stdout.split()) == [
        "results/1920/b.png",
        "results/1920/summer/c.tif",
        "results/a.jpg",
        "results/d.webp",
    ]
    assert sorted(snapshot("results")) == sorted(result.stdout.split())
    assert "4 done, 2 failed" in result.stderr
    assert "scans/1920/bad.jpg" in result.stderr
    assert "scans/empty.png" in result.stderr
    assert "Traceback" not in result.stderr


def test_second_run_with_skip_existing_does_nothing_and_loads_no_model(run, models):
    make_photo("scans/a.jpg")
    make_photo("scans/b.bmp")
    assert run("scans").exit_code == 0
    before = snapshot()
    result = run("scans", "--skip-existing")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "4 skipped" in result.stderr  # two results that exist, and those results as files of the folder
    assert len(models.loaded) == 1
    assert snapshot() == before


def test_skip_existing_colorizes_only_what_is_missing(run, models):
    make_photo("scans/a.jpg")
    run("scans", "-o", "out")
    make_photo("scans/b.jpg")
    result = run("scans", "-o", "out", "--skip-existing")
    assert result.stdout == "out/b.jpg\n"
    assert models.loaded[-1].asked == 1


@pytest.mark.parametrize(
    ("made_with", "said"),
    [
        (("-m", "gan-64"), "made by model 'gan-64'"),
        (("--strength", "0.5"), "made with other options"),
        (("--weights", "../other"), "made by other weights"),
        (None, "was not made by colorize"),
    ],
)
def test_skip_existing_names_and_leaves_what_something_else_made(run, made_with, said):
    Path("../other").write_bytes(b"other weights")
    make_photo("scans/a.jpg")
    if made_with is None:
        make_photo("out/a.jpg", seed=1)
    else:
        run("scans", "-o", "out", *made_with)
    before = snapshot()
    result = run("scans", "-o", "out", "--skip-existing", "-q")
    assert result.exit_code == 0
    assert "'out/a.jpg'" in result.stderr
    assert said in result.stderr
    assert snapshot() == before


def test_overwrite_replaces_results_but_no_originals(run):
    make_photo("a.png")
    run("a.png", "--strength", "0")
    assert run("a.png", "--overwrite").exit_code == 0
    assert saturation("a-color.png") > 10


REFUSED = {
    "existing output": (["a.jpg"], "already exists"),
    "existing among many": (["a.jpg", "b.jpg", "c.gif"], "already exists"),
    "collision": (["c.gif", "c.png"], "would both be written"),
    "overwrite and skip": (["a.jpg", "--overwrite", "--skip-existing"], "contradict"),
    "original replaced": ([".", "-o", ".", "--overwrite"], "would replace the original"),
    "missing": (["gone.jpg"], "no file or folder called 'gone.jpg'"),
    "empty folder": (["empty"], "no photographs"),
    "several into one file": (["b.jpg", "c.gif", "-o", "a.jpg"], "is a file"),
    "unknown suffix": (["b.jpg", "-o", "out.xyz"], "no suffix of a known format"),
    "strength": (["b.jpg", "--strength", "2"], "must be between 0 and 1"),
    "quality": (["b.jpg", "--quality", "101"], "must be between 1 and 100"),
    "format": (["b.jpg", "--format", "gif"], "gif"),
    "unknown option": (["b.jpg", "--colour"], "--colour"),
    "json beside a picture": (["b.jpg", "-o", "-", "--json"], "cannot carry both"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusal_comes_before_any_work(run, models, case):
    words, said = REFUSED[case]
    for name in ("a.jpg", "a-color.jpg", "b.jpg", "c.gif", "c.png"):
        make_photo(name)
    Path("empty").mkdir()
    before = snapshot()
    result = run(*words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert (result.stdout, snapshot(), models.loaded) == ("", before, [])


def test_unknown_model_is_a_model_error_that_lists_the_models(run):
    make_photo("a.jpg")
    result = run("a.jpg", "-m", "gann")
    assert result.exit_code == 3
    assert "gan-64" in result.stderr


@pytest.mark.parametrize(("word", "command"), [("modles", "models"), ("colorise", "colorize")])
def test_misspelt_command_gets_a_suggestion(run, word, command):
    result = run(word)
    assert result.exit_code == 2
    assert f"no file or folder called '{word}'" in result.stderr
    assert f"There is a command '{command}'" in result.stderr


def test_folder_with_the_name_of_a_command_is_reached_through_a_slash(run):
    make_photo("models/a.jpg")
    assert run("./models").stdout == "models/a-color.jpg\n"


def test_command_that_does_not_stand_first_is_explained(run):
    result = run("-q", "models")
    assert result.exit_code == 2
    assert "put it first" in result.stderr


def test_stdin_to_stdout_carries_the_image_and_nothing_else(run):
    data = io.BytesIO()
    gray_picture().save(data, "PNG")
    result = run("-", stdin=data.getvalue())
    assert result.exit_code == 0
    picture = Image.open(io.BytesIO(result.stdout_bytes))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (48, 32))
    assert result.stdout_bytes.endswith(b"IEND\xaeB`\x82")


def test_stdin_to_a_file_and_a_file_to_stdout(run):
    data = io.BytesIO()
    gray_picture().save(data, "JPEG")
    assert run("-", "-o", "out.png", stdin=data.getvalue()).stdout == "out.png\n"
    assert Image.open("out.png").format == "PNG"
    make_photo("a.jpg")
    result = run("a.jpg", "-o", "-", "--format", "png")
    assert Image.open(io.BytesIO(result.stdout_bytes)).format == "PNG"


def test_broken_image_on_stdin_fails_without_a_byte_on_stdout(run):
    result = run("-", stdin=b"nonsense")
    assert (result.exit_code, result.stdout_bytes) == (1, b"")
    assert "standard input" in result.stderr


def test_json_gives_a_row_a_photo_and_a_summary(run):
    make_photo("scans/a.jpg")
    Path("scans/b.jpg").write_bytes(b"")
    result = run("scans", "--json")
    *rows, summary = [json.loads(line) for line in result.stdout.splitlines()]
    rows = {row["input"]: row for row in rows}
    assert rows["scans/a.jpg"]["output"] == "scans/a-color.jpg"
    assert rows["scans/a.jpg"]["model"] == "gan"
    assert rows["scans/b.jpg"]["status"] == "failed"
    assert summary == {"summary": {"done": 1, "skipped": 0, "failed": 1}, "exit_code": 1}


def test_report_and_failed_list_are_left_behind(run):
    make_photo("scans/a.jpg")
    Path("scans/b.jpg").write_bytes(b"")
    run("scans", "--report", "report.jsonl", "--failed-list", "failed.txt")
    rows = {row["input"]: row for row in map(json.loads, Path("report.jsonl").read_text().splitlines())}
    assert rows["scans/a.jpg"]["status"] == "done"
    assert len(rows["scans/a.jpg"]["input_sha256"]) == len(rows["scans/a.jpg"]["output_sha256"]) == 64
    assert rows["scans/b.jpg"]["status"] == "failed"
    assert Path("failed.txt").read_text().splitlines()[1:] == ["scans/b.jpg"]


def test_dry_run_says_what_would_happen_and_does_nothing(run, models):
    make_photo("scans/a.jpg")
    make_photo("scans/b.gif")
    before = snapshot()
    result = run("scans", "-o", "out", "--dry-run", "--report", "report.jsonl")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == ["scans/a.jpg -> out/a.jpg", "scans/b.gif -> out/b.png"]
    assert (snapshot(), models.loaded) == (before, [])


def test_dry_run_of_a_resumed_run_tells_what_is_left(run):
    make_photo("scans/a.jpg")
    run("scans", "-o", "out")
    make_photo("scans/b.jpg")
    lines = run("scans", "-o", "out", "--skip-existing", "--dry-run").stdout.splitlines()
    assert lines[0].startswith("scans/a.jpg: skipped")
    assert lines[1] == "scans/b.jpg -> out/b.jpg"


def test_quiet_says_nothing_when_all_is_well_and_the_device_is_said_once_otherwise(run):
    make_photo("a.jpg")
    make_photo("b.jpg")
    assert run("a.jpg", "b.jpg", "-o", "out/", "-q").stderr == ""
    assert run("a.jpg", "b.jpg", "-o", "again/").stderr.count("a fake device") == 1


def test_every_page_of_a_tiff_is_colorized(run):
    pages = [gray_picture(seed=n) for n in range(3)]
    pages[0].save("album.tif", save_all=True, append_images=pages[1:])
    assert run("album.tif").exit_code == 0
    with Image.open("album-color.tif") as album:
        assert album.n_frames == 3
        for number, page in enumerate(pages):
            album.seek(number)
            difference = np.asarray(album.convert("L")).astype(int) - np.asarray(page).astype(int)
            assert np.abs(difference).mean() < 12  # this very page, though luma is not L*


def test_only_the_first_page_fits_another_format_and_that_is_said(run):
    gray_picture().save("album.tif", save_all=True, append_images=[gray_picture(seed=1)])
    result = run("album.tif", "--format", "png")
    assert Image.open("album-color.png").size == (48, 32)
    assert "first of 2 pages" in result.stderr


def test_notes_are_said_once_for_many_files(run):
    for number in range(4):
        make_photo(f"scans/{number}.gif")
    assert run("scans").stderr.count("GIF") == 1


def test_name_that_is_not_utf8_is_colorized_and_printed_in_its_own_bytes(run):
    name = os.fsdecode(b"caf\xe9.png")
    make_photo("x.png")
    os.rename("x.png", name)  # noqa: PTH104 - Pillow cannot save to such a name
    result = run(".", "-o", "out")
    assert result.exit_code == 0
    assert result.stdout_bytes == b"out/caf\xe9.png\n"
    Path(name).write_bytes(b"")
    assert "caf\\udce9.png" in run(name, "-o", "out2/").stderr
    assert json.loads(run(name, "-o", "out2/", "--json").stdout.splitlines()[0])["input"] == name


def test_control_characters_in_names_do_not_reach_the_terminal(run):
    Path("evil\x1b[2J.jpg").write_bytes(b"")
    result = run("evil\x1b[2J.jpg")
    assert "\x1b" not in result.stderr
    assert "evil\\x1b[2J.jpg" in result.stderr


def test_unexpected_error_of_one_photo_is_its_failure_with_a_traceback_only_on_v(run, monkeypatch):
    from colorize_cli.imaging.codecs.read import read_photo

    def strange(source, **options):
        if "b.jpg" in str(source):
            raise ZeroDivisionError("by zero")
        return read_photo(source, **options)

    monkeypatch.setattr("colorize_cli.batch.work.read_photo", strange)
    make_photo("scans/a.jpg")
    make_photo("scans/b.jpg")
    result = run("scans", "-o", "out")
    assert (result.exit_code, result.stdout) == (1, "out/a.jpg\n")
    assert "ZeroDivisionError: by zero" in result.stderr
    assert "Traceback" not in result.stderr
    assert "Traceback" in run("scans", "-o", "again", "-v").stderr


def test_running_out_of_memory_on_one_photo_is_its_failure(run, monkeypatch):
    from colorize_cli.imaging.codecs.read import read_photo

    def huge(source, **options):
        if "b.jpg" in str(source):
            raise MemoryError
        return read_photo(source, **options)

    monkeypatch.setattr("colorize_cli.batch.work.read_photo", huge)
    make_photo("scans/a.jpg")
    make_photo("scans/b.jpg")
    result = run("scans", "-o", "out")
    assert (result.exit_code, result.stdout) == (1, "out/a.jpg\n")
    assert "not enough memory" in result.stderr


def test_device_out_of_memory_stops_the_run_with_its_code(run, models):
    def exhausted() -> None:
        raise OutOfMemory("The device ran out of memory.", "Use --device cpu.")

    models.on_predict = exhausted
    for number in range(30):
        make_photo(f"scans/{number}.jpg")
    result = run("scans", "-o", "out", "--jobs", "1")
    assert result.exit_code == 4
    assert "not reached" in result.stderr
    assert "Use --device cpu." in result.stderr


def test_full_disk_stops_the_run_with_its_code(run, monkeypatch):
    from colorize_cli.imaging.codecs.write import write_pages

    def full(target, *args, **options):
        if target.name == "5.jpg":
            raise OutputError(f"{target} cannot be written: No space left on device.", "Free some space.")
        return write_pages(target, *args, **options)

    monkeypatch.setattr("colorize_cli.batch.writing.write_pages", full)
    for number in range(10, 40):
        make_photo(f"scans/{number}.jpg")
    make_photo("scans/5.jpg")
    result = run("scans", "-o", "out", "--jobs", "1")
    assert result.exit_code == 5
    assert "No space left" in result.stderr
    Path("scans/5.jpg").unlink()
    assert "No space left" not in run("scans", "-o", "out", "--skip-existing").stderr


def test_name_too_long_for_the_output_concerns_that_photo_only(run):
    name = "n" * 246
    make_photo(f"scans/{name}.jpg")
    make_photo("scans/a.jpg")
    result = run("scans")  # with -color the name passes 255 bytes
    assert result.exit_code == 1
    assert result.stdout == "scans/a-color.jpg\n"


def test_folder_that_cannot_be_made_is_an_output_error(run):
    make_photo("a.jpg")
    Path("file").write_text("in the way")
    result = run("a.jpg", "-o", "file/out/")
    assert result.exit_code == 5
    assert "cannot be created" in result.stderr


def test_result_that_appears_meanwhile_is_not_overwritten(run, models):
    make_photo("a.jpg")
    models.on_predict = lambda: Path("a-color.jpg").write_bytes(b"of another run")
    result = run("a.jpg")
    assert result.exit_code == 1
    assert Path("a-color.jpg").read_bytes() == b"of another run"


def test_results_have_the_permissions_of_new_files(run):
    make_photo("a.jpg")
    before = os.umask(0o027)
    try:
        run("a.jpg")
    finally:
        os.umask(before)
    assert stat.S_IMODE(Path("a-color.jpg").stat().st_mode) == 0o640


def test_photos_come_from_a_list_on_standard_input(run):
    make_photo("a/1.jpg")
    make_photo("b/1.jpg")
    result = run("--files-from", "-", "-o", "out", stdin=b"a/1.jpg\0b/1.jpg\0gone.jpg\0")
    assert result.exit_code == 1
    assert sorted(result.stdout.split()) == ["out/a/1.jpg", "out/b/1.jpg"]
    assert "gone.jpg" in result.stderr


def test_failed_list_is_a_list_to_run_again(run):
    make_photo("scans/a.jpg")
    Path("scans/b.jpg").write_bytes(b"")
    run("scans", "-o", "out", "--failed-list", "failed.txt")
    make_photo("scans/b.jpg")
    assert run("@failed.txt", "-o", "again").stdout == "again/scans/b.jpg\n"


def test_no_photo_at_all_is_refused(run):
    result = run("-q")
    assert result.exit_code == 2
    assert "No photo was named" in result.stderr


def test_a_memory_limit_takes_photos_one_by_one_and_leaves_none_out(run):
    for number in range(5):
        make_photo(f"scans/{number}.png", seed=number)
    result = run("scans", "-o", "out", "--memory-limit", "1M")
    assert result.exit_code == 0
    assert len(list(Path("out").iterdir())) == 5
    assert run("scans", "-o", "more", "--memory-limit", "lots").exit_code == 2


def test_verbose_says_where_the_time_went(run):
    make_photo("scans/a.png")
    make_photo("scans/b.png")
    result = run("scans", "-o", "out", "-v")
    assert re.search(r"Time: [\d.]+ s for 2 photos, [\d.]+ photos/s; processor time: read [\d.]+ s,", result.stderr)
    assert "Time:" not in run("scans", "-o", "more").stderr
