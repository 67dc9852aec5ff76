"""Pillow's settings and the warnings filters belong to the program that uses the library."""

import io
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
import tifffile
from PIL import Image

from colorize_cli.errors import PhotoError
from colorize_cli.imaging.codecs.decode_pillow import open_pillow, quiet_pillow
from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.codecs.to_photo import photo_from_pil
from tests.imaging.samples import ramp8, ramp16, saved


def tiled() -> bytes:
    """A TIFF file of one tile, the size of which Pillow checks."""
    stream = io.BytesIO()
    tifffile.imwrite(stream, ramp8(), tile=(80, 80), compression="lzw")
    return stream.getvalue()


def palette() -> Image.Image:
    """A picture at whose conversion Pillow warns."""
    image = Image.fromarray(ramp8()).convert("P")
    image.info["transparency"] = bytes(range(256))
    return image


def state() -> tuple[object, ...]:
    return list(warnings.filters), Image.MAX_IMAGE_PIXELS, warnings.showwarning


@pytest.mark.parametrize("limit", [100, 2500, None])
def test_reading_leaves_the_filters_and_the_limit_of_the_program_alone(
    monkeypatch: pytest.MonkeyPatch, limit: int | None
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        before = state()
        for data in (saved(ramp8(), "WEBP", lossless=True), tiled(), saved(ramp8(), "PNG")):
            np.testing.assert_array_equal(read_photo(data).gray, ramp8())
        np.testing.assert_array_equal(photo_from_pil(palette()).gray.shape, ramp8().shape)
        for damaged in (tiled()[:300], saved(ramp8(), "PNG")[:90], b"II*\0nothing"):
            with pytest.raises(PhotoError):
                read_photo(damaged)
        assert state() == before


def test_the_program_still_gets_its_own_warnings_and_errors_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)
    found: list[str] = []

    def of_the_program() -> None:
        try:
            Image.open(io.BytesIO(saved(ramp8(), "PNG")))
        except Image.DecompressionBombWarning as error:
            found.append(str(error))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with quiet_pillow():
            Image.open(io.BytesIO(saved(ramp8(), "PNG")))
            other = threading.Thread(target=of_the_program)
            other.start()
            other.join()
            with quiet_pillow():
                open_pillow(io.BytesIO(saved(ramp8(), "PNG")), "PNG")
            palette().convert("RGB")
        assert len(found) == 1
        of_the_program()
        assert len(found) == 2


def test_threads_that_read_at_once_leave_no_filter_behind() -> None:
    before = state()
    data = saved(ramp16(), "PNG")
    threads = [threading.Thread(target=lambda: [read_photo(data) for _ in range(20)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state() == before


def test_importing_the_package_changes_nothing_of_the_program() -> None:
    code = (
        "import warnings, numpy, cv2, torch; from PIL import Image;"
        "before = list(warnings.filters), Image.MAX_IMAGE_PIXELS;"
        "import colorize_cli.imaging.codecs.read, colorize_cli.inference.colorizer, colorize_cli.batch.engine;"
        "after = [entry for entry in warnings.filters], Image.MAX_IMAGE_PIXELS;"
        "assert [e for e in after[0] if e not in before[0]] == [] and before[1] == after[1], after"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
