"""TIFF: one page of a classic or BigTIFF file, of any depth; white-is-zero is inverted.

Pillow decodes up to 8 bits per sample (it supports every compression and photometric interpretation, and inverts
white-is-zero); tifffile decodes more, keeping every bit. tifffile alone cannot decode LZW: those strips are decoded by
Pillow's libtiff through a directory that declares them as plain bytes.
"""

import importlib.util
import io
from typing import Any

import numpy as np

from colorize_cli.imaging.codecs.extra.decode_extra import ReaderMissingError
from colorize_cli.imaging.codecs.formats import LIMITS, Limits
from colorize_cli.imaging.codecs.raster import (
    DamagedDataError,
    Raster,
    UnknownKindError,
    check_size,
)
from colorize_cli.imaging.codecs.tiff.by_pillow import by_pillow, through_libtiff
from colorize_cli.imaging.codecs.tiff.pictures import pictures
from colorize_cli.imaging.codecs.wide_values import is_8_bit_in_16, scale_to_uint16, stated_range
from colorize_cli.imaging.metadata.exif import ORIENTATION, exif_of_tiff, stated_orientation
from colorize_cli.imaging.metadata.iptc import best_iptc, iptc_of_photoshop
from colorize_cli.imaging.photo import Encoding, Metadata

_OWN_CODECS = {1: "none", 8: "deflate", 32946: "deflate", 32773: "packbits"}
_BYTE_CODECS = {5: "lzw", 50000: "zstd", 34925: "lzma"}
_MAX, _S_MIN, _S_MAX = 281, 340, 341
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _SEPARATED, _YCBCR = 0, 1, 2, 5, 6
_COLORS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _SEPARATED: 4}
_PILLOW_CODECS = frozenset((1, 2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32809, 32946, 34925, 50000))
_CODEC_NAMES = {
    7: "JPEG",
    34712: "JPEG 2000",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    34887: "LERC",
    34892: "JPEG",
    34933: "PNG",
    34934: "JPEG XR",
    22610: "JPEG XR",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_FLOATING_POINT = 3


def decode(data: bytes, *, page: int, max_pixels: float, limits: Limits = LIMITS) -> Raster:
    """Return the samples of main page ``page`` (previews and masks do not count). Errors: see ``decode.decode``."""
    found = pictures(data, limits.pages)
    if not 0 <= page < len(found):
        raise IndexError(page)
    directory = found[page]
    check_size(directory.width, directory.height, max_pixels)
    if directory.is_raw:
        raise UnknownKindError("camera raw files")
    import tifffile  # start-up time: most photographs are no TIFFs

    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        tiff.filehandle.seek(directory.offset)
        leaf = tifffile.TiffPage(tiff, 0)
        check_size(leaf.imagewidth, leaf.imagelength, max_pixels)
        if leaf.imagedepth > 1:
            raise UnknownKindError("volumes")
        _check_extents(leaf, len(data))
        raster = by_pillow(leaf, data, directory) if _is_for_pillow(leaf) else _by_tifffile(leaf, data)
        raster.page, raster.pages = page, len(found)
        raster.icc = _bytes(leaf, 34675)
        raster.metadata = _metadata(leaf, data)
        raster.orientation = stated_orientation(_value(leaf, ORIENTATION), raster.metadata.xmp)
        if _has_other_channel(leaf):
            raster.alpha = None
            raster.notes.append("a channel that is neither color nor transparency, infrared perhaps, was left out")
        raster.encoding = _encoding(leaf, 2)
    return raster


def _has_other_channel(leaf: Any) -> bool:
    """Whether the first channel beyond the colors is not declared as transparency: scanners keep infrared there."""
    colors = _COLORS.get(int(leaf.photometric))
    kinds = [int(kind) for kind in leaf.extrasamples]
    return colors is not None and leaf.samplesperpixel > colors and (not kinds or kinds[0] not in (1, 2))


def _is_for_pillow(leaf: Any) -> bool:
    """Whether Pillow decodes the page: up to 8 bits, by a codec that it has."""
    compression = int(leaf.compression)
    if leaf.bitspersample > 8 or compression not in _PILLOW_CODECS:
        return False
    own = compression in _OWN_CODECS or compression in _BYTE_CODECS
    return not (own and leaf.parent.is_bigtiff and leaf.bitspersample == 8 and int(leaf.photometric) <= _RGB)


def _check_extents(leaf: Any, size: int) -> None:
    """Raise :class:`DamagedDataError` if strips are missing or extend beyond the end of the file."""
    if not leaf.dataoffsets:
        raise DamagedDataError("there is no image data")
    for offset, count in zip(leaf.dataoffsets, leaf.databytecounts, strict=False):
        if offset <= 0 or count <= 0 or offset + count > size:
            raise DamagedDataError("the file ends before the picture does")


def _by_tifffile(leaf: Any, data: bytes) -> Raster:
    """Return the samples of a page, uint8 for 8 bits and uint16 for more, with premultiplied alpha divided out."""
    compression = int(leaf.compression)
    known = compression in _OWN_CODECS or compression in _BYTE_CODECS
    floating = int(leaf.predictor) == _FLOATING_POINT
    if not known or floating:
        samples = _by_imagecodecs(leaf, _CODEC_NAMES.get(compression, f"compression {compression}"), floating)
    elif compression in _OWN_CODECS and leaf.bitspersample in (8, 16, 32, 64):
        samples = np.asarray(leaf.asarray())
    else:
        samples = through_libtiff(leaf, data)
    photometric = int(leaf.photometric)
    channels = int(leaf.samplesperpixel)
    if channels > 1 and int(leaf.planarconfig) == 2:
        samples = np.moveaxis(samples.reshape(channels, leaf.imagelength, leaf.imagewidth), 0, 2)
    samples = samples.reshape(leaf.imagelength, leaf.imagewidth, channels)
    # Codecs of pictures hand over RGB, whatever the file says that they hold.
    is_picture = compression in _CODEC_NAMES and photometric == _YCBCR and channels == 3
    colors = 3 if is_picture else _COLORS.get(photometric)
    if colors is None or channels < colors:
        raise UnknownKindError(f"TIFF files with photometric interpretation {photometric}")
    notes: list[str] = []
    if 8 < leaf.bitspersample < 16:
        samples = scale_bits(samples, leaf.bitspersample)
    else:
        samples, notes = _to_full_range(leaf, samples)
    native = np.uint8 if samples.dtype.itemsize == 1 else np.uint16
    samples = np.ascontiguousarray(samples).astype(native, copy=False)
    color = samples[..., 0] if colors == 1 else samples[..., :colors]
    alpha = np.ascontiguousarray(samples[..., colors]) if channels > colors else None
    if channels > colors + 1:
        notes.append(f"{channels - colors - 1} extra channels beyond the first are left out")
    if alpha is not None and int(next(iter(leaf.extrasamples), 0)) == 1:
        color = unmultiply(color, alpha)
    if photometric == _WHITE_IS_ZERO:
        color = np.iinfo(native).max - color
    mode = (
        {1: "L", 3: "RGB", 4: "CMYK"}[colors] if native is np.uint8 else {1: "I;16", 3: "RGB;16", 4: "CMYK;16"}[colors]
    )
    if leaf.bitspersample > 16 or leaf.dtype.kind != "u":
        mode = f"{'F' if leaf.dtype.kind == 'f' else 'I'};{leaf.bitspersample}"
    return Raster(np.ascontiguousarray(color), "TIFF", mode, alpha, notes=notes)


def _by_imagecodecs(leaf: Any, codec: str, floating: bool) -> np.ndarray:
    """Return the samples of a page that the libraries of every installation cannot decompress."""
    what = "the floating-point predictor" if floating else f"{codec} at {leaf.bitspersample} bits"
    if importlib.util.find_spec("imagecodecs") is None:
        raise ReaderMissingError(f"TIFF files with {what}", "imagecodecs")
    if leaf.bitspersample not in (8, 16, 32, 64):
        raise UnknownKindError(f"TIFF files with {what}")
    return np.asarray(leaf.asarray())


def _to_full_range(leaf: Any, samples: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return samples as uint8 or uint16 of the full range, according to the tags of the page, and notes."""
    if samples.dtype == np.uint8:
        return samples, []
    is_float = samples.dtype.kind == "f"
    stated = stated_range(_value(leaf, _S_MIN), _value(leaf, _S_MAX), is_float=is_float)
    if stated is None and not is_float:
        stated = stated_range(None, _value(leaf, _MAX), is_float=False)
    if samples.dtype == np.uint16 and stated in (None, (0, 65535)) and not is_8_bit_in_16(samples):
        return samples, []
    samples, note = scale_to_uint16(samples, stated)
    return samples, [note]


def _value(leaf: Any, code: int) -> Any:
    tag = leaf.tags.get(code)
    return None if tag is None else tag.value


def scale_bits(samples: np.ndarray, bits: int) -> np.ndarray:
    """Return samples of 9..15 bits scaled to the full range of uint16."""
    top = (1 << bits) - 1
    return ((samples.astype(np.uint32) * 65535 + top // 2) // top).astype(np.uint16)


def unmultiply(color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return uint8 or uint16 color divided by its alpha (unassociated alpha); black where alpha is 0."""
    top = np.iinfo(color.dtype).max
    weight = np.maximum(alpha, 1).astype(np.uint32)
    weight = weight if color.ndim == 2 else weight[..., None]
    return np.minimum((color.astype(np.uint32) * top + weight // 2) // weight, top).astype(color.dtype)


def _bytes(leaf: Any, code: int) -> bytes | None:
    """Return the raw value of a tag of bytes, or None."""
    tag = leaf.tags.get(code)
    value = tag.value if tag is not None else None
    if isinstance(value, str):
        value = value.encode("utf-8")
    if isinstance(value, tuple) and all(isinstance(item, int) for item in value):
        value = np.array(value, f"{leaf.parent.byteorder}u4").tobytes()
    return value if isinstance(value, bytes) and value else None


def _metadata(leaf: Any, data: bytes) -> Metadata:
    """Return the metadata of the page; damaged parts are left out."""
    dpi = None
    try:
        x, y = (float(value) for value in leaf.get_resolution("inch"))
        dpi = (x, y) if 1 < x < 1e6 and 1 < y < 1e6 else None
    except Exception:  # an invalid resolution must not make the photo unreadable
        dpi = None
    iptc = best_iptc(_bytes(leaf, 33723), iptc_of_photoshop(_bytes(leaf, 34377) or b""))
    return Metadata(exif_of_tiff(data, leaf.offset), _bytes(leaf, 700), iptc, dpi)


def _encoding(leaf: Any, alpha_kind: int) -> Encoding:
    """Return the compression of the page by name, "other" for rare ones."""
    name = (_OWN_CODECS | _BYTE_CODECS | {6: "jpeg", 7: "jpeg"}).get(int(leaf.compression), "other")
    return Encoding(compression=name, alpha_kind=alpha_kind)
