"""The picture of a TIFF file is the photograph, not its preview, wherever in the file either is."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from colorize_cli.errors import PhotoError, TruncatedPhoto, UnsupportedPhoto
from colorize_cli.imaging.codecs.formats import Limits
from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.codecs.tiff import pictures as tiff_pictures
from tests.imaging.codecs.readers import no_readers
from tests.imaging.samples import color, ramp8, ramp16

__all__ = ["no_readers"]


def _with_sub(preview: np.ndarray, sub: np.ndarray, *, big: bool = False, first: int = 1, **options: object) -> bytes:
    """Return a TIFF file whose first directory (NewSubfileType ``first``) has ``sub`` in a SubIFD."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, bigtiff=big) as writer:
        writer.write(preview, subifds=1, subfiletype=first, metadata=None)
        writer.write(sub, **({"subfiletype": 0, "metadata": None} | options))
    return buffer.getvalue()


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("make", [ramp8, ramp16])
def test_photograph_in_a_sub_directory_is_read_and_not_its_preview(make, first: int, big: bool) -> None:
    picture = make(60, 80)
    photo = read_photo(_with_sub(ramp8(12, 16), picture, big=big, first=first))
    assert np.array_equal(photo.gray, picture)
    assert photo.pages == 1


@pytest.mark.parametrize("kind", ["linear_raw", "cfa"])
@pytest.mark.parametrize("name", ["scan.dng", "scan.tif"])
def test_raw_data_below_a_preview_is_refused_with_a_remedy(no_readers, tmp_path: Path, name: str, kind: object) -> None:
    path = tmp_path / name
    samples = ramp16(60, 80) if kind == "cfa" else color(np.uint16)
    path.write_bytes(_with_sub(ramp8(12, 16), samples, photometric=kind))
    with pytest.raises(UnsupportedPhoto, match=r"camera raw files.*pip install rawpy"):
        read_photo(path)


def test_canon_raw_is_refused_by_its_mark(no_readers) -> None:
    data = bytearray(_with_sub(ramp8(12, 16), ramp16()))
    data[8:12] = b"CR\2\0"
    with pytest.raises(UnsupportedPhoto, match="camera raw"):
        read_photo(bytes(data))


def test_smaller_pictures_below_a_photograph_are_passed_over() -> None:
    assert np.array_equal(read_photo(_with_sub(ramp8(60, 80), ramp8(30, 40), first=0)).gray, ramp8(60, 80))
    reduced = _with_sub(ramp8(60, 80), ramp8(90, 120), first=0, subfiletype=1)
    assert np.array_equal(read_photo(reduced).gray, ramp8(60, 80))


def test_a_file_of_nothing_but_a_preview_shows_it() -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, ramp8(), subfiletype=1, metadata=None)
    assert np.array_equal(read_photo(buffer.getvalue()).gray, ramp8())


def test_preview_whose_photograph_is_missing_is_no_photograph() -> None:
    whole = _with_sub(ramp8(12, 16), ramp16(60, 80))
    (offset,) = tiff_pictures._below(whole, next(tiff_pictures._chain(whole)))
    cut = whole.replace(struct.pack("<I", offset.offset), struct.pack("<I", len(whole) + 99))
    with pytest.raises(TruncatedPhoto, match="only a preview"):
        read_photo(cut)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("pages", [1, 3])
def test_directories_that_form_a_loop_end_in_an_error(pages: int, big: bool) -> None:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, bigtiff=big) as writer:
        for _ in range(pages):
            writer.write(ramp8(), metadata=None)
    data = bytearray(buffer.getvalue())
    *_, last = tiff_pictures._chain(bytes(data))
    first = next(tiff_pictures._chain(bytes(data)))
    code, tags, entry = ("Q", 8, 20) if big else ("I", 2, 12)
    (count,) = struct.unpack_from("<Q" if big else "<H", data, last.offset)
    struct.pack_into("<" + code, data, last.offset + tags + entry * count, first.offset)
    with pytest.raises(TruncatedPhoto, match="form a loop"):
        read_photo(bytes(data))


def test_file_of_too_many_pages_is_refused() -> None:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for _ in range(3):
            writer.write(ramp8(), metadata=None)
    with pytest.raises(PhotoError, match=r"more than 2 pages.*--max-pages"):
        read_photo(buffer.getvalue(), limits=Limits(pages=2))
    assert read_photo(buffer.getvalue(), limits=Limits(pages=3)).pages == 3
