"""The chunks of a PNG file and the color space they state.

Precedence of chunks: PNG specification, third edition, section 4.3 (cICP, iCCP, sRGB, then gAMA with cHRM). Code points
of cICP: ITU-T H.273.
"""

import struct
from collections.abc import Iterator

from colorize_cli.imaging.metadata.icc import SRGB_PRIMARIES, Primaries, profile_of

_MOST_CHUNKS = 100_000
_BT709, _BT2020, _P3_D65 = 1, 9, 12
_PRIMARIES: dict[int, Primaries] = {
    _BT709: SRGB_PRIMARIES,
    _BT2020: ((0.3127, 0.329), (0.708, 0.292), (0.17, 0.797), (0.131, 0.046)),
    _P3_D65: ((0.3127, 0.329), (0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),
}
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_SRGB_LIKE = frozenset((1, 6, 13, 14, 15))
_SRGB_GAMA, _TOLERANCE = 45455, 0.05
_CHROMATICITY_TOLERANCE = 0.01


def chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield (name, payload) of each chunk up to IEND, without those that extend beyond the end of the file."""
    view = memoryview(data)
    position = 8
    for _ in range(_MOST_CHUNKS):
        if position + 12 > len(data):
            return
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            return
        yield name, view[position + 8 : end]
        if name == b"IEND":
            return
        position = end + 4


def without_packed_texts(data: bytes) -> bytes:
    """Return the PNG without its compressed texts: Pillow rejects the whole picture if one is a decompression bomb."""
    kept, position = [data[:8]], 8
    found = False
    for name, payload in chunks(data):
        end = position + 12 + len(payload)
        if name in (b"zTXt", b"iTXt"):
            found = True
        else:
            kept.append(data[position:end])
        position = end
    return b"".join(kept) + data[position:] if found else data


def stated_profile(data: bytes) -> tuple[bytes | None, bool, str]:
    """Return an ICC profile for the color space stated by the chunks of a PNG, None for sRGB.

    The second value is whether this replaces an embedded profile (cICP does); the third is a note, or "".
    """
    found: dict[bytes, bytes] = {}
    for name, payload in chunks(data):
        if name == b"IDAT":
            break
        if name in (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"):
            found.setdefault(name, bytes(payload[:64]))
    if len(found.get(b"cICP", b"")) == 4:
        primaries, transfer = found[b"cICP"][0], found[b"cICP"][1]
        if primaries in _PRIMARIES and (transfer in _SRGB_LIKE or transfer in _GAMMAS):
            if primaries == _BT709 and transfer in _SRGB_LIKE:
                return None, True, ""
            return profile_of(_GAMMAS.get(transfer), _PRIMARIES[primaries]), True, ""
        return None, False, "its color space (cICP) is not supported; the values are taken as sRGB"
    if b"iCCP" in found or b"sRGB" in found or len(found.get(b"gAMA", b"")) != 4:
        return None, False, ""
    return _of_gamma(found), False, ""


def _of_gamma(found: dict[bytes, bytes]) -> bytes | None:
    (gamma,) = struct.unpack(">I", found[b"gAMA"])
    primaries = SRGB_PRIMARIES
    if len(found.get(b"cHRM", b"")) == 32:
        numbers = [number / 100_000 for number in struct.unpack(">8I", found[b"cHRM"])]
        stated = tuple((numbers[place], numbers[place + 1]) for place in range(0, 8, 2))
        if any(
            abs(one - other) > _CHROMATICITY_TOLERANCE
            for pair, known in zip(stated, SRGB_PRIMARIES, strict=True)
            for one, other in zip(pair, known, strict=True)
        ):
            primaries = stated  # type: ignore[assignment]  # four pairs, counted above
    is_srgb_tone = abs(gamma - _SRGB_GAMA) <= _TOLERANCE * _SRGB_GAMA
    if gamma == 0 or (is_srgb_tone and primaries is SRGB_PRIMARIES):
        return None
    try:
        return profile_of(None if is_srgb_tone else 100_000 / gamma, primaries)
    except (ValueError, ArithmeticError):  # impossible chromaticities
        return None
