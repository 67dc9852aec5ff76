"""Pictures for a page: photographs colorized again and embedded as data URIs."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from colorize_cli.evaluation.contenders import Contender
from colorize_cli.evaluation.photo_loop import Photograph, load
from colorize_cli.evaluation.protocols import Protocol

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Shown:
    """A photograph for a page: the truth and each contender's picture by name, as data URIs of one size."""

    photograph: Photograph
    truth: str
    pictures: dict[str, str]
    width: int
    height: int


def show(photograph: Photograph, contenders: Sequence[Contender], protocol: Protocol, *, side: int) -> Shown:
    """Colorize a photograph with every contender and embed the pictures, at most ``side`` pixels on the longer side.

    All pictures are reduced and compressed alike, so that they differ only in color. Raises a
    :class:`PhotoError`.
    """
    loaded = load(photograph, protocol)
    truth = _reduce(loaded.truth.rgb, side)
    given = [loaded.gray], [photograph.index], [loaded.truth.ab]
    pictures = {
        contender.name: data_uri(_reduce(contender.colorize_beside(*given)[0], side)) for contender in contenders
    }
    return Shown(photograph, data_uri(truth), pictures, truth.width, truth.height)


def _reduce(rgb: Array, side: int) -> Image.Image:
    picture = Image.fromarray(rgb)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return picture


def data_uri(picture: Image.Image, quality: int = 90) -> str:
    """Return a picture as a data URI (JPEG without chroma subsampling)."""
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def worst_and_best(values: Array, count: int, *, higher_is_better: bool, seed: int = 0) -> dict[str, list[int]]:
    """Return indices of photographs to show: ``count`` each of the worst, the best, and a random choice of the rest."""
    order = np.argsort(np.nan_to_num(values, nan=float(np.nanmedian(values))), kind="stable")
    if higher_is_better:
        order = order[::-1]
    best, worst = order[:count].tolist(), order[::-1][:count].tolist()
    worst = [place for place in worst if place not in best]
    rest = [place for place in range(len(values)) if place not in {*best, *worst}]
    chosen = np.random.default_rng(seed).permutation(rest)[:count].tolist() if rest else []
    return {"worst": worst, "best": best, "random": sorted(chosen)}
