"""Loading a network inside another program: what that set does not change it, and it changes nothing of that."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from colorize_cli.checkpoints.file import CheckpointInfo
from colorize_cli.checkpoints.foreign import load_network, open_checkpoint
from colorize_cli.entry import ModelEntry
from colorize_cli.errors import WeightsInvalid
from colorize_cli.inference.forward import fuse_batch_norm
from colorize_cli.models.network import ColorizationNet


@dataclass(frozen=True)
class Loaded:
    """A network ready to predict on the CPU, and what its file says of itself.

    ``own_choices``: what it takes for options that are not given. ``sha256``: hex, of the file.
    """

    network: ColorizationNet
    own_choices: dict[str, float]
    info: CheckpointInfo
    sha256: str


def load(entry: ModelEntry, path: Path) -> Loaded:
    """Load the weights of ``entry`` from ``path``. Raises :class:`WeightsMissing` and :class:`WeightsInvalid`."""
    survive_fork()
    with undisturbed():
        checkpoint = open_checkpoint(path, entry)
        if checkpoint.info.model != entry.name:
            raise WeightsInvalid(
                f"{path} holds weights of {checkpoint.info.model!r}, not of {entry.name!r}.",
                f"Use -m {checkpoint.info.model}.",
            )
        network = load_network(checkpoint, entry, str(path)).eval()
        own_choices = network.own_choices()
        return Loaded(fuse_batch_norm(network), own_choices, checkpoint.info, checkpoint.sha256)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Build and fill networks as in a program that set nothing, and leave behind what the program set.

    Inside, tensors are float32 on the CPU without autocast. Afterwards torch's default type is the program's again, and
    its random numbers go on where they were, though new layers draw some.
    """
    chosen = torch.get_default_dtype()
    # Within torch.device(...) every call of torch takes a detour through Python: only where it is needed.
    on_cpu = torch.get_default_device() == torch.device("cpu")
    device = contextlib.nullcontext() if on_cpu else torch.device("cpu")
    with torch.random.fork_rng(devices=[]), device, torch.autocast("cpu", enabled=False):
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(chosen)


@cache
def survive_fork() -> None:
    """Let the forks of this process, from the first call on, compute with one thread.

    A fork has a copy of torch's thread pool without the threads, and would wait for them for good. With one thread
    nothing waits.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_one_thread)


def _one_thread() -> None:
    torch.set_num_threads(1)
