"""Labels, stripped metadata and sidecars on results."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from colorize_cli.imaging.codecs.write import write_photo
from tests.cli.conftest import gray_picture, make_photo, snapshot
from tests.imaging.metadata.test_xmp import XMP, _like
from tests.imaging.samples import PROVENANCE


def gray_photo_with_everything(path: str) -> None:
    """A gray photograph with EXIF, XMP, IPTC and resolution."""
    write_photo(
        Path(path), np.repeat(np.asarray(gray_picture(64, 40))[..., None], 3, axis=2), _like(), provenance=PROVENANCE
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("photo.png", "--label"), "Colorized"),
        (("--label", "photo.png"), "Colorized"),
        (("--label", "Made by a machine", "photo.png"), "Made by a machine"),
        (("photo.png", "--label=photo.png"), "photo.png"),
        (("--label", "-q", "photo.png"), "Colorized"),
    ],
)
def test_label_takes_a_text_or_none(run, words, text):
    make_photo("photo.png", width=300, height=200)
    assert run("photo.png", "-o", "plain.png").exit_code == 0
    assert run(*words).exit_code == 0
    assert read_provenance("photo-color.png").parameters["label"] == text
    plain, labelled = (np.asarray(Image.open(name)) for name in ("plain.png", "photo-color.png"))
    different = (plain != labelled).any(axis=2)
    assert different[-40:].any() and not different[:-40].any()


def test_label_below_makes_room_and_keeps_transparency(run):
    gray = gray_picture(300, 200)
    gray.putalpha(100)
    gray.save("photo.png")
    assert run("photo.png", "--label", "--label-position", "below").exit_code == 0
    result = np.asarray(Image.open("photo-color.png"))
    assert result.shape[0] > 200 and result.shape[2] == 4
    assert (result[:200, :, 3] == 100).all() and (result[200:, :, 3] == 255).all()


@pytest.mark.parametrize("words", [("--label", ""), ("--label", "--label-position", "middle"),
                                   ("--label", "--lossless-luma"), ("--strip", "--sidecar")])  # fmt: skip
def test_marks_that_make_no_sense_are_refused(run, words):
    make_photo("photo.jpg")
    assert run("photo.jpg", *words).exit_code == 2
    assert sorted(snapshot()) == ["photo.jpg"]


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_strip_leaves_provenance_profile_and_resolution(run, suffix):
    name = f"photo.{suffix}"
    gray_photo_with_everything(name)
    kept, stripped = run(name, "-o", f"kept.{suffix}"), run(name, "-o", f"stripped.{suffix}", "--strip")
    assert (kept.exit_code, stripped.exit_code) == (0, 0)
    data = Path(f"stripped.{suffix}").read_bytes()
    assert b"City archive" in Path(f"kept.{suffix}").read_bytes()
    assert not [word for word in (b"City archive", b"Maker", b"Caption", "Straße".encode()) if word in data]
    metadata = read_photo(f"stripped.{suffix}").metadata
    assert metadata.iptc is None and read_provenance(f"stripped.{suffix}").model == "gan"
    assert metadata.dpi == read_photo(f"kept.{suffix}").metadata.dpi
    assert "icc_profile" in Image.open(f"stripped.{suffix}").info


@pytest.mark.parametrize(
    ("sidecar", "copy"), [("photo.xmp", "color/photo.xmp"), ("photo.jpg.xmp", "color/photo.jpg.xmp")]
)
def test_sidecar_is_copied_in_its_own_manner_with_provenance(run, sidecar, copy):
    make_photo("scans/photo.jpg")
    Path("scans", sidecar).write_bytes(XMP)
    assert run("scans", "-o", "color", "--sidecar").exit_code == 0
    packet = Path(copy).read_bytes()
    assert "Straße".encode() in packet and b"compositeWithTrainedAlgorithmicMedia" in packet
    assert Path("scans", sidecar).read_bytes() == XMP
    assert sorted(snapshot("color")) == sorted(["color/photo.jpg", copy])


def test_sidecar_never_replaces_what_is_not_ours(run):
    make_photo("photo.jpg")
    Path("photo.xmp").write_bytes(XMP)
    Path("photo-color.xmp").write_bytes(b"of somebody")
    result = run("photo.jpg", "--sidecar")
    assert result.exit_code == 0 and "was not copied" in result.stderr
    assert Path("photo-color.xmp").read_bytes() == b"of somebody"
    assert run("photo.jpg", "--sidecar", "--overwrite").exit_code == 0
    assert b"colorize" in Path("photo-color.xmp").read_bytes()


def test_sidecars_and_dot_files_are_no_photos(run):
    make_photo("scans/photo.jpg")
    for name in ("photo.xmp", "photo.jpg.xmp", "._photo.jpg", ".DS_Store", "Thumbs.db"):
        Path("scans", name).write_bytes(b"not a picture")
    assert run("scans", "-o", "color").exit_code == 0
    assert sorted(snapshot("color")) == ["color/photo.jpg"]


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_exiftool_reads_the_sidecar(run):
    make_photo("photo.jpg")
    Path("photo.xmp").write_bytes(XMP)
    run("photo.jpg", "--sidecar")
    done = subprocess.run(["exiftool", "-j", "-G1", "photo-color.xmp"], capture_output=True, check=True)
    tags = json.loads(done.stdout)[0]
    assert tags["XMP-dc:Title"] == "Straße & Brücke, 1931"
    assert not [name for name in tags if "Warning" in name or "Error" in name]


def test_folder_of_results_that_vanishes_stops_the_run(run, models):
    for number in range(30):
        make_photo(f"scans/1920/{number}.jpg")

    def vanish() -> None:
        if Path("color/1920").exists() and not Path("elsewhere").exists():
            Path("color").rename("elsewhere")

    models.on_predict = vanish
    result = run("scans", "-o", "color", "--jobs", "1")
    assert result.exit_code == 5
    told = ("no longer exists", "cannot be written")
    assert any(text in result.stderr for text in told) and "not reached" in result.stderr
    assert not Path("color").exists()
