"""The 256 color classes of Brown et al. 3.2, and decoding a distribution over them to a color.

a* and b*, stored as bytes in the paper (a* + 128), are each rounded to the nearest of {8, 24, ..., 248}: sixteen evenly
spaced values, which are -120, -104, ..., 120 in Lab units. (The notebook published with the paper takes the lower edge
of each class instead of its center, a bias of up to half a class; the paper's own values are used here.)

The network is trained with class weights w, so that it learns q(class) ~ p(class | photo) w(class). A vividness v gives

    r(class) ~ q(class) / w(class) ** (1 - v)

v = 1 is as trained (the paper), v = 0 the distribution of colors as they occur. The color is that of the largest r (the
paper), or the mean of r sharpened by a temperature T (Zhang et al. 2016, section 2.3), r ** (1 / T).
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLASSES_A_SIDE = 16
WIDTH = 16.0
"""Lab units from one class to the next."""
COUNT_OFFSET = 1e5
"""Brown et al. 3.2, formula 1: w = 1 / sqrt(n + 1e5), n the number of the class's pixels in the training photos."""
SIMILAR = 24.0
"""Lab units: standard deviation of the neighbourhood whose classes count as similar colors."""


def class_centers() -> Tensor:
    """Return a*b* (256, 2), Lab units, of the classes; the number of a class is 16 times its a* plus its b* step."""
    axis = (torch.arange(CLASSES_A_SIDE) + 0.5) * WIDTH - 128
    return torch.cartesian_prod(axis, axis)


def classes_of(ab: Tensor) -> Tensor:
    """Return the classes (N, H, W), int64, of a*b* (N, 2, H, W) in Lab units."""
    step = ((ab + 128) / WIDTH).floor().clamp(0, CLASSES_A_SIDE - 1).long()
    return step[:, 0] * CLASSES_A_SIDE + step[:, 1]


def class_weights(counts: Tensor) -> Tensor:
    """Return w = 1 / sqrt(n + 1e5) (Brown et al. 3.2, formula 1) for pixel counts (256,), 1 for the mean pixel.

    That scale changes nothing for Adam, and makes losses of different data comparable.
    """
    weights = (counts.double() + COUNT_OFFSET).rsqrt()
    return (weights / (weights * counts).sum() * counts.sum()).float()


class ClassDecoder(nn.Module):
    """Logits over the 256 classes to a*b*; its default decoding is part of the checkpoint."""

    weights: Tensor
    default_vividness: Tensor
    default_temperature: Tensor
    default_fallback: Tensor
    centers: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("centers", class_centers(), persistent=False)
        self.register_buffer("weights", torch.ones(CLASSES_A_SIDE**2))
        self.register_buffer("default_vividness", torch.tensor(1.0))
        self.register_buffer("default_temperature", torch.tensor(0.0))
        self.register_buffer("default_fallback", torch.tensor(0.0))

    def count(self, samples: Iterable[Tensor], pixels: int) -> None:
        """Set the class weights from a sample of training photos, a*b* (N, 2, h, w), standing for ``pixels`` in all."""
        counts = torch.zeros(CLASSES_A_SIDE**2, dtype=torch.float64)
        for ab in samples:
            counts += torch.bincount(classes_of(ab).flatten(), minlength=len(counts))
        self.weights.copy_(class_weights(counts * (pixels / counts.sum())))

    def probabilities(self, logits: Tensor, vividness: float | None = None) -> Tensor:
        """Return r(class), float32 (N, 256, h, w), for logits of the same shape."""
        return F.softmax(self._adjusted(logits, vividness), 1)

    def _adjusted(self, logits: Tensor, vividness: float | None) -> Tensor:
        v = self.default_vividness if vividness is None else vividness
        return logits.float() - ((1 - v) * self.weights.log()).view(1, -1, 1, 1)

    def forward(
        self,
        logits: Tensor,
        vividness: float | None = None,
        temperature: float | None = None,
        fallback: float | None = None,
    ) -> Tensor:
        """Return a*b* (N, 2, h, w) in Lab units for logits (N, 256, h, w); None takes the checkpoint's own.

        ``temperature``: 0 takes the most likely class, 1 the mean of all, values between them the mean of the sharpened
        distribution. ``fallback``: where the most likely class has a smaller probability than this, similar classes are
        combined, and the color is the mean of the most likely neighbourhood: suggested by the paper (section 5)
        for pixels without a dominant class.
        """
        adjusted = self._adjusted(logits, vividness)
        T = float(self.default_temperature) if temperature is None else temperature
        floor = float(self.default_fallback) if fallback is None else fallback
        ab = self._sharpened(adjusted, T) if T > 0 else self.centers[adjusted.argmax(1)].permute(0, 3, 1, 2)
        if floor > 0:
            p = F.softmax(adjusted, 1)
            unsure = p.amax(1, keepdim=True) < floor
            ab = torch.where(unsure, self._of_similar(p), ab)
        return ab

    def _sharpened(self, adjusted: Tensor, T: float) -> Tensor:
        return torch.einsum("nkhw,kc->nchw", F.softmax(adjusted / T, 1), self.centers)

    def _of_similar(self, p: Tensor) -> Tensor:
        """Mean color (N, 2, h, w) of the neighbourhood of classes with the largest total probability."""
        kernel = torch.exp(-(torch.cdist(self.centers, self.centers) ** 2) / (2 * SIMILAR**2))
        mass = torch.einsum("nkhw,kj->njhw", p, kernel)
        moments = torch.einsum("nkhw,kjc->njchw", p, kernel[..., None] * self.centers[:, None])
        best = mass.argmax(1, keepdim=True)
        moment = moments.gather(1, best[:, :, None].expand(-1, 1, 2, -1, -1))[:, 0]
        return moment / mass.gather(1, best)
