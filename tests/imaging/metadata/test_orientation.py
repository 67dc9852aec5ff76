"""Orientation is applied once, wherever it is stated, and no packet says afterwards that it still has to be."""

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from colorize_cli.batch.inputs.sidecars import copy_sidecars
from colorize_cli.imaging.codecs.png import chunk
from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.codecs.stored_xmp import file_xmp
from colorize_cli.imaging.codecs.write import write_photo
from colorize_cli.imaging.metadata.exif import orientation_of_xmp, remaining, turn_upright
from colorize_cli.imaging.metadata.xmp_statements import REGIONS_DROPPED
from colorize_cli.imaging.photo import Photo
from tests.imaging.samples import PROVENANCE, ramp8, ramp16, saved

_REGIONS = (
    '<mwg-rs:Regions xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/" rdf:parseType="Resource">'
    "<mwg-rs:RegionList><rdf:Bag><rdf:li>Ada</rdf:li></rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>"
)


def packet(orientation: int | None = 6, *, element: bool = False, more: str = "") -> bytes:
    attribute = f'tiff:Orientation="{orientation}"' if orientation and not element else ""
    child = f"<tiff:Orientation>{orientation}</tiff:Orientation>" if orientation and element else ""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
        f'xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:PixelXDimension="64" {attribute}>{child}{more}'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def scan(suffix: str, xmp: bytes, tag: int | None) -> bytes:
    """Return a file of this kind with an XMP packet and, in EXIF or the TIFF tag, an orientation."""
    exif = Image.Exif()
    if tag is not None:
        exif[0x0112] = tag
    if suffix in (".tif", ".16.tif", ".lzw.tif"):
        tags = [(700, 1, len(xmp), xmp, True)] + ([(274, 3, 1, tag, True)] if tag else [])
        if suffix == ".lzw.tif":
            return _lzw(xmp, tag)
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, ramp16() if "16" in suffix else ramp8(), metadata=None, extratags=tags)
        return buffer.getvalue()
    options: dict = {"exif": exif} if tag else {}
    if suffix == ".jpg":
        return saved(ramp8(), "JPEG", xmp=xmp, quality=95, **options)
    data = saved(ramp8() if suffix == ".png" else ramp16(), "PNG", **options)
    return data[:33] + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp) + data[33:]


def _lzw(xmp: bytes, tag: int | None) -> bytes:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    tags = ImageFileDirectory_v2()
    tags[700] = xmp
    if tag:
        tags[274] = tag
    return saved(ramp8(), "TIFF", compression="tiff_lzw", tiffinfo=tags)


SUFFIXES = [".jpg", ".png", ".16.png", ".tif", ".16.tif", ".lzw.tif"]


def _is_turned(photo: Photo, orientation: int) -> bool:
    expected = turn_upright(ramp16().astype(float), orientation)
    gray = photo.gray.astype(float) * (257 if photo.gray.dtype == np.uint8 else 1)
    return gray.shape == expected.shape and float(np.abs(gray - expected).mean()) < 1000


@pytest.mark.parametrize("element", [False, True])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_orientation_that_only_xmp_states_is_applied(suffix: str, element: bool) -> None:
    photo = read_photo(scan(suffix, packet(6, element=element), None))
    assert photo.orientation == 6
    assert _is_turned(photo, 6)


@pytest.mark.parametrize("tag", [1, 3])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_tag_wins_over_xmp(suffix: str, tag: int) -> None:
    assert _is_turned(read_photo(scan(suffix, packet(6), tag)), tag)


@pytest.mark.parametrize("element", [False, True])
@pytest.mark.parametrize("tag", [6, 8, None])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_result_is_upright_by_every_statement(tmp_path: Path, suffix: str, tag: int | None, element: bool) -> None:
    like = read_photo(scan(suffix, packet(6, element=element), tag))
    target = tmp_path / f"result{suffix}"
    write_photo(target, np.repeat(like.gray[..., None], 3, axis=2), like, provenance=PROVENANCE)
    result = read_photo(target)
    xmp = file_xmp(target)
    assert xmp is not None
    assert orientation_of_xmp(xmp) == 1
    assert b'exif:PixelXDimension="40"' in xmp
    assert result.orientation == 1
    assert result.gray.shape == like.gray.shape


@pytest.mark.parametrize("suffix", [".jpg", ".16.tif"])
def test_regions_are_dropped_with_a_note_where_the_picture_was_turned(tmp_path: Path, suffix: str) -> None:
    for orientation, kept in ((6, False), (1, True)):
        like = read_photo(scan(suffix, packet(None, more=_REGIONS), orientation))
        target = tmp_path / f"{orientation}{suffix}"
        written = write_photo(target, np.repeat(like.gray[..., None], 3, axis=2), like, provenance=PROVENANCE)
        assert (b"RegionList" in (file_xmp(target) or b"")) == kept
        assert (REGIONS_DROPPED in written.notes) != kept


@pytest.mark.parametrize(("wanted", "turned", "left"), [(6, 6, 1), (6, 1, 6), (1, 6, 8), (3, 6, 6), (2, 2, 1)])
def test_copied_sidecar_states_what_is_left_of_its_orientation(tmp_path: Path, wanted, turned, left) -> None:
    assert remaining(wanted, turned) == left
    (tmp_path / "a.xmp").write_bytes(packet(wanted, more=_REGIONS))
    (tmp_path / "out").mkdir()
    notes = copy_sidecars(tmp_path / "a.jpg", tmp_path / "out/a.jpg", PROVENANCE, overwrite=False, turned=turned)
    copy = (tmp_path / "out/a.xmp").read_bytes()
    assert orientation_of_xmp(copy) == left
    assert (b"RegionList" in copy) == (turned == 1)
    assert (REGIONS_DROPPED in notes) == (turned != 1)


def test_color_space_in_exif_is_that_of_the_result(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0110] = "scanner"
    exif.get_ifd(0x8769)[0xA001] = 65535
    (tmp_path / "a.jpg").write_bytes(saved(ramp8(), "JPEG", exif=exif))
    like = read_photo(tmp_path / "a.jpg")
    write_photo(tmp_path / "b.jpg", np.repeat(like.gray[..., None], 3, axis=2), like, provenance=PROVENANCE)
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.getexif().get_ifd(0x8769)[0xA001] == 1
