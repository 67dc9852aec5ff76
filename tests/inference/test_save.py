"""``Colorizer.save`` writes what the command writes, byte for byte."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from colorize_cli import Colorizer
from colorize_cli.cli import main
from colorize_cli.errors import OutputExists, UsageProblem
from colorize_cli.imaging.codecs.read import read_pages
from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from tests.cli.conftest import gray_picture, snapshot
from tests.imaging.metadata.test_xmp import XMP

MODEL = "classifier"


@pytest.fixture(scope="module")
def colorizer() -> Colorizer:
    return Colorizer(MODEL, device="cpu", size=64)


@pytest.fixture
def scans(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "Market, 1912", 6
    Path("scans").mkdir()
    gray_picture().save("scans/a.jpg", exif=exif, xmp=XMP, dpi=(300, 300), quality=85)
    gray_picture(seed=1).save("scans/b.png", dpi=(300, 300))
    deep = np.asarray(gray_picture(seed=2)).astype(np.uint16) * 250
    tifffile.imwrite("scans/c.tif", np.stack([deep, deep[::-1]]), photometric="minisblack")
    gray_picture(seed=3).save("scans/d.bmp")
    return Path("scans")


def test_it_is_byte_for_byte_what_the_command_writes(scans: Path, colorizer: Colorizer, capfd) -> None:
    before = snapshot(scans)
    options = ["-m", MODEL, "--device", "cpu", "--size", "64", "-j", "1"]
    assert main([str(scans), "-o", "command", *options]) == 0, capfd.readouterr().err
    Path("library").mkdir()
    for scan in scans.iterdir():
        assert colorizer.save(str(scan), f"library/{scan.name}").path == Path(f"library/{scan.name}")
    ours, theirs = snapshot("library"), snapshot("command")
    assert [name.removeprefix("library/") for name in ours] == [name.removeprefix("command/") for name in theirs]
    assert len(ours) == 5  # BMP has its XMP beside it
    for one, other in zip(ours.values(), theirs.values(), strict=True):
        assert one == other
    assert len(list(read_pages(Path("library/c.tif")))) == 2
    assert snapshot(scans) == before


def test_the_record_names_the_scan_and_every_value_in_effect(scans: Path, colorizer: Colorizer) -> None:
    colorizer.save(scans / "a.jpg", "a.jpg")
    found = read_provenance("a.jpg")
    assert found.scan_sha256 == hashlib.sha256((scans / "a.jpg").read_bytes()).hexdigest()
    assert found.parameters == {"size": "64"}
    own = colorizer.network.decode
    for name in ("vividness", "temperature", "fallback"):
        assert float(found.defaults[name]) == pytest.approx(float(getattr(own, f"default_{name}")), abs=1e-6)
    assert (found.defaults["strength"], found.defaults["borders"]) == ("1", "cropped")
    chosen = colorizer.adjusted(vividness=0.25).provenance()
    assert chosen.parameters["vividness"] == "0.25" and "vividness" not in chosen.defaults


def test_it_replaces_neither_a_file_nor_ever_the_original(scans: Path, colorizer: Colorizer) -> None:
    before = snapshot(scans)
    with pytest.raises(OutputExists, match="original"):
        colorizer.save(scans / "a.jpg", scans / "a.jpg", overwrite=True)
    Path("there.png").write_bytes(b"mine")
    with pytest.raises(OutputExists):
        colorizer.save(scans / "b.png", "there.png")
    assert Path("there.png").read_bytes() == b"mine" and snapshot(scans) == before
    colorizer.save(scans / "b.png", "there.png", overwrite=True)
    assert Image.open("there.png").mode == "RGB"


def test_pictures_arrays_and_streams_are_saved_too(scans: Path, colorizer: Colorizer) -> None:
    colorizer.save(gray_picture(), "one.png")
    colorizer.save(np.asarray(gray_picture()), "two.png")
    assert Path("one.png").read_bytes() == Path("two.png").read_bytes()
    stream = io.BytesIO()
    assert colorizer.save((scans / "a.jpg").read_bytes(), stream).path is None
    assert Image.open(stream).format == "JPEG"
    with pytest.raises(UsageProblem):
        colorizer.save(gray_picture(), "three.png", quality=200)
    assert not Path("three.png").exists()


def test_further_pages_that_a_format_cannot_hold_are_told_of(scans: Path, colorizer: Colorizer) -> None:
    written = colorizer.save(scans / "c.tif", "c.png")
    assert any("only the first of 2 pages" in note for note in written.notes)
