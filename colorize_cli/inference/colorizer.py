"""The library API: one loaded model that turns photographs into color."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image

from colorize_cli._version import __version__
from colorize_cli.checkpoints.foreign import load_network, open_checkpoint
from colorize_cli.checkpoints.format import CheckpointInfo
from colorize_cli.checkpoints.locate import find_weights
from colorize_cli.errors import OutOfMemory, UsageProblem, WeightsInvalid
from colorize_cli.imaging.color import lightness
from colorize_cli.imaging.geometry import fit, unfit
from colorize_cli.imaging.metadata import Provenance
from colorize_cli.imaging.photo import Photo
from colorize_cli.imaging.read import photo_from_array, photo_from_pil, read_photo
from colorize_cli.imaging.recombine import recombine
from colorize_cli.inference.devices import choose
from colorize_cli.inference.fusion import fuse_batch_norm
from colorize_cli.inference.hints import fit_hints, hints_digest, read_hints
from colorize_cli.registry import DEFAULT_MODEL, get

Picture = str | Path | bytes | Image.Image | np.ndarray
SMALLEST_SIZE, LARGEST_SIZE = 32, 2048
# Least and greatest a* and b* of the sRGB cube.
SRGB_AB_RANGE = ((-86.19, -107.87), (98.24, 94.48))


class Colorizer:
    """A model with trained weights on a device, ready to colorize.

    Parameters
    ----------
    model
        a name of the registry.
    weights
        a checkpoint file or a folder that holds one; None for the weights that come with the product.
    device, precision
        ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``; ``auto``, ``fp32``, ``bf16``, ``fp16``.
    vividness
        0 (safe, pale) to 1 (vivid, more mistakes); None for the checkpoint's own. Only models that predict a
        distribution of colors have it.
    size
        longer side, in pixels, of the picture given to the network; None for the model's own. Several sizes make a
        consensus: the median of what each of them gives.
    strength
        0..1, the share of the predicted chroma that is applied.
    hints
        a picture, transparent except where its color is a hint, for models that take hints; see
        :mod:`colorize_cli.inference.hints`. It is laid over every photograph, whatever its size.
    offline, accept_license
        never ask the Hub; agree to a licence that forbids commercial use.

    Raises
    ------
    UnknownModel, WeightsMissing, WeightsInvalid, DeviceError, UsageProblem

    Examples
    --------
    >>> from colorize_cli import Colorizer
    >>> colorizer = Colorizer("gan")  # doctest: +SKIP
    >>> colorizer("photo.jpg").save("photo-color.jpg")  # doctest: +SKIP
    >>> colorizer.batch(["a.jpg", "b.png"])  # doctest: +SKIP
    [<PIL.Image.Image ...>, <PIL.Image.Image ...>]
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        *,
        weights: str | Path | None = None,
        device: str = "auto",
        precision: str = "auto",
        vividness: float | None = None,
        size: int | Sequence[int] | None = None,
        strength: float = 1.0,
        hints: str | Path | Image.Image | None = None,
        offline: bool = False,
        accept_license: bool = False,
    ) -> None:
        self.entry = get(model)
        self.sizes = tuple(size) if isinstance(size, Sequence) else (size or self.entry.input_size,)
        _check_options(model, self.entry.vividness, vividness, self.sizes, strength)
        if hints is not None and not self.entry.hints:
            raise UsageProblem(f"Model {model!r} takes no hints.", "Leave --hints out, or use -m siggraph17.")
        self._hints = None if hints is None else read_hints(hints)
        self.path = find_weights(self.entry, weights, offline=offline, accept_license=accept_license)
        self.compute = choose(device, precision)
        checkpoint = open_checkpoint(self.path, self.entry)
        if checkpoint.info.model != model:
            raise WeightsInvalid(
                f"{self.path} holds weights of {checkpoint.info.model!r}, not of {model!r}.",
                f"Use -m {checkpoint.info.model}.",
            )
        network = load_network(checkpoint, self.entry, str(self.path))
        self.info: CheckpointInfo = checkpoint.info
        self.weights_sha256 = checkpoint.sha256
        self.vividness = vividness
        self.size = self.sizes[0]
        self.strength = strength
        network = fuse_batch_norm(network.eval()).to(self.compute.device)
        self.network = network.to(memory_format=torch.channels_last)

    @property
    def device(self) -> torch.device:
        """The device that predictions run on."""
        return self.compute.device

    def provenance(self) -> Provenance:
        """Return what a result should record about how it was made."""
        parameters = {"size": ",".join(map(str, self.sizes))}
        if self.vividness is not None:
            parameters["vividness"] = f"{self.vividness:g}"
        if self.strength != 1.0:
            parameters["strength"] = f"{self.strength:g}"
        if self._hints is not None:
            parameters["hints"] = hints_digest(self._hints)
        return Provenance(
            model=self.entry.name, weights_sha256=self.weights_sha256, version=__version__, parameters=parameters
        )

    def predict(self, grays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Predict the chroma of photographs given as sRGB gray, uint8 or uint16 (H, W), of any sizes.

        Returns one float32 array (2, h, w) for each: a*b* in Lab units at the model's own resolution, covering exactly
        the picture, limited to what sRGB can show. Pictures of one shape share a forward pass. Raises
        :class:`OutOfMemory`.
        """
        if len(self.sizes) == 1:
            return self._predict(grays, self.sizes[0])
        return [consensus(maps) for maps in zip(*(self._predict(grays, size) for size in self.sizes), strict=True)]

    def _predict(self, grays: Sequence[np.ndarray], size: int) -> list[np.ndarray]:
        fitted = [fit(gray, size, self.entry.fit) for gray in grays]
        results: list[np.ndarray] = [np.empty(0)] * len(fitted)
        shapes = sorted({canvas.shape for canvas, _ in fitted})
        for shape in shapes:
            members = [i for i, (canvas, _) in enumerate(fitted) if canvas.shape == shape]
            batch = np.stack([lightness(fitted[i][0]) for i in members])[:, None]
            for i, ab in zip(members, self._chroma(batch, size), strict=True):
                results[i] = unfit(ab, fitted[i][1])
        return results

    def _chroma(self, batch: np.ndarray, size: int) -> np.ndarray:
        """Run the network on L* (N, 1, H, W), and on the mirror images where the model is better for it."""
        options: dict[str, Any] = {} if self.vividness is None else {"vividness": self.vividness}
        if self._hints is not None:
            ab, mask = (torch.from_numpy(x).to(self.compute.device)[None] for x in fit_hints(self._hints, size))
            options |= {"hints": ab.expand(len(batch), -1, -1, -1), "mask": mask.expand(len(batch), -1, -1, -1)}
        try:
            with torch.inference_mode(), self.compute.autocast():
                x = torch.from_numpy(batch).to(self.compute.device, memory_format=torch.channels_last)
                if not self.entry.mirror:
                    return clamped(self.network.chroma(x, **options).float().cpu().numpy())
                # Together, not one after the other: the same arithmetic in fewer, larger steps.
                both = self.network.chroma(torch.cat([x, x.flip(-1)]), **options).float()
                ab, mirrored = both.chunk(2)
                return clamped(((ab + mirrored.flip(-1)) / 2).cpu().numpy())
        except torch.OutOfMemoryError as error:
            raise OutOfMemory(
                f"{self.compute.device} ran out of memory at {len(batch)} photograph(s) of {size} px.",
                "Use a smaller --size, or --device cpu.",
            ) from error

    def colorize(
        self, photo: Photo, ab: np.ndarray | None = None, *, depth: int | None = None, threads: int | None = None
    ) -> np.ndarray:
        """Return the photograph in color at full size: RGB (H, W, 3), uint8 or uint16 by ``depth``, the photo's own.

        ``ab``: a prediction of :meth:`predict` for it, where one is at hand. ``threads``: of the recombination, None
        for as many as there are processors, at most 4.
        """
        if ab is None:
            (ab,) = self.predict([photo.gray])
        chosen: Any = depth or photo.depth
        return recombine(photo.gray, ab, depth=chosen, strength=self.strength, threads=threads)

    def __call__(self, image: Picture) -> Image.Image:
        """Colorize a path, the bytes of a file, a PIL image or an array, and return a PIL image of the same size.

        Arrays are uint8 or uint16, (H, W) gray or (H, W, 3) RGB. The result is 8-bit RGB (RGBA where the source has
        transparency): the pixels that the command line writes for 8-bit photographs. :meth:`colorize` keeps 16 bits.
        """
        return self.batch([image])[0]

    def batch(self, images: Sequence[Picture]) -> list[Image.Image]:
        """Colorize several images, predicting them together; see :meth:`__call__`."""
        photos = [_photo(image) for image in images]
        predictions = self.predict([photo.gray for photo in photos])
        return [
            _with_alpha(self.colorize(photo, ab, depth=8), photo) for photo, ab in zip(photos, predictions, strict=True)
        ]


def clamped(ab: np.ndarray) -> np.ndarray:
    """Limit a*b* (..., 2, h, w) to the ranges that the colors of sRGB span; some networks answer far beyond them."""
    low, high = (np.array(x, ab.dtype)[:, None, None] for x in SRGB_AB_RANGE)
    return np.clip(ab, low, high)


def consensus(maps: Sequence[np.ndarray]) -> np.ndarray:
    """Return the median of predictions (2, h_i, w_i) of one photograph, at the largest of their sizes."""
    height, width = max((ab.shape[1:] for ab in maps), key=lambda shape: shape[0] * shape[1])
    planes = [cv2.resize(ab.transpose(1, 2, 0), (width, height), interpolation=cv2.INTER_LINEAR) for ab in maps]
    return np.median(np.stack(planes), 0).transpose(2, 0, 1).astype(np.float32)


def _check_options(
    model: str, has_vividness: bool, vividness: float | None, sizes: Sequence[int], strength: float
) -> None:
    if vividness is not None and not has_vividness:
        raise UsageProblem(f"Model {model!r} has no vividness to choose.", "Leave --vividness out.")
    if vividness is not None and not 0 <= vividness <= 1:
        raise UsageProblem(f"Vividness {vividness:g} is not between 0 and 1.", "Choose for example --vividness 0.5.")
    wrong = [size for size in sizes if not SMALLEST_SIZE <= size <= LARGEST_SIZE]
    if wrong or not sizes:
        raise UsageProblem(
            f"A working size of {wrong[0] if wrong else 0} px makes no sense.",
            f"Choose {SMALLEST_SIZE} to {LARGEST_SIZE}, or leave it out.",
        )
    if not 0 <= strength <= 1:
        raise UsageProblem(f"Strength {strength:g} is not between 0 and 1.", "Choose for example --strength 0.7.")


def _photo(image: Picture) -> Photo:
    if isinstance(image, Image.Image):
        return photo_from_pil(image)
    if isinstance(image, np.ndarray):
        return photo_from_array(image)
    return read_photo(Path(image) if isinstance(image, str) else image)


def _with_alpha(rgb: np.ndarray, photo: Photo) -> Image.Image:
    picture = Image.fromarray(rgb)
    if photo.alpha is not None:
        alpha = photo.alpha if photo.alpha.dtype == np.uint8 else (photo.alpha >> 8).astype(np.uint8)
        picture.putalpha(Image.fromarray(alpha))
    return picture
