"""What a program gives to a colorizer: a path, the bytes of a file, a PIL image, or an array."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from colorize_cli.imaging.codecs.file_bytes import bytes_of
from colorize_cli.imaging.codecs.formats import format_of_suffix, normalize_format
from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.codecs.to_photo import photo_from_array, photo_from_pil
from colorize_cli.imaging.photo import Photo

Picture = str | Path | bytes | Image.Image | np.ndarray


def photo_of(image: Picture) -> Photo:
    """Return the photograph, of a file its first page. Raises :class:`PhotoError`."""
    if isinstance(image, Image.Image):
        return photo_from_pil(image)
    if isinstance(image, np.ndarray):
        return photo_from_array(image)
    return read_photo(Path(image) if isinstance(image, str) else image, digest=True)


class PagesOf:
    """The pages of what was given, decoded one by one as they are asked for.

    All of them where the result is a TIFF file: by ``format``, else the suffix of ``whole_file_in``, else the format of
    the original. ``notes``: what the user should know, complete when the last page has been taken.
    """

    def __init__(self, image: Picture, *, whole_file_in: Path | None, format: str | None) -> None:
        self._image, self._target, self._format = image, whole_file_in, format
        self.notes: list[str] = []

    def __iter__(self) -> Iterator[Photo]:
        if isinstance(self._image, Image.Image | np.ndarray):
            photo = photo_of(self._image)
            self.notes += photo.notes
            yield photo
            return
        path = None if isinstance(self._image, bytes) else Path(self._image)
        name = "the image" if path is None else str(path)
        data = bytes_of(self._image if path is None else path, name)
        number, count = 0, 1
        while number < count:
            photo = replace(read_photo(data, page=number, name=name, digest=True), path=path)
            self.notes += photo.notes
            if number == 0 and photo.pages > 1:
                if self._is_tiff(photo):
                    count = photo.pages
                else:
                    self.notes.append(f"only the first of {photo.pages} pages was colorized; use a TIFF file for all")
            yield photo
            number += 1

    def _is_tiff(self, photo: Photo) -> bool:
        if self._format is not None:
            return normalize_format(self._format) == "TIFF"
        by_name = format_of_suffix(self._target.suffix) if self._target is not None else None
        return (by_name or photo.format) == "TIFF"
