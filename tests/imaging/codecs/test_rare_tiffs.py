"""TIFF files of rare kinds: BigTIFF with JPEG, compressions that need imagecodecs, channels beyond the colors."""

import io

import numpy as np
import pytest
import tifffile

from colorize_cli.errors import PhotoError, UnsupportedPhoto
from colorize_cli.imaging.codecs import read
from colorize_cli.imaging.codecs.read import read_photo
from tests.imaging.codecs.readers import no_readers
from tests.imaging.samples import ramp8

__all__ = ["no_readers"]

GRAY = np.resize(ramp8(), (96, 128)).astype(np.uint8)
DEEP = GRAY.astype(np.uint16) * 257
FLOAT = (GRAY / 255).astype(np.float32)


def tiff(samples: np.ndarray, *, big: bool = False, order: str = "<", **options: object) -> bytes:
    pytest.importorskip("imagecodecs")  # what writes them
    photometric = options.pop("photometric", "minisblack" if samples.ndim == 2 else "rgb")
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, bigtiff=big, byteorder=order) as writer:
        writer.write(samples, metadata=None, photometric=photometric, **options)
    return buffer.getvalue()


def eight(gray: np.ndarray) -> np.ndarray:
    return gray.astype(int) if gray.dtype == np.uint8 else gray.astype(int) // 257


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("photometric", ["minisblack", "rgb", "ycbcr"])
@pytest.mark.parametrize("tiled", [False, True])
def test_jpeg_in_big_tiff_is_read_as_in_classic_tiff(order: str, photometric: str, tiled: bool) -> None:
    samples = GRAY if photometric == "minisblack" else np.dstack([GRAY] * 3)
    options = {"compression": "jpeg", "photometric": photometric} | ({"tile": (32, 32)} if tiled else {})
    big, classic = (read_photo(tiff(samples, big=big, order=order, **options)) for big in (True, False))
    np.testing.assert_array_equal(big.gray, classic.gray)
    assert photometric == "ycbcr" or np.abs(eight(big.gray) - GRAY).mean() < 8


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_bits_and_palettes_in_big_endian_big_tiff(compression: str | None) -> None:
    bits = GRAY > 100
    photo = read_photo(tiff(bits, big=True, order=">", compression=compression))
    np.testing.assert_array_equal(photo.gray > 0, bits)
    ramp = np.arange(256, dtype=np.uint16)[::-1] * 257
    data = tiff(
        GRAY, big=True, order=">", compression=compression, photometric="palette", colormap=np.stack([ramp] * 3)
    )
    np.testing.assert_array_equal(eight(read_photo(data).gray), 255 - GRAY)


@pytest.mark.parametrize("compression", ["jpeg2000", "jpegxl", "jpegxr", "lerc", "png"])
@pytest.mark.parametrize(
    "samples", [GRAY, DEEP, np.dstack([GRAY] * 3), np.dstack([DEEP] * 3)], ids=["8", "16", "24", "48"]
)
def test_rare_compressions_are_read_with_imagecodecs(compression: str, samples: np.ndarray) -> None:
    photo = read_photo(tiff(samples, compression=compression))
    assert photo.depth == samples.itemsize * 8
    assert np.abs(eight(photo.gray) - GRAY).mean() < 3


@pytest.mark.parametrize("compression", ["deflate", "lzw", None])
def test_floating_point_predictor_is_read_with_imagecodecs(compression: str | None) -> None:
    options = {} if compression is None else {"predictor": 3}
    photo = read_photo(tiff(FLOAT, compression=compression, **options))
    np.testing.assert_array_equal(eight(photo.gray), GRAY)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"compression": "jpeg2000"}, "JPEG 2000 at"),
        ({"compression": "deflate", "predictor": 3}, "the floating-point predictor"),
        ({"compression": "lzw", "predictor": 3}, "the floating-point predictor"),
    ],
)
def test_without_it_they_are_unsupported_and_not_damaged(
    no_readers: None, monkeypatch: pytest.MonkeyPatch, options: dict, what: str
) -> None:
    for samples in (GRAY, DEEP) if "jpeg2000" in options.values() else (FLOAT,):
        with pytest.raises(UnsupportedPhoto, match=rf"{what}.*pip install imagecodecs"):
            read_photo(tiff(samples, **options))


def test_what_a_decoder_apart_lacks_is_told_as_here(monkeypatch: pytest.MonkeyPatch) -> None:
    from colorize_cli.imaging.codecs import decode_apart

    answer = decode_apart.ReaderMissingError("TIFF files with x", "imagecodecs")
    monkeypatch.setattr(decode_apart._Decoder, "ask", lambda *_: (type(answer).__name__, (str(answer), answer.package)))
    monkeypatch.setattr(read, "APART_FROM", 1)
    with pytest.raises(UnsupportedPhoto, match=r"TIFF files with x.*pip install imagecodecs"):
        read_photo(tiff(GRAY))


@pytest.mark.parametrize("samples", [GRAY, DEEP], ids=["8", "16"])
def test_infrared_is_no_transparency(samples: np.ndarray) -> None:
    infrared = np.dstack([samples] * 3 + [samples[::-1]])
    photo = read_photo(tiff(infrared, extrasamples=["unspecified"]))
    assert photo.alpha is None
    assert any("infrared" in note for note in photo.notes)
    np.testing.assert_array_equal(eight(photo.gray), GRAY)
    declared = read_photo(tiff(infrared, extrasamples=["unassalpha"]))
    assert declared.alpha is not None and not any("infrared" in note for note in declared.notes)


def test_damaged_ones_are_typed_errors() -> None:
    for data in (tiff(GRAY, big=True, order=">", compression="jpeg"), tiff(DEEP, compression="jpeg2000")):
        for place in range(20, len(data), max(1, len(data) // 40)):
            broken = bytearray(data)
            broken[place] ^= 0xFF
            try:
                read_photo(bytes(broken))
            except PhotoError as error:
                assert error.remedy
