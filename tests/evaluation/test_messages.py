"""What went wrong with a photograph is told by its name, never by objects of Python."""

import io

import numpy as np
import pytest
from PIL import Image

from colorize_cli.color_photos import decode_color
from colorize_cli.errors import PhotoError


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP", "JPEG2000", "PPM"])
@pytest.mark.parametrize("kept", [8, 16, 40, 200, 0.5, 0.9])
def test_damaged_files_of_every_format_are_told_without_objects(format, kept):
    stream = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    Image.fromarray(pixels).save(stream, format)
    data = stream.getvalue()
    try:
        decode_color(data[: kept if isinstance(kept, int) else int(len(data) * kept)], "album/photo.x")
    except PhotoError as error:
        assert "object at 0x" not in str(error) and "BytesIO" not in str(error)
        assert str(error).startswith("album/photo.x")
