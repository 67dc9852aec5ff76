"""Metadata in all the places where programs leave it reaches the result, or a note says that it does not."""

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from colorize_cli.imaging.codecs.png import chunk
from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.codecs.stored_xmp import file_xmp
from colorize_cli.imaging.codecs.write import WriteResult, write_photo
from colorize_cli.imaging.metadata.iptc import best_iptc
from colorize_cli.imaging.metadata.texts import png_texts
from tests.imaging.metadata.test_orientation import packet
from tests.imaging.samples import PROVENANCE, ramp8, ramp16, saved

XMP = packet(None, more="<tiff:Make>Scanner 3000</tiff:Make>")
IPTC = b"\x1c\x02\x78\x00\x07Caption\x1c\x02\x19\x00\x06bridge"


def _exif(**more: object) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif[0x0112] = 6
    for tag, value in more.items():
        exif[int(tag[1:])] = value
    return exif.tobytes().removeprefix(b"Exif\0\0")


def _raw(kind: str, block: bytes, *, packed: bool = True) -> bytes:
    digits = block.hex()
    lines = "\n".join(digits[start : start + 72] for start in range(0, len(digits), 72))
    text = f"\n{kind}\n{len(block):8d}\n{lines}\n".encode()
    keyword = f"Raw profile type {kind}\0".encode()
    return chunk(b"zTXt", keyword + b"\0" + zlib.compress(text)) if packed else chunk(b"tEXt", keyword + text)


def _png(*chunks: bytes, after: bool = False, wide: bool = False) -> bytes:
    data = saved(ramp16() if wide else ramp8(), "PNG")
    place = len(data) - 12 if after else 33
    return data[:place] + b"".join(chunks) + data[place:]


def _colorized(data: bytes, target: Path) -> WriteResult:
    like = read_photo(data)
    return write_photo(target, np.repeat(like.gray[..., None], 3, axis=2), like, provenance=PROVENANCE)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(
    "where",
    [
        _raw("xmp", XMP),
        _raw("APP1", b"http://ns.adobe.com/xap/1.0/\0" + XMP, packed=False),
        chunk(b"zTXt", b"XML:com.adobe.xmp\0\0" + zlib.compress(XMP)),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP)),
    ],
    ids=["raw", "app1", "zTXt", "iTXt"],
)
def test_xmp_is_found_wherever_a_png_keeps_it(tmp_path: Path, where: bytes, wide: bool, after: bool) -> None:
    _colorized(_png(where, after=after, wide=wide), tmp_path / "a.png")
    assert b"Scanner 3000" in (file_xmp(tmp_path / "a.png") or b"")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(
    "where",
    [_raw("exif", b"Exif\0\0" + _exif()), _raw("APP1", b"Exif\0\0" + _exif()), chunk(b"eXIf", _exif())],
    ids=["raw", "app1", "eXIf"],
)
def test_exif_is_found_wherever_a_png_keeps_it(tmp_path: Path, where: bytes, wide: bool, after: bool) -> None:
    data = _png(where, after=after, wide=wide)
    assert read_photo(data).orientation == 6
    _colorized(data, tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.getexif()[0x010F] == "Maker"


TEXTS = (("Title", "Straße"), ("Description", "A bridge"), ("Software", "scanner"))


def _text_chunks() -> bytes:
    return b"".join(chunk(b"iTXt", f"{key}\0\0\0\0\0{text}".encode()) for key, text in TEXTS)


@pytest.mark.parametrize("wide", [False, True])
def test_texts_of_a_png_stay_in_a_png(tmp_path: Path, wide: bool) -> None:
    written = _colorized(_png(_text_chunks(), wide=wide), tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png").metadata.texts == TEXTS
    assert not written.notes


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".webp"])
def test_texts_of_a_png_go_into_xmp_elsewhere_and_what_is_lost_is_noted(tmp_path: Path, suffix: str) -> None:
    written = _colorized(_png(_text_chunks()), tmp_path / f"a{suffix}")
    xmp = file_xmp(tmp_path / f"a{suffix}") or b""
    assert "<dc:title>" in xmp.decode() and "Straße" in xmp.decode() and b"A bridge" in xmp
    assert any("left out: Software" in note for note in written.notes)


def test_comment_of_a_jpeg_is_kept_in_a_jpeg_and_said_in_xmp_elsewhere(tmp_path: Path) -> None:
    data = saved(ramp8(), "JPEG", comment="Müller's barn".encode())
    _colorized(data, tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.info["comment"] == "Müller's barn".encode()
    assert b"barn" not in (file_xmp(tmp_path / "a.jpg") or b"")
    _colorized(data, tmp_path / "a.tif")
    assert b"barn" in (file_xmp(tmp_path / "a.tif") or b"")


def test_deflate_bomb_in_a_text_is_left_out() -> None:
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(64 << 20)))
    assert read_photo(_png(bomb)).metadata.texts == ()
    assert png_texts([(b"zTXt", memoryview(b"no end"))]).texts == []


def test_no_resolution_is_made_up(tmp_path: Path) -> None:
    for data in (
        saved(ramp8(), "JPEG"),
        saved(ramp8(), "JPEG", exif=b"Exif\0\0" + _exif()),
        saved(ramp8(), "WEBP", exif=_exif()),
    ):
        assert read_photo(data).metadata.dpi is None
        _colorized(data, tmp_path / "a.png")
        assert b"pHYs" not in (tmp_path / "a.png").read_bytes()
        (tmp_path / "a.png").unlink()


@pytest.mark.parametrize(("unit", "dpi"), [(2, 300.0), (3, 762.0)])
def test_resolution_that_only_exif_states_is_kept(unit: int, dpi: float) -> None:
    exif = _exif(_282=300.0, _283=300.0, _296=unit)
    for format in ("JPEG", "WEBP"):
        assert read_photo(saved(ramp8(), format, exif=b"Exif\0\0" + exif)).metadata.dpi == pytest.approx((dpi, dpi))


GEO = {33550: (12, (0.5, 0.5, 0.0)), 33922: (12, (0.0, 0.0, 0.0, 44.0, 11.0, 0.0)), 34735: (3, (1, 1, 0, 0))}


def _geotiff(orientation: int) -> bytes:
    buffer = io.BytesIO()
    tags = [(tag, kind, len(values), values, True) for tag, (kind, values) in GEO.items()]
    tifffile.imwrite(buffer, ramp16(), metadata=None, extratags=[*tags, (274, 3, 1, orientation, True)])
    return buffer.getvalue()


def test_georeference_stays_in_a_tiff_that_was_not_turned(tmp_path: Path) -> None:
    assert not _colorized(_geotiff(1), tmp_path / "a.tif").notes
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert {tag: tiff.pages.first.tags[tag].value for tag in GEO} == {tag: value for tag, (_, value) in GEO.items()}


@pytest.mark.parametrize(("orientation", "suffix"), [(6, ".tif"), (1, ".png")])
def test_georeference_that_cannot_be_kept_is_noted(tmp_path: Path, orientation: int, suffix: str) -> None:
    target = tmp_path / f"a{suffix}"
    assert any("georeference" in note for note in _colorized(_geotiff(orientation), target).notes)
    assert not set(GEO) & set(Image.open(target).getexif())


def test_whole_copy_of_iptc_is_preferred_to_a_broken_one(tmp_path: Path) -> None:
    broken, cut = bytes(40), IPTC[:14]
    assert best_iptc(broken, IPTC) == IPTC
    assert best_iptc(cut, IPTC) == IPTC
    assert best_iptc(IPTC, cut) == IPTC
    assert best_iptc(broken, None) is None
    resource = b"8BIM\x04\x04\0\0" + len(IPTC).to_bytes(4, "big") + IPTC + b"\0" * (len(IPTC) % 2)
    buffer = io.BytesIO()
    tags = [(33723, 7, len(broken), broken, True), (34377, 7, len(resource), resource, True)]
    tifffile.imwrite(buffer, ramp8(), metadata=None, extratags=tags)
    _colorized(buffer.getvalue(), tmp_path / "a.tif")
    assert read_photo(tmp_path / "a.tif").metadata.iptc == IPTC
