"""Samples whose type does not determine their range: floats, wide and signed integers, few bits in a wide type.

If a file states its range (SMinSampleValue, SMaxSampleValue, MaxSampleValue: TIFF 6.0 sections 8 and 19), it
is used; every guess is reported in a note.
"""

import numpy as np

_FEW = 0.001
"""Share of pixels beyond 0..1 that are clipped rather than allowed to darken all others."""
_LARGEST_8_BIT = 255
_SPARSE = 61


def scale_to_uint16(values: np.ndarray, stated: tuple[float, float] | None = None) -> tuple[np.ndarray, str]:
    """Return uint16 samples of wide integers or floats of any shape, and a note on how they were scaled.

    ``stated``: black and white as stated by the file; values beyond are clipped. Without it: integers within 0..255 are
    taken as 8-bit, within 0..65535 they are unchanged; unsigned 32-bit values beyond are divided by 65,537, so that
    the full range stays the full range. Floats within 0..1 are multiplied by 65,535, even if up to one in a thousand is
    outside and clipped. Everything else, and signed values below zero, is stretched from its smallest to its
    largest value. Not-a-number becomes 0, infinity the smallest or largest finite value.
    """
    is_float = values.dtype.kind == "f"
    if is_float:
        values = _finite(values)
    if stated is not None:
        return _stretched(values, *stated), f"black and white are {stated[0]:g} and {stated[1]:g}, as the file says"
    low, high = float(values.min()), float(values.max())
    bits = values.dtype.itemsize * 8
    if is_float and low >= 0 and 0 < high <= 1:
        return _stretched(values, 0, 1), "floating-point values 0..1 became 16-bit"
    if is_float and high > 0 and max(_share(values < 0), _share(values > 1)) <= _FEW:
        return _stretched(values, 0, 1), "floating-point values became 16-bit, those beyond 0..1 clipped"
    if not is_float and low >= 0 and 0 < high <= _LARGEST_8_BIT and bits > 8:
        return values.astype(np.uint16) * np.uint16(257), f"{bits}-bit values within 0..255 were taken as 8-bit"
    if not is_float and low >= 0 and high <= 65535:
        return values.astype(np.uint16), f"{bits}-bit values became 16-bit, unchanged"
    if values.dtype.kind == "u":
        return (values // 65537).astype(np.uint16), f"{bits}-bit values became 16-bit"
    return _stretched(values, low, high), f"values {low:g}..{high:g} were stretched to 16-bit black..white"


def is_8_bit_in_16(samples: np.ndarray) -> bool:
    """Return whether uint16 samples are within 0 to 255: 8 bits stored in 16, which would appear black."""
    if samples.dtype != np.uint16 or samples.size == 0:
        return False
    # A few pixels rule this out for ordinary photographs.
    if samples[::_SPARSE, ::_SPARSE].max() > _LARGEST_8_BIT:
        return False
    return bool(0 < samples.max() <= _LARGEST_8_BIT)


def stated_range(low: object, high: object, *, is_float: bool) -> tuple[float, float] | None:
    """Return the range stated by the tags of a TIFF page, None if they state no plausible one.

    ``low``, ``high``: a number, one number per channel, or None. For integers only a highest value of a whole number of
    bits is taken (255, 4095): programs also store the highest value that occurs, which does not define white.
    """
    highs, lows = _numbers(high), _numbers(low)
    if not highs:
        return None
    top, bottom = max(highs), min(lows, default=0.0)
    if not (np.isfinite(top) and np.isfinite(bottom)) or top <= bottom:
        return None
    if not is_float and (bottom != 0 or int(top) & (int(top) + 1)):
        return None
    return bottom, top


def _numbers(value: object) -> list[float]:
    values = value if isinstance(value, tuple | list) else (value,)
    return [float(number) for number in values if isinstance(number, int | float)]


def _finite(values: np.ndarray) -> np.ndarray:
    """Return floats of at least 32 bits, all finite."""
    values = values.astype(np.float32) if values.dtype.itemsize < 4 else values
    finite = np.isfinite(values)
    if finite.all():
        return values
    low, high = (values[finite].min(), values[finite].max()) if finite.any() else (0.0, 0.0)
    return np.nan_to_num(values, nan=0.0, posinf=high, neginf=low)


def _share(mask: np.ndarray) -> float:
    return int(np.count_nonzero(mask)) / mask.size


def _stretched(values: np.ndarray, low: float, high: float) -> np.ndarray:
    scaled = (values.astype(np.float64) - low) * (65535 / ((high - low) or 1.0))
    return np.rint(np.clip(scaled, 0, 65535)).astype(np.uint16)
