"""Long runs: retried by their report, shared out in shards, their reports merged, color photographs passed over."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorize_cli.batch.inputs.sources import read_list
from colorize_cli.imaging.color import srgb_to_lab
from tests.cli.conftest import gray_picture, make_photo, snapshot


def rows(path: str) -> list[dict]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def broken_tree() -> list[str]:
    """Two photographs and two broken ones, one of them with a name that is not UTF-8."""
    broken = ["scans/1920/b.jpg", os.fsdecode(b"scans/caf\xe9.jpg")]
    make_photo("scans/a.jpg")
    make_photo("scans/1920/c.png")
    for name in broken:
        Path(name).write_bytes(b"")
    return broken


def mend(names: list[str]) -> None:
    make_photo("good.jpg")
    for name in names:
        Path(name).write_bytes(Path("good.jpg").read_bytes())
    Path("good.jpg").unlink()


def test_report_says_all_about_a_photo(run):
    make_photo("a.png")
    run("a.png", "--report", "report.jsonl")
    (row,) = rows("report.jsonl")
    assert (row["input_bytes"], row["output_bytes"]) == (len(snapshot()["a.png"]), len(snapshot()["a-color.png"]))
    assert {"input", "output", "status", "width", "height", "input_sha256", "output_sha256"} <= set(row)
    assert {"model", "weights_sha256", "seconds", "finished"} <= set(row)


def test_warning_says_what_the_result_could_not_keep(run):
    make_photo("a.gif")
    run("a.gif", "--report", "report.jsonl")
    assert "GIF" in rows("report.jsonl")[0]["warning"]


@pytest.mark.parametrize("words", [(), ("scans", "-o", "out"), ("-o", "out")])
def test_retry_does_the_failed_ones_where_they_would_have_landed(run, models, words):
    broken = broken_tree()
    assert run("scans", "-o", "out", "--report", "report.jsonl").exit_code == 1
    before = snapshot("out")
    mend(broken)
    make_photo("scans/new.jpg")
    result = run(*words, "--retry", "report.jsonl")
    assert result.exit_code == 0, result.stderr
    assert sorted(result.stdout_bytes.splitlines()) == [b"out/1920/b.jpg", b"out/caf\xe9.jpg"]
    assert models.loaded[-1].asked == 2
    assert {name: snapshot("out")[name] for name in before} == before
    assert len(rows("report.jsonl")) == 6  # the old ones are kept
    again = run(*words, "--retry", "report.jsonl")
    assert (again.exit_code, again.stdout) == (0, "")


def test_retry_writes_into_another_report_when_told(run):
    broken = broken_tree()
    run("scans", "-o", "out", "--report", "report.jsonl")
    old = Path("report.jsonl").read_bytes()
    mend(broken[:1])
    assert run("--retry", "report.jsonl", "--report", "second.jsonl").exit_code == 1
    assert Path("report.jsonl").read_bytes() == old
    assert sorted(row["status"] for row in rows("second.jsonl")) == ["done", "failed"]
    assert all("target" in row for row in rows("second.jsonl") if row["status"] == "failed")


def test_retry_that_would_land_elsewhere_is_refused(run):
    broken_tree()
    run("scans", "-o", "out", "--report", "report.jsonl")
    result = run("--retry", "report.jsonl", "-o", "out2")
    assert result.exit_code == 2
    assert "name the photos too" in result.stderr


def redirect(report: str, target: str) -> None:
    """Let the failed rows of a report name another place."""
    changed = [row | {"target": target} if row["status"] == "failed" else row for row in rows(report)]
    Path(report).write_text("".join(json.dumps(row) + "\n" for row in changed))


@pytest.mark.parametrize("target", ["elsewhere/b.jpg", "out/../elsewhere/b.jpg", "out/link/b.jpg", "outer/b.jpg"])
def test_retry_writes_only_where_results_of_the_report_are(run, target):
    broken = broken_tree()
    run("scans", "-o", "out", "--report", "report.jsonl")
    mend(broken)
    for folder in ("elsewhere", "outer"):
        Path(folder).mkdir()
    Path("out/link").symlink_to(Path("elsewhere").absolute())
    redirect("report.jsonl", target)
    before = snapshot()
    result = run("--retry", "report.jsonl")
    assert result.exit_code == 2
    assert target in result.stderr and "-o FOLDER" in result.stderr
    assert snapshot() == before


def test_retry_takes_no_folder_for_its_own_where_other_pictures_are(run):
    broken = broken_tree()
    run("scans", "-o", "out", "--report", "report.jsonl")
    mend(broken)
    make_photo("elsewhere/a.jpg")
    forged = [row | {"target": "elsewhere/b.jpg", "output": "elsewhere/a.jpg"} for row in rows("report.jsonl")]
    Path("report.jsonl").write_text("".join(json.dumps(row) + "\n" for row in forged))
    assert run("--retry", "report.jsonl").exit_code == 2


def test_retry_of_a_run_that_wrote_nothing_needs_its_folder(run):
    Path("a.png").write_bytes(b"")
    run("a.png", "-o", "out/", "--report", "report.jsonl")
    make_photo("a.png")
    assert run("--retry", "report.jsonl").exit_code == 2
    assert run("--retry", "report.jsonl", "-o", "out").exit_code == 0
    assert Path("out/a.png").exists()


def test_retry_beside_the_photos_needs_no_other_results(run):
    Path("a.png").write_bytes(b"")
    run("a.png", "--report", "report.jsonl")
    make_photo("a.png")
    assert run("--retry", "report.jsonl").exit_code == 0
    assert Path("a-color.png").exists()


def test_continued_report_begins_on_a_line_of_its_own(run):
    make_photo("scans/a.jpg")
    run("scans", "-o", "out", "--report", "report.jsonl")
    with Path("report.jsonl").open("ab") as file:
        file.write(b'{"input": "scans/killed.jpg", "outp')
    make_photo("scans/b.jpg")
    run("scans", "-o", "out", "--report", "report.jsonl", "--skip-existing")
    assert run("report", "merge", "report.jsonl", "-o", "merged.jsonl").exit_code == 0
    assert [(row["input"], row["status"]) for row in rows("merged.jsonl")] == [
        ("scans/a.jpg", "done"),
        ("scans/b.jpg", "done"),
    ]


def test_shards_share_out_the_photos_and_their_reports_merge(run, monkeypatch):
    for number in range(12):
        make_photo(f"scans/{number}.png")
    Path("scans/bad.png").write_bytes(b"")
    codes = [run("scans", "--shard", f"{i}/3", "--report", "r.jsonl", "--failed-list", "f.txt").exit_code
             for i in (1, 2)]  # fmt: skip
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "3")
    codes.append(run("scans", "--shard", "auto", "--report", "r.jsonl", "--failed-list", "f.txt").exit_code)
    assert sorted(codes) == [0, 0, 1]
    names = [f"r-{i}-of-3.jsonl" for i in (1, 2, 3)]
    done = [row["input"] for name in names for row in rows(name) if row["status"] == "done"]
    assert sorted(done) == sorted(f"scans/{number}.png" for number in range(12))
    merged = run("report", "merge", *names, "-o", "all.jsonl")
    assert merged.exit_code == 1
    assert "12 done" in merged.stderr and "1 failed" in merged.stderr
    Path("all.txt").write_text("".join(Path(f"f-{i}-of-3.txt").read_text() for i in (1, 2, 3)))
    assert list(read_list("all.txt")) == ["scans/bad.png"]


def test_merge_never_replaces_a_file_untold_and_prints_without_one(run):
    broken_tree()
    run("scans", "-o", "out", "--report", "r.jsonl")
    before = snapshot()
    assert run("report", "merge", "r.jsonl", "-o", "r.jsonl").exit_code == 2
    assert run("report", "merge", "r.jsonl", "-o", "r.jpg").exit_code == 2
    assert snapshot() == before
    assert run("report", "merge", "r.jsonl").stdout_bytes == Path("r.jsonl").read_bytes()


def test_pages_that_change_under_the_run_fail_that_photo(run, models):
    def save(seed: int) -> None:
        pages = [gray_picture(seed=seed + n) for n in range(2)]
        pages[0].save("album.tif", save_all=True, append_images=pages[1:])

    save(0)
    models.on_predict = lambda: save(5)
    result = run("album.tif")
    assert result.exit_code == 1
    assert "replaced while it was read" in result.stderr
    assert sorted(snapshot()) == ["album.tif"]


def color_photo(path: str) -> None:
    hue = np.tile(np.linspace(0, 255, 48, dtype=np.uint8), (32, 1))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.dstack([hue, np.full_like(hue, 120), np.full_like(hue, 180)]), "HSV").convert("RGB").save(path)


def test_photo_in_color_already_is_passed_over_with_a_reason_unless_forced(run, models):
    make_photo("scans/a.jpg")
    color_photo("scans/b.png")
    result = run("scans", "-o", "out", "--report", "r.jsonl")
    assert (result.exit_code, result.stdout) == (0, "out/a.jpg\n")
    row = next(row for row in rows("r.jsonl") if row["status"] == "skipped")
    assert (row["input"], row["target"]) == ("scans/b.png", "out/b.png")
    assert "--force" in row["reason"] and "scans/b.png" in result.stderr
    assert run("scans/b.png", "--force").stdout == "scans/b-color.png\n"


def test_color_on_a_stream_is_an_error_not_an_empty_picture(run):
    color_photo("b.png")
    result = run("-", stdin=Path("b.png").read_bytes())
    assert (result.exit_code, result.stdout_bytes) == (1, b"")
    assert "already in color" in result.stderr
    assert run("-", "--force", stdin=Path("b.png").read_bytes()).stdout_bytes.startswith(b"\x89PNG")


def test_album_with_gray_pages_is_colorized_and_its_color_pages_are_named(run):
    color_photo("c.png")
    make_photo("g.png")
    color, gray = Image.open("c.png"), Image.open("g.png")
    gray.save("mixed.tif", save_all=True, append_images=[color])
    color.save("color.tif", save_all=True, append_images=[color])
    result = run("mixed.tif", "color.tif", "-o", "out/")
    assert result.stdout == "out/mixed.tif\n"
    assert "page that was already in color" in result.stderr


def test_sepia_is_read_by_its_luminance(run):
    gray = np.asarray(gray_picture(), np.float32)[..., None] / 255
    sepia = np.rint((np.array((0.2, 0.12, 0.05)) + gray * (0.75, 0.75, 0.65)) * 255).astype(np.uint8)
    Image.fromarray(sepia).save("a.png")
    assert run("a.png", "--strength", "0").stdout == "a-color.png\n"
    expected = srgb_to_lab(sepia.astype(np.float32) / 255)[..., 0]
    found = srgb_to_lab(np.asarray(Image.open("a-color.png"), np.float32) / 255)
    assert np.abs(found[..., 0] - expected).max() < 0.5
    assert np.abs(found[..., 1:]).max() < 0.5
