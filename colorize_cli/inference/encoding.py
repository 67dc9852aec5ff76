"""What a network's encoder says of the places of a photograph, to be compared with those of another."""

import numpy as np
import torch

from colorize_cli.entry import ModelEntry
from colorize_cli.errors import UsageProblem
from colorize_cli.imaging.color import lightness
from colorize_cli.imaging.geometry import fit
from colorize_cli.inference.correspondence import STRIDES, Cells, cells_of
from colorize_cli.models.network import ColorizationNet, encoder_of

_PROBE = 64


def compares_photos(network: ColorizationNet, device: torch.device) -> bool:
    """Whether a network has an encoder whose features tell places of photographs apart."""
    encoder = encoder_of(network)
    if encoder is None or not encoder.channels:
        return False
    with torch.inference_mode():
        maps = encoder(network.encoder_input(torch.zeros(1, 1, _PROBE, _PROBE, device=device)))
    return any(_PROBE / m.shape[-1] in STRIDES for m in maps)


def require_encoder(entry: ModelEntry, network: ColorizationNet, device: torch.device) -> None:
    """Raise :class:`UsageProblem` for a model that cannot take a reference."""
    if compares_photos(network, device):
        return
    raise UsageProblem(
        f"Model '{entry.name}' cannot take a --reference: it has no encoder to compare photos with.",
        "Leave it out, or use -m gan.",
    )


def describe(network: ColorizationNet, gray: np.ndarray, size: int, how: str, device: torch.device) -> Cells:
    """Return the cells of a photograph given as sRGB gray, uint8 or uint16 (H, W).

    ``size`` and ``how``: as for :func:`~colorize_cli.imaging.geometry.fit`. The caller chooses precision and gradients.
    """
    encoder = encoder_of(network)
    assert encoder is not None
    canvas, placement = fit(gray, size, how)  # type: ignore[arg-type]  # the checkpoint's own way to fit
    x = torch.from_numpy(lightness(canvas))[None, None].to(device, memory_format=torch.channels_last)
    maps = [m[0].float().cpu().numpy() for m in encoder(network.encoder_input(x))]
    return cells_of(maps, placement, lightness(gray))
