import io
import json
import shutil
import struct
import subprocess
from pathlib import Path
from xml.dom import minidom

import pytest
import tifffile
from PIL import Image

from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from colorize_cli.imaging.codecs.write import write_photo
from colorize_cli.imaging.metadata.exif import upright_exif
from colorize_cli.imaging.metadata.ifd import header, parse
from colorize_cli.imaging.metadata.xmp import (
    NS_0_1,
    NS_OWN,
    SOURCE_TYPE,
    Provenance,
    build_xmp,
    provenance_of_xmp,
    without_provenance,
)
from colorize_cli.imaging.photo import Metadata, Photo
from tests.imaging.samples import PROVENANCE, color, ramp8, ramp16, saved

XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmp:CreatorTool="Scanner 3000"
 Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/digitisedFromNegative">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Straße &amp; Brücke, 1931</rdf:li></rdf:Alt></dc:title>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>""".encode()
OF_0_1_0 = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" rdf:about=""
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:colorize="https://github.com/colorize-cli/colorize-cli/ns/1.0/">
<Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>
<colorize:Model>gan</colorize:Model><colorize:WeightsSha256>{"ab" * 32}</colorize:WeightsSha256>
<colorize:Version>0.1.0</colorize:Version>
<colorize:Parameters><rdf:Bag><rdf:li>borders=kept</rdf:li><rdf:li>size=224</rdf:li></rdf:Bag></colorize:Parameters>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
IPTC = b"\x1c\x02\x78\x00\x07Caption\x1c\x02\x19\x00\x06bridge"
EXIFTOOL = shutil.which("exiftool")
CARRIERS = [".jpg", ".png", ".tif", ".webp", ".jp2", ".avif"]


def _exif(orientation: int = 6) -> bytes:
    thumbnail = saved(ramp8(8, 8), "JPEG")
    exif = Image.Exif()
    exif[0x010E] = "A bridge"
    exif[0x010F] = "Maker"
    exif[0x0112] = orientation
    exif[0x8298] = "City archive"
    exif.get_ifd(0x8769).update({0x9003: "1931:05:01 12:00:00", 0xA002: 999, 0xA003: 888, 0x927C: b"makernote!"})
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 30.0, 0.0)})
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    order, _, offset = header(block)
    # A thumbnail directory as cameras add one, at the end of the block.
    (count,) = struct.unpack_from(order + "H", block, offset)
    link = offset + 2 + 12 * count
    start = len(block)
    directory = struct.pack(order + "H", 2)
    directory += struct.pack(order + "HHII", 0x0201, 4, 1, start + 30) + struct.pack(
        order + "HHII", 0x0202, 4, 1, len(thumbnail)
    )
    directory += bytes(4)
    return block[:link] + struct.pack(order + "I", start) + block[link + 4 :] + directory + thumbnail


def _like(**changes: object) -> Photo:
    values: dict = {"exif": _exif(), "xmp": XMP, "iptc": IPTC, "dpi": (600.0, 600.0)} | changes
    return Photo(ramp8(), metadata=Metadata(**values))


def _tool(path: Path) -> dict:
    done = subprocess.run([str(EXIFTOOL), "-j", "-G1", "-n", "-a", str(path)], capture_output=True, check=True)
    return json.loads(done.stdout)[0]


@pytest.mark.parametrize("suffix", [*CARRIERS, ".bmp", ".ppm"])
def test_provenance_is_read_back_from_every_format(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"a{suffix}"
    write_photo(target, color(), _like(), provenance=PROVENANCE)
    assert read_provenance(target) == PROVENANCE


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"RIFF....WEBP", b"text"])
def test_files_without_provenance_have_none(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    assert read_provenance(path) is None
    assert read_provenance(tmp_path / "missing.jpg") is None
    for suffix in CARRIERS:
        plain = tmp_path / f"plain{suffix}"
        Image.fromarray(ramp8()).save(plain)
        assert read_provenance(plain) is None


@pytest.mark.parametrize("suffix", CARRIERS)
def test_metadata_survives_a_second_colorization(tmp_path: Path, suffix: str) -> None:
    """What one result carries, the next one made from it carries too."""
    target, again = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    write_photo(target, color(), _like(), provenance=PROVENANCE)
    photo = read_photo(target)
    other = Provenance("gan-64", "cd" * 32, "9")
    write_photo(again, color(), photo, provenance=other)
    assert read_provenance(again) == other
    assert (again.read_bytes().count(SOURCE_TYPE.encode())) == 1
    metadata = read_photo(again).metadata
    assert metadata.exif is not None and b"City archive" in metadata.exif
    assert metadata.xmp is not None and "Straße &amp; Brücke, 1931".encode() in metadata.xmp


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.skipif(EXIFTOOL is None, reason="exiftool is not installed")
def test_exiftool_finds_everything_where_it_belongs(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"a{suffix}"
    write_photo(target, color(), _like(), provenance=PROVENANCE)
    tags = _tool(target)
    assert not [name for name in tags if "Warning" in name or "Error" in name], tags
    assert tags["IFD0:Copyright"] == "City archive"
    assert tags["IFD0:ImageDescription"] == "A bridge"
    assert tags["IFD0:Orientation"] == 1
    assert tags["ExifIFD:DateTimeOriginal"] == "1931:05:01 12:00:00"
    assert tags["GPS:GPSLatitude"] == 48.5
    assert (tags["ExifIFD:ExifImageWidth"], tags["ExifIFD:ExifImageHeight"]) == (64, 40)
    assert tags["XMP-iptcExt:DigitalSourceType"] == SOURCE_TYPE
    assert tags["XMP-xmp:CreatorTool"] == "Scanner 3000"
    assert tags["XMP-dc:Title"] == "Straße & Brücke, 1931"
    assert "sRGB" in tags["ICC_Profile:ProfileDescription"]
    assert not any("Thumbnail" in name for name in tags)
    if suffix != ".webp":
        assert tags["IPTC:Caption-Abstract"] == "Caption" and tags["IPTC:Keywords"] == "bridge"
    resolution = {".jpg": "JFIF:XResolution", ".tif": "IFD0:XResolution"}.get(suffix)
    if resolution:
        assert tags[resolution] == 600
    if suffix == ".png":
        assert tags["PNG-pHYs:PixelsPerUnitX"] == 23622


@pytest.mark.parametrize("suffix", CARRIERS)
def test_iptc_reaches_formats_that_hold_none_as_xmp(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"a{suffix}"
    write_photo(target, color(), _like(xmp=None), provenance=PROVENANCE)
    metadata = read_photo(target).metadata
    assert metadata.xmp is not None
    if suffix in (".jpg", ".tif", ".png"):
        assert metadata.iptc == IPTC
    if suffix in (".webp", ".jp2", ".avif"):
        assert b"Caption" in metadata.xmp and b"bridge" in metadata.xmp


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("big", [False, True])
def test_metadata_of_tiff_originals_survives(tmp_path: Path, depth: int, big: bool) -> None:
    source = tmp_path / "scan.tif"
    if big:
        tifffile.imwrite(
            source,
            ramp16() if depth == 16 else ramp8(),
            photometric="minisblack",
            bigtiff=True,
            resolution=(600, 600),
            resolutionunit="INCH",
            software="Scanner",
            description="A bridge",
            metadata=None,
            extratags=[(33432, 2, 13, b"City archive\0", True), (700, 1, len(XMP), XMP, True)],
        )
    else:
        exif = Image.Exif()
        exif.load(b"Exif\0\0" + _exif(1))
        exif[305], exif[700] = "Scanner", XMP
        Image.fromarray(ramp16() if depth == 16 else ramp8()).save(source, exif=exif, dpi=(600, 600))
    photo = read_photo(source)
    assert photo.metadata.dpi == (600, 600)
    assert photo.metadata.xmp is not None and photo.metadata.exif is not None
    for suffix in (".tif", ".jpg"):
        target = tmp_path / f"a{suffix}"
        write_photo(target, color(), photo, provenance=PROVENANCE)
        exif = Image.open(target).getexif()
        assert exif[33432] == "City archive" and exif[305] == "Scanner" and exif.get(0x0112, 1) == 1
        if not big:
            assert exif.get_ifd(0x8769)[0x9003] == "1931:05:01 12:00:00"
            assert exif.get_ifd(0x8825)[1] == "N"
        assert Image.open(target).info["dpi"] == (600, 600)


def test_each_page_keeps_its_own_metadata(tmp_path: Path) -> None:
    target = tmp_path / "a.tif"
    pages = [_like(dpi=(300.0, 300.0)), _like(dpi=(600.0, 600.0))]
    write_photo(target, [color(), color()], pages, provenance=PROVENANCE)
    assert [read_photo(target, page=page).metadata.dpi for page in (0, 1)] == [(300, 300), (600, 600)]


def test_exif_is_changed_only_where_it_would_lie() -> None:
    block = _exif()
    changed = upright_exif(block, 64, 40)
    assert changed is not None
    thumbnail = saved(ramp8(8, 8), "JPEG")
    assert thumbnail in block and thumbnail not in changed
    order, _, offset = header(changed)
    entries, following = parse(changed, order, offset)
    assert following == 0
    values = {entry.tag: entry for entry in entries}
    assert values[0x0112].integer(order) == 1
    details = {entry.tag: entry for entry in values[0x8769].children or ()}
    assert (details[0xA002].integer(order), details[0xA003].integer(order)) == (64, 40)
    before = {e.tag: e for e in parse(block, order, offset)[0]}
    notes = {entry.tag: entry for entry in before[0x8769].children or ()}[0x927C]
    assert details[0x927C] == notes, "maker notes must not move"


def test_damaged_exif_is_left_out_and_never_fatal(tmp_path: Path) -> None:
    block = _exif()
    for broken in (b"II*\0", b"II*\0\xff\xff\xff\xff", block[:20], block[: len(block) // 2], b"MM\0*" + b"\xff" * 60):
        result = write_photo(tmp_path / "a.jpg", color(), _like(exif=broken), provenance=PROVENANCE, overwrite=True)
        assert read_photo(tmp_path / "a.jpg").gray.size
        assert result.path is not None


@pytest.mark.parametrize(
    "broken",
    [
        b"<x:xmpmeta",
        b"\xff\xfe\x00",
        b"<a/>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + XMP,
        XMP[: len(XMP) // 2],
        b"\0" * 50,
    ],
)
def test_broken_xmp_is_replaced_and_it_is_said(tmp_path: Path, broken: bytes) -> None:
    result = write_photo(tmp_path / "a.png", color(), _like(xmp=broken), provenance=PROVENANCE)
    assert any("XMP" in note for note in result.notes)
    assert read_provenance(tmp_path / "a.png") == PROVENANCE


def test_provenance_joins_what_the_original_says() -> None:
    packet = build_xmp(XMP, PROVENANCE)
    document = minidom.parseString(packet)
    assert document.documentElement is not None
    assert b'xmp:CreatorTool="Scanner 3000"' in packet and "Straße &amp; Brücke, 1931".encode() in packet
    assert b"digitisedFromNegative" not in packet and packet.count(b"DigitalSourceType>") == 2
    assert provenance_of_xmp(packet) == PROVENANCE
    assert build_xmp(packet, PROVENANCE).count(b"WeightsSha256>") == 2


def test_the_extended_part_of_a_jpegs_xmp_is_left_out_and_it_is_said(tmp_path: Path) -> None:
    note = b'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="0123456789ABCDEF"'
    linked = XMP.replace(b"<rdf:Description ", b"<rdf:Description " + note + b" ", 1)
    result = write_photo(tmp_path / "a.jpg", color(), _like(xmp=linked), provenance=PROVENANCE)
    assert any("extended" in note for note in result.notes)
    assert b"HasExtendedXMP" not in (tmp_path / "a.jpg").read_bytes()


def test_odd_characters_keep_the_xml_well_formed() -> None:
    odd = Provenance("<gan> & 'co'", "ab", "1", {"prompt": 'a\x00b]]>"=c', "zeichen": "ÄÖ\U0001f600"})
    packet = build_xmp(XMP.decode().encode("utf-16"), odd)
    back = provenance_of_xmp(packet)
    assert back is not None and back.model == odd.model
    assert back.parameters == {"prompt": 'a?b]]>"=c', "zeichen": "ÄÖ\U0001f600"}


def test_blocks_beyond_the_64_kb_of_jpeg_are_left_out_and_it_is_said(tmp_path: Path) -> None:
    large = XMP.replace(b"Scanner 3000", b"x" * 70000)
    big_exif = _exif() + bytes(70000)
    target = tmp_path / "a.jpg"
    result = write_photo(target, color(), _like(xmp=large, exif=big_exif), provenance=PROVENANCE)
    assert sum("64 KB" in note for note in result.notes) == 2
    assert read_provenance(target) == PROVENANCE
    write_photo(tmp_path / "a.tif", color(), _like(xmp=large), provenance=PROVENANCE)
    assert b"x" * 70000 in (read_photo(tmp_path / "a.tif").metadata.xmp or b"")


def test_xmp_of_a_jpeg_is_found_without_reading_pixels(tmp_path: Path) -> None:
    target = tmp_path / "a.jpg"
    write_photo(target, color(), _like(), provenance=PROVENANCE)
    data = target.read_bytes()
    target.write_bytes(data[: data.index(b"\xff\xda")])
    assert read_provenance(target) == PROVENANCE
    assert io.BytesIO(data).read(2) == b"\xff\xd8"


def test_provenance_of_version_0_1_is_read_and_replaced() -> None:
    packet = OF_0_1_0.encode()
    found = provenance_of_xmp(packet)
    assert found == Provenance("gan", "ab" * 32, "0.1.0", {"borders": "kept", "size": "224"})
    again = build_xmp(packet, PROVENANCE)
    assert provenance_of_xmp(again) == PROVENANCE
    assert NS_0_1.encode() not in again and again.count(SOURCE_TYPE.encode()) == 1
    assert without_provenance(packet) is None


def test_the_namespace_is_a_uuid_that_never_changes() -> None:
    assert f'xmlns:colorize="{NS_OWN}"'.encode() in build_xmp(None, PROVENANCE)
    assert NS_OWN == "urn:uuid:3d50b1f5-0fbf-49ca-a22f-fd43ca341eb4#"
