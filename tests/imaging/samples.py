"""Pictures and files that the imaging tests make for themselves."""

import io

import numpy as np
from PIL import Image

from colorize_cli.imaging.metadata.xmp import Provenance

PROVENANCE = Provenance("gan", "ab" * 32, "1.2.3", {"strength": "1.0"})


def ramp8(height: int = 40, width: int = 64) -> np.ndarray:
    """Return a smooth uint8 (height, width) picture without symmetry, black to white."""
    y, x = np.mgrid[0:height, 0:width]
    return np.rint((x / (width - 1) * 0.7 + y / (height - 1) * 0.3) * 255).astype(np.uint8)


def ramp16(height: int = 40, width: int = 64) -> np.ndarray:
    """Return the same picture as uint16, with detail below 8 bits."""
    y, x = np.mgrid[0:height, 0:width]
    return np.rint((x / (width - 1) * 0.7 + y / (height - 1) * 0.3) * 65535).astype(np.uint16)


def color(dtype: type = np.uint8, height: int = 40, width: int = 64) -> np.ndarray:
    """Return a smooth color picture (height, width, 3)."""
    gray = (ramp8 if dtype is np.uint8 else ramp16)(height, width)
    return np.stack([gray, gray[::-1], gray[:, ::-1]], axis=2)


def saved(image: Image.Image | np.ndarray, format: str, **options: object) -> bytes:
    """Return the file that Pillow writes."""
    buffer = io.BytesIO()
    picture = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def exact_lightness(rgb: np.ndarray) -> np.ndarray:
    """Return exact CIE L* of sRGB pixels uint8 or uint16, (H, W, 3) or gray (H, W)."""
    from skimage.color import rgb2lab

    if rgb.ndim == 2:
        rgb = np.repeat(rgb[..., None], 3, axis=2)
    return rgb2lab(rgb.astype(np.float64) / np.iinfo(rgb.dtype).max)[..., 0]
