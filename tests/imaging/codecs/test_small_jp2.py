"""JPEG 2000 of 16 bits and fewer than 32 pixels a side, which OpenCV does not write."""

import io

import numpy as np
import pytest

from colorize_cli.imaging.codecs import encode
from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.codecs.to_photo import photo_from_array
from colorize_cli.imaging.codecs.write import write_photo
from tests.imaging.samples import PROVENANCE


def written(shape: tuple[int, int], channels: int = 3) -> tuple[bytes, tuple[str, ...], np.ndarray]:
    rgb = np.random.default_rng(0).integers(0, 65536, (*shape, channels)).astype(np.uint16)
    stream = io.BytesIO()
    like = photo_from_array(rgb)
    result = write_photo(stream, rgb[..., :3], like, provenance=PROVENANCE, format="jpeg2000")
    return stream.getvalue(), result.notes, rgb


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (31, 31), (16, 100), (100, 5)])
@pytest.mark.parametrize("channels", [3, 4])
def test_they_are_written_without_loss(shape: tuple[int, int], channels: int) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    data, notes, rgb = written(shape, channels)
    assert not notes
    np.testing.assert_array_equal(imagecodecs.jpeg2k_decode(data).reshape(rgb.shape), rgb)
    photo = read_photo(data)
    assert photo.depth == 16 and photo.gray.shape == shape


def test_without_the_library_they_have_8_bits_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode.importlib.util, "find_spec", lambda name: None)
    data, notes, _ = written((16, 16))
    assert any("8 bits instead of 16" in note for note in notes)
    assert read_photo(data).depth == 8
