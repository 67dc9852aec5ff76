"""Write a color result like its original, with its metadata and the provenance of the colors.

Writes are atomic and never replace an original.
"""

import contextlib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np

from colorize_cli.errors import OutputError, OutputExists, UsageProblem
from colorize_cli.files import atomic_file, exists_error
from colorize_cli.imaging.codecs.encode import DEFAULT_QUALITY, Job, encode, to_depth
from colorize_cli.imaging.codecs.extra.decode_extra import READERS, kind_name
from colorize_cli.imaging.codecs.formats import FORMATS, format_of_suffix, normalize_format, output_suffix
from colorize_cli.imaging.codecs.tiff.layout import TiffWriter, needs_big_tiff
from colorize_cli.imaging.metadata.exif import upright_exif, without_geography
from colorize_cli.imaging.metadata.icc import srgb_profile
from colorize_cli.imaging.metadata.ifd import header
from colorize_cli.imaging.metadata.iptc import Property
from colorize_cli.imaging.metadata.texts import Texts, lost_keywords, xmp_of_texts
from colorize_cli.imaging.metadata.xmp import (
    Provenance,
    build_xmp,
    parse_xmp,
    provenance_of_xmp,
    read_sidecar,
    sidecar_path,
)
from colorize_cli.imaging.metadata.xmp_statements import REGIONS_DROPPED, Restated, has_regions
from colorize_cli.imaging.photo import Photo

__all__ = ["WriteResult", "output_suffix", "write_pages", "write_photo"]


@dataclass(frozen=True)
class WriteResult:
    """Path of the result (None for a stream) and notes for the user."""

    path: Path | None
    notes: tuple[str, ...] = ()


def write_photo(
    target: Path | str | BinaryIO,
    rgb: np.ndarray | Sequence[np.ndarray],
    like: Photo | Sequence[Photo],
    *,
    provenance: Provenance,
    format: str | None = None,
    quality: int | None = None,
    overwrite: bool = False,
) -> WriteResult:
    """Write the color result ``rgb``, sRGB uint8 or uint16 (H, W, 3), of the photo ``like`` to ``target``.

    ``rgb`` and ``like`` may be sequences of the same length: the pages of one TIFF. The format is ``format``, else that
    of the suffix of ``target``, else that of the original; ``quality`` 1..100 replaces the estimated one.

    Raises :class:`OutputExists` if the file exists and ``overwrite`` is off, and always for an original;
    :class:`OutputError` if it cannot be written; :class:`UsageProblem` for a format that cannot hold it. In
    each case nothing is left behind.
    """
    pages = [rgb] if isinstance(rgb, np.ndarray) else list(rgb)
    likes = [like] * len(pages) if isinstance(like, Photo) else list(like)
    return write_pages(
        target,
        zip(pages, likes, strict=True),
        provenance=provenance,
        format=format,
        quality=quality,
        overwrite=overwrite,
    )


def write_pages(
    target: Path | str | BinaryIO,
    pages: Iterable[tuple[np.ndarray, Photo]],
    *,
    provenance: Provenance,
    format: str | None = None,
    quality: int | None = None,
    overwrite: bool = False,
) -> WriteResult:
    """Write results page by page as they arrive, so that a file of many pages is never held in memory.

    ``pages``: (rgb, photo) pairs; otherwise as :func:`write_photo`.
    """
    if quality is not None and not 1 <= quality <= 100:
        raise UsageProblem(f"Quality {quality} is not between 1 and 100.", "Try --quality 90.")
    source = iter(pages)
    first = next(source, None)
    if first is None:
        raise UsageProblem("There are no pages to write.")
    path = Path(target) if isinstance(target, str | Path) else None
    chosen = _format_for(path, first[1], format)
    notes: list[str] = []
    everything = chain([first], source)
    if path is None:
        assert not isinstance(target, str | Path)
        buffer = io.BytesIO()
        _write_into(buffer, chosen, everything, provenance, quality, notes)
        write_stream(target, buffer.getbuffer())
        return WriteResult(None, tuple(dict.fromkeys(notes)))
    protect_originals(path, first[1])
    sidecar: Path | None = None
    try:
        with atomic_file(path, overwrite=overwrite, like=first[1].path) as file:
            last_xmp = _write_into(file, chosen, _protecting(path, everything), provenance, quality, notes)
            if not FORMATS[chosen].metadata:
                _write_sidecar(sidecar_path(path), last_xmp, overwrite)
                sidecar = sidecar_path(path)
                notes.append(f"{chosen} holds no metadata: provenance is in {sidecar.name}")
    except BaseException:
        if sidecar is not None and not path.exists():
            with contextlib.suppress(OSError):
                sidecar.unlink()
        raise
    return WriteResult(path, tuple(dict.fromkeys(notes)))


def write_stream(stream: BinaryIO, content: bytes | memoryview) -> None:
    """Write a complete result to a stream. Raises :class:`OutputError` if the reader is gone or the disk is full."""
    try:
        stream.write(content)
        stream.flush()
    except BrokenPipeError:
        raise OutputError(
            "The program that reads the output has stopped reading.", "Keep it running until colorize ends."
        ) from None
    except OSError as error:
        raise OutputError(f"The output cannot be written: {error.strerror}.", "Check the disk.") from None


def _format_for(path: Path | None, like: Photo, format: str | None) -> str:
    """Return the format of the result."""
    if format is not None:
        return normalize_format(format)
    by_name = format_of_suffix(path.suffix) if path is not None else None
    chosen = by_name or like.format
    return FORMATS[chosen].written_as or chosen


def protect_originals(path: Path, like: Photo) -> None:
    """Raise :class:`OutputExists` if ``path`` is the original itself, even through a link."""
    if like.path is None:
        return
    same = False
    with contextlib.suppress(OSError):
        same = path.samefile(like.path) or path.resolve() == like.path.resolve()
    if same:
        raise OutputExists(
            f"{path} is the original, which is never overwritten.", "Choose another name or folder with -o."
        )


def _protecting(path: Path, pages: Iterable[tuple[np.ndarray, Photo]]) -> Iterator[tuple[np.ndarray, Photo]]:
    for rgb, like in pages:
        protect_originals(path, like)
        yield rgb, like


def _write_into(
    file: BinaryIO,
    format: str,
    pages: Iterable[tuple[np.ndarray, Photo]],
    provenance: Provenance,
    quality: int | None,
    notes: list[str],
) -> bytes:
    """Encode all pages into ``file`` and return the XMP packet of the last one."""
    tiff: TiffWriter | None = None
    xmp = b""
    for number, (rgb, like) in enumerate(pages):
        if number and format != "TIFF":
            raise UsageProblem(f"{format} holds one picture, not several pages.", "Use --format tiff.")
        rgb, alpha = _fitted(format, rgb, like, quality, notes)
        job = job_for(format, rgb, like, provenance, quality, notes)
        xmp = job.xmp
        if format != "TIFF":
            encode(file, format, rgb, alpha, job)
            continue
        if tiff is None:
            order = header(job.metadata.exif)[0] if job.metadata.exif is not None else "<"
            samples = rgb.shape[0] * rgb.shape[1] * (3 if alpha is None else 4) * max(1, like.pages)
            tiff = TiffWriter(file, order=order, big=needs_big_tiff(samples, rgb.itemsize))
        tiff.write_page(
            rgb,
            alpha,
            icc=job.icc,
            xmp=job.xmp,
            metadata=job.metadata,
            compress=like.encoding.compression != "none" or like.format != "TIFF",
            alpha_kind=like.encoding.alpha_kind,
        )
    return xmp


def _fitted(
    format: str, rgb: np.ndarray, like: Photo, quality: int | None, notes: list[str]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return pixels and alpha in a depth that the format supports; losses are noted."""
    entry = FORMATS[format]
    depth = rgb.itemsize * 8
    if depth not in entry.depths:
        notes.append(f"{format} holds 8 bits per channel: written at 8 instead of 16")
        depth = 8
        rgb = to_depth(rgb, 8)
    if quality is not None and format not in DEFAULT_QUALITY:
        notes.append(f"{format} is lossless: the quality setting has no effect")
    _note_changes(format, like, notes)
    alpha = like.alpha
    if alpha is not None and alpha.shape != rgb.shape[:2]:
        alpha = None
    if alpha is not None and not entry.alpha:
        notes.append(f"{format} holds no transparency: it was left out")
        alpha = None
    return rgb, to_depth(alpha, depth) if alpha is not None else None


def _note_changes(format: str, like: Photo, notes: list[str]) -> None:
    """Note what the original's format could not hold in color."""
    if like.mode == "1":
        notes.append("1-bit cannot hold color: written at 8 bits per channel")
    if like.format in READERS and format == FORMATS[like.format].written_as:
        notes.append(f"{kind_name(like.format)} cannot be written here: the result is {format}")
    if like.format == "GIF" and format == "PNG":
        notes.append("GIF cannot hold photographic color: written as PNG")
    if like.mode[:1] in ("I", "F") and like.mode not in ("I;16", "I;16B", "I;16L"):
        notes.append("wide gray values: written at 16 bits per channel")


def job_for(
    format: str,
    rgb: np.ndarray,
    like: Photo,
    provenance: Provenance,
    quality: int | None,
    notes: list[str],
    *,
    orientation: int = 1,
) -> Job:
    """Return the metadata of a result: correct for it, with the provenance of its colors.

    ``orientation``: EXIF orientation of ``rgb``; results are upright unless they must keep that of their original.
    """
    metadata = like.metadata
    height, width = rgb.shape[:2]
    exif = metadata.exif
    if exif is not None:
        exif = upright_exif(exif, width, height, orientation)
        if exif is None:
            notes.append("its EXIF block is damaged and was left out")
    is_turned = orientation == 1 != like.orientation
    if exif is not None and (format != "TIFF" or is_turned):
        exif, had_geography = without_geography(exif)
        if had_geography:
            why = "the picture was turned" if format == "TIFF" else f"{format} holds none"
            notes.append(f"its georeference was left out: {why}")
    stated = _xmp_of_texts(format, metadata.texts, notes)
    if metadata.xmp is not None and parse_xmp(metadata.xmp) is None:
        notes.append("its XMP packet is damaged and was replaced")
    elif metadata.xmp is not None:
        if b"HasExtendedXMP" in metadata.xmp:
            notes.append("the extended part of its XMP was left out")
        if is_turned and has_regions(metadata.xmp):
            notes.append(REGIONS_DROPPED)
    provenance = replace(provenance, scan_sha256=like.file_sha256 or provenance.scan_sha256)
    restated = Restated(orientation if orientation == 1 else None, width, height, is_turned)
    return Job(
        icc=srgb_profile(),
        xmp=build_xmp(
            metadata.xmp,
            provenance,
            iptc=None if FORMATS[format].iptc else metadata.iptc,
            stated=stated,
            restated=restated,
        ),
        fallback_xmp=build_xmp(None, provenance),
        metadata=replace(metadata, exif=exif),
        encoding=like.encoding,
        quality=quality,
        notes=notes,
    )


def _xmp_of_texts(format: str, texts: Texts, notes: list[str]) -> dict[Property, list[str]]:
    """Return XMP properties for comments and texts that the format cannot store; losses are noted."""
    if format == "PNG":
        return {}
    if lost := lost_keywords(texts):
        notes.append(f"{format} cannot hold PNG texts; left out: {', '.join(lost)}")
    return xmp_of_texts(texts, kept=format == "JPEG")


def _write_sidecar(path: Path, xmp: bytes, overwrite: bool) -> None:
    """Write the XMP sidecar of a result whose format cannot hold XMP; an older sidecar is replaced."""
    replaceable = overwrite
    if not replaceable and path.exists():
        with contextlib.suppress(OSError):
            replaceable = provenance_of_xmp(read_sidecar(path)) is not None
        if not replaceable:
            raise exists_error(path)
    with atomic_file(path, overwrite=replaceable) as file:
        file.write(xmp)
