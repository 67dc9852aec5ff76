"""Results of version 0.1.0, whose provenance is in another XMP namespace, are known as results of this program."""

from pathlib import Path

import pytest

from colorize_cli.imaging.metadata import xmp
from tests.cli.conftest import make_photo, snapshot
from tests.imaging.metadata.test_xmp import XMP

SUFFIXES = (".jpg", ".png", ".tif", ".webp", ".jp2", ".avif", ".bmp", ".ppm")


@pytest.fixture
def run_0_1(run, monkeypatch):
    """Run ``colorize`` as version 0.1.0 wrote its results."""

    def invoke(*words: str):
        with monkeypatch.context() as earlier:
            earlier.setattr(xmp, "NS_OWN", xmp.NS_0_1)
            return run(*words)

    return invoke


def test_a_finished_folder_is_skipped_whole(run, run_0_1, models):
    for suffix in SUFFIXES:
        make_photo(f"scans/{suffix[1:]}{suffix}")
    assert run_0_1("scans", "-o", "color", "--seed", "3", "--variants", "2").exit_code == 0
    assert b"ns/1.0/" in Path("color/png-color-1.png").read_bytes()
    before = snapshot("color")
    models.loaded.clear()
    again = run("scans", "-o", "color", "--seed", "3", "--variants", "2", "--skip-existing", "--json")
    assert again.exit_code == 0
    assert f'"summary": {{"done": 0, "skipped": {len(SUFFIXES)}, "failed": 0}}' in again.stdout
    assert snapshot("color") == before and not models.loaded


def test_results_beside_their_originals_are_passed_over(run, run_0_1):
    make_photo("scans/photo.jpg")
    assert run_0_1("scans").exit_code == 0
    assert run("scans", "--skip-existing").exit_code == 0
    assert sorted(snapshot("scans")) == ["scans/photo-color.jpg", "scans/photo.jpg"]


def test_sidecars_are_replaced_as_ones_own(run, run_0_1):
    make_photo("photo.jpg")
    make_photo("other.bmp")
    Path("photo.xmp").write_bytes(XMP)
    assert run_0_1("photo.jpg", "other.bmp", "-o", "color/", "--sidecar").exit_code == 0
    assert b"ns/1.0/" in Path("color/photo.xmp").read_bytes()
    Path("color/photo.jpg").unlink()
    Path("color/other.bmp").unlink()
    again = run("photo.jpg", "other.bmp", "-o", "color/", "--sidecar")
    assert again.exit_code == 0 and "was not copied" not in again.stderr
    for packet in (Path("color/photo.xmp").read_bytes(), Path("color/other.bmp.xmp").read_bytes()):
        assert b"ns/1.0/" not in packet and xmp.NS_OWN.encode() in packet


def test_the_scan_is_recovered_from_them(run, run_0_1):
    pytest.importorskip("jpeglib")
    make_photo("scan.jpg")
    assert run_0_1("scan.jpg", "-o", "color.jpg", "--lossless-luma").exit_code == 0
    assert run("recover", "color.jpg", "-o", "gray.jpg").exit_code == 0
    assert b"ns/1.0/" not in Path("gray.jpg").read_bytes()
