"""Mutated files of every format: each is a photograph that can be written, or one typed error, within a time; seeded,
so that a find repeats.

``COLORIZE_FUZZ`` says how many mutations of each file are tried; ``make faults`` asks for more.
"""

import io
import os
import random
import time
from importlib.util import find_spec

import cv2
import numpy as np
import pytest
import tifffile

from colorize_cli.errors import PhotoError
from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.codecs.write import write_photo
from tests.imaging.codecs.test_decode_extra import HEIC, dng
from tests.imaging.codecs.test_pdf import PICTURE, document
from tests.imaging.codecs.test_pdf import scan as page
from tests.imaging.codecs.test_rare_tiffs import tiff
from tests.imaging.codecs.test_read_damage import FILES
from tests.imaging.metadata.test_orientation import packet, scan
from tests.imaging.samples import PROVENANCE

MUTATIONS = int(os.environ.get("COLORIZE_FUZZ", "40"))
SECONDS = 20.0
PICTURE_16 = np.asarray(PICTURE, np.uint16) * 257


def of_tiff_layouts() -> dict[str, bytes]:
    """Return TIFF files that are read by way of their directories: BigTIFF, several pages, a preview first."""
    found = {}
    for name, options in (("classic", {}), ("big", {"bigtiff": True}), ("big endian", {"byteorder": ">"})):
        stream = io.BytesIO()
        with tifffile.TiffWriter(stream, **options) as writer:
            small = PICTURE[::4, ::4]
            writer.write(np.dstack([small] * 3), photometric="rgb", subfiletype=1, subifds=1, metadata=None)
            writer.write(PICTURE_16, photometric="minisblack", subfiletype=0, metadata=None)
            writer.write(PICTURE, photometric="minisblack", compression="zlib", rowsperstrip=16, metadata=None)
        found[f"pages {name}.tif"] = stream.getvalue()
    return found


SEEDS = FILES | of_tiff_layouts()
SEEDS |= {"gray16.jp2": cv2.imencode(".jp2", PICTURE_16)[1].tobytes()}
SEEDS |= {f"with metadata{suffix}": scan(suffix, packet(6), 6) for suffix in (".jpg", ".png", ".tif", ".16.tif")}


def of_extra_readers() -> dict[str, bytes]:
    """Return files of the formats of the extra ``formats``, as far as its libraries are installed."""
    found = {}
    if find_spec("pi_heif") is not None:
        found["extra.heic"] = HEIC
    if find_spec("rawpy") is not None:
        found["extra.dng"] = dng()
    if find_spec("pypdfium2") is not None:
        found["extra.pdf"] = document(page(PICTURE, jpeg=True), page(PICTURE))
    if find_spec("imagecodecs") is not None:
        import imagecodecs

        found["extra.jxl"] = imagecodecs.jpegxl_encode(PICTURE)
        for compression in ("jpeg2000", "jpegxl", "jpegxr", "lerc"):
            found[f"{compression}.tif"] = tiff(PICTURE, compression=compression)
        floats = (PICTURE / 255).astype(np.float32)
        found["floating predictor.tif"] = tiff(floats, compression="zlib", predictor=3)
        found["jpeg in big.tif"] = tiff(PICTURE, big=True, order=">", compression="jpeg")
    return found


def mutated(data: bytes, choose: random.Random) -> bytes:
    """Return a file with some bytes flipped, cut out, repeated or replaced by extremes, most of them near its start."""
    result = bytearray(data)
    for _ in range(choose.choice((1, 1, 2, 4, 16))):
        place = choose.randrange(min(len(result), 400) if choose.random() < 0.7 else len(result))
        kind = choose.randrange(5)
        if kind == 0:
            result[place] ^= 1 << choose.randrange(8)
        elif kind == 1:
            result[place : place + 4] = choose.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"))
        elif kind == 2:
            del result[place : place + choose.randrange(1, 64)]
        elif kind == 3:
            result[place:place] = result[place : place + choose.randrange(1, 64)]
        else:
            result = result[: max(1, place)]
        if not result:
            return b"\0"
    return bytes(result)


SEEDS |= of_extra_readers()


@pytest.mark.slow
@pytest.mark.parametrize("name", SEEDS)
def test_mutated_file_is_a_photograph_or_one_typed_error(name: str) -> None:
    choose = random.Random(name)
    for number in range(MUTATIONS):
        data = mutated(SEEDS[name], choose)
        started = time.monotonic()
        try:
            photo = read_photo(data, max_megapixels=20)
            assert photo.gray.ndim == 2 and photo.gray.size
            # What its metadata became goes into the result, whatever it is.
            write_photo(io.BytesIO(), np.dstack([photo.gray] * 3), photo, provenance=PROVENANCE)
        except PhotoError as error:
            assert error.message and error.remedy, number
        assert time.monotonic() - started < SECONDS, number
