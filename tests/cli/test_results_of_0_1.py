"""Results of version 0.1.0, whose provenance is in another XMP namespace, are known as results of this program."""

import hashlib
from pathlib import Path

import pytest

from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from colorize_cli.imaging.metadata import xmp
from colorize_cli.imaging.metadata.xmp import Provenance, build_xmp
from tests.cli.conftest import make_photo, snapshot
from tests.imaging.metadata.test_xmp import XMP

SUFFIXES = (".jpg", ".png", ".tif", ".webp", ".jp2", ".avif", ".bmp", ".ppm")


def without_scan(existing, provenance, **options):
    """Build XMP as it was before it told of defaults and of the scan."""
    parts = (provenance.model, provenance.weights_sha256, provenance.version, provenance.parameters)
    return build_xmp(existing, Provenance(*parts), **options)


def former_runs(run, monkeypatch, *, namespace: str):
    def invoke(*words: str):
        with monkeypatch.context() as earlier:
            earlier.setattr(xmp, "NS_OWN", namespace)
            for module in ("imaging.codecs.write", "imaging.companion_pictures", "batch.inputs.sidecars"):
                earlier.setattr(f"colorize_cli.{module}.build_xmp", without_scan)
            return run(*words)

    return invoke


@pytest.fixture
def run_0_1(run, monkeypatch):
    """Run ``colorize`` as version 0.1.0 wrote its results."""
    return former_runs(run, monkeypatch, namespace=xmp.NS_0_1)


@pytest.fixture
def run_before_derived(run, monkeypatch):
    """Run ``colorize`` as it wrote its results before they told of defaults and of the scan."""
    return former_runs(run, monkeypatch, namespace=xmp.NS_OWN)


def test_a_folder_of_the_former_record_is_skipped_whole(run, run_before_derived, models):
    for suffix in SUFFIXES:
        make_photo(f"scans/{suffix[1:]}{suffix}")
    assert run_before_derived("scans", "-o", "color", "--strength", "0.5").exit_code == 0
    assert b"ScanSha256" not in Path("color/png.png").read_bytes()
    before = snapshot("color")
    models.loaded.clear()
    again = run("scans", "-o", "color", "--strength", "0.5", "--skip-existing", "--json")
    assert f'"summary": {{"done": 0, "skipped": {len(SUFFIXES)}, "failed": 0}}' in again.stdout
    assert snapshot("color") == before and not models.loaded


def test_results_of_now_are_skipped_whole_and_tell_of_their_scan(run, models):
    for suffix in SUFFIXES:
        make_photo(f"scans/{suffix[1:]}{suffix}")
    assert run("scans", "-o", "color").exit_code == 0
    for suffix in SUFFIXES:
        found = read_provenance(Path(f"color/{suffix[1:]}{suffix}"))
        scan = Path(f"scans/{suffix[1:]}{suffix}").read_bytes()
        assert found.scan_sha256 == hashlib.sha256(scan).hexdigest(), suffix
    before = snapshot("color")
    models.loaded.clear()
    again = run("scans", "-o", "color", "--skip-existing", "--json")
    assert f'"summary": {{"done": 0, "skipped": {len(SUFFIXES)}, "failed": 0}}' in again.stdout
    assert snapshot("color") == before and not models.loaded


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
