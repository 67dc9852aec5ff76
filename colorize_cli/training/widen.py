"""Initialize a larger network with the weights of a smaller one, so that both predict the same before training.

After Chen, Goodfellow and Shlens 2016, "Net2Net: accelerating learning via knowledge transfer": new parts contribute
nothing until they are trained.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from colorize_cli.models.brown.generator import Generator


def widened(network: Generator, small: Mapping[str, Tensor], resnet: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state of a paired ``network`` that predicts what an EfficientNet-Lite2 generator predicts.

    ``small``: that generator's state. ``resnet``: an encoder file of a gray ResNet-18 (``encoder.*``). New channels
    keep the initialization of ``network``; the old layers' weights for them are 0.
    """
    state = {name: value.clone() for name, value in network.state_dict().items()}
    for name, value in resnet.items():
        if name.startswith("encoder.") and not name.startswith("encoder.fc."):
            state[name.replace("encoder.", "encoder.resnet.", 1)] = value.float()
    for name, value in small.items():
        value = value.float() if value.is_floating_point() else value
        if name.startswith("encoder."):
            state[name.replace("encoder.", "encoder.efficientnet.", 1)] = value
        elif value.shape == state[name].shape:
            state[name] = value
        else:
            state[name] = _embedded(state[name], value)
    narrow = state.get("decoder.narrow.weight")
    if narrow is not None:
        narrow.zero_()
        narrow[:, : len(narrow), 0, 0] = torch.eye(len(narrow))
        state["decoder.narrow.bias"].zero_()
    return state


def _embedded(large: Tensor, small: Tensor) -> Tensor:
    """Return ``large`` with ``small`` in its first channels, which ignore the other inputs."""
    if small.ndim == 1:
        large[: len(small)] = small
        return large
    large[: len(small)] = 0
    large[: len(small), : small.shape[1]] = small
    return large
