"""FID, KID and LPIPS by torchmetrics (the optional ``metrics`` extra); their backbones are not included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from colorize_cli.errors import LibraryMissing, UsageProblem, WeightsMissing

if TYPE_CHECKING:
    import torch

Array = npt.NDArray[Any]
SMALLEST_SET = 2
KID_SUBSET = 100


class Perceptual:
    """Accumulates the metrics that need a pretrained network.

    ``fid``, ``kid``: of the whole set, on Inception features 2048-d with the weights of pytorch-fid (torch-fidelity's
    port), pictures resized to 299x299 by the extractor; KID over subsets of 100 photographs or all where there are
    fewer, seeded. ``lpips``: ``alex`` and/or ``vgg``, per photograph, RGB in -1..1, LPIPS version 0.1.

    Raises :class:`LibraryMissing` without torchmetrics, :class:`WeightsMissing` when the backbones cannot be loaded.
    """

    def __init__(
        self, *, fid: bool = False, kid: bool = False, lpips: Sequence[str] = (), device: str = "cpu", photos: int = 0
    ) -> None:
        self._device = device
        self._fid, self._kid = fid, kid
        self._subset = min(KID_SUBSET, photos)
        self._sets: dict[tuple[str, str], Any] = {}
        if (fid or kid) and photos < SMALLEST_SET:
            raise UsageProblem("FID and KID need at least two photographs.")
        self._lpips = {net: _obtain(partial(_lpips, net, device), f"LPIPS ({net})") for net in lpips}
        self._extractor: Any = None
        self._true: Array | None = None
        self._true_batch: Any = None
        if fid or kid:
            # Built once here, so that missing weights are reported before an hour of colorizing.
            self._extractor = _obtain(partial(_inception, device), "FID or KID")

    def add(self, true: Array, predicted: Array, contender: str) -> dict[str, float]:
        """Add a pair of pictures (H, W, 3) uint8 and return its LPIPS values by metric key."""
        import torch

        if true is not self._true:
            self._true, self._true_batch = true, _batch(true, self._device)
            self.forget()
        x, y = self._true_batch, _batch(predicted, self._device)
        with torch.inference_mode():
            for metric in self._metrics_of(contender):
                metric.update(x, real=True)
                metric.update(y, real=False)
            return {
                f"lpips_{net}": float(distance(x / 127.5 - 1, y / 127.5 - 1)) for net, distance in self._lpips.items()
            }

    def forget(self) -> None:
        """Drop the features of pictures that are no longer needed."""
        if self._extractor is not None:
            self._extractor.answers.clear()

    def _metrics_of(self, contender: str) -> list[Any]:
        """Return the accumulating FID and KID of a contender; the extractor is shared, the truth counted for each."""
        kinds = [kind for kind, wanted in (("fid", self._fid), ("kid", self._kid)) if wanted]
        for kind in kinds:
            if (kind, contender) not in self._sets:
                self._sets[kind, contender] = self._new(kind)
        return [self._sets[kind, contender] for kind in kinds]

    def _new(self, kind: str) -> Any:
        from torchmetrics.image.fid import FrechetInceptionDistance
        from torchmetrics.image.kid import KernelInceptionDistance

        if kind == "fid":
            return FrechetInceptionDistance(feature=self._extractor).to(self._device)
        return KernelInceptionDistance(feature=self._extractor, subset_size=self._subset).to(self._device)

    def figures(self) -> dict[str, dict[str, float]]:
        """Return FID and KID of each contender, by contender and metric key."""
        import torch

        figures: dict[str, dict[str, float]] = {}
        for (kind, contender), metric in self._sets.items():
            torch.manual_seed(0)  # KID draws subsets
            computed = metric.compute()
            figures.setdefault(contender, {})[kind] = float(computed[0] if kind == "kid" else computed)
        return figures


def _batch(rgb: Array, device: str) -> torch.Tensor:
    import torch

    # A copy: decoded pictures are often read-only, and torch warns of sharing those.
    return torch.from_numpy(np.array(rgb)).permute(2, 0, 1)[None].to(device)


def _lpips(net: str, device: str) -> Any:
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    return LearnedPerceptualImagePatchSimilarity(net_type=net).to(device)  # type: ignore[arg-type]


def _inception(device: str) -> Any:
    """Return the extractor, uint8 (1, 3, H, W) to features (1, 2048), that caches its results until they are dropped.

    Every contender's FID and KID asks for the features of the same true picture.
    """
    import torch
    from torchmetrics.image.fid import NoTrainInceptionV3

    class Remembering(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = NoTrainInceptionV3(name="inception-v3-compat", features_list=["2048"])
            self.answers: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

        def forward(self, picture: torch.Tensor) -> torch.Tensor:
            if id(picture) not in self.answers:
                # The picture is kept with its features, so that its id cannot be reused.
                self.answers[id(picture)] = picture, self.network(picture)
            return self.answers[id(picture)][1]

    return Remembering().to(device)


def _obtain(build: Callable[[], Any], what: str) -> Any:
    """Build a metric; turn a missing library or missing weights into an error with a remedy."""
    try:
        return build()
    except ImportError as error:
        raise LibraryMissing(
            f"{what} needs torchmetrics and torch-fidelity, which are not installed.",
            "`pip install torchmetrics torch-fidelity`.",
        ) from error
    except Exception as error:  # downloads fail as URLError, HTTPError, RuntimeError (hash), OSError ...
        from torch.hub import get_dir

        raise WeightsMissing(
            f"{what} needs a pretrained backbone that could not be loaded ({error}).",
            f"Go online once, or copy its file to {get_dir()}/checkpoints (set TORCH_HOME for another folder).",
        ) from error
