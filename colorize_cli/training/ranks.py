"""The processes of one training run: one by default, several under ``torchrun``.

Training is data parallel: every process has the whole network and its own strided share of each step's micro-batches,
and gradients are averaged before the optimizer steps, so that all networks stay equal. This is what torch's
``DistributedDataParallel`` does; its wrapper is not used because objectives call more than ``forward``, and some have
two networks and two optimizers. Messages between processes go over gloo, gradients on GPUs over NCCL.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from colorize_cli.compute import rank_from
from colorize_cli.errors import RankLost

PATIENCE = timedelta(minutes=30)
"""How long a process waits for the others, e.g. while the first one validates and writes files."""

_STATISTICS = ("running_mean", "running_var")
_tensor_group: list[Any] = []


@dataclass(frozen=True)
class Ranks:
    """This process's number among ``world`` processes, and among those on this machine; process 0 writes the files."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local_world: int = 1

    @property
    def first(self) -> bool:
        """Whether this process validates, saves and reports."""
        return self.rank == 0

    def device(self, name: str) -> str:
        """Return the device of this process: ``auto`` and ``cuda`` give each local process its own CUDA device."""
        count = torch.cuda.device_count() if self.world > 1 and name in ("auto", "cuda") else 0
        return f"cuda:{self.local_rank % count}" if count else name

    @contextmanager
    def joined(self, device: torch.device) -> Iterator[None]:
        """Connect the processes within the context; a single process does nothing."""
        if self.world == 1:
            yield
            return
        with _among_others():
            dist.init_process_group("gloo", rank=self.rank, world_size=self.world, timeout=PATIENCE)
            _tensor_group[:] = [dist.new_group(backend="nccl", timeout=PATIENCE) if device.type == "cuda" else None]
        yield
        # Only on success: after an error the process ends at once, and its lost connections stop the others.
        dist.destroy_process_group()

    def wait(self) -> None:
        """Wait until every process has reached this point."""
        if self.world > 1:
            with _among_others():
                dist.barrier()

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """Let the first process run the context alone, then the others, which find its files."""
        if not self.first:
            self.wait()
        yield
        if self.first:
            self.wait()

    def gather(self, own: Any) -> list[Any]:
        """Return the values of all processes, in rank order."""
        if self.world == 1:
            return [own]
        everyone: list[Any] = [None] * self.world
        with _among_others():
            dist.all_gather_object(everyone, own)
        return everyone

    def agree(self, losses: Mapping[str, float], stop: bool) -> tuple[dict[str, float], bool]:
        """Return the losses averaged over the processes, and whether any of them was asked to stop."""
        told = self.gather((dict(losses), stop))
        sums: dict[str, float] = {}
        for terms, _ in told:
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + value / self.world
        return sums, any(asked for _, asked in told)

    def same(self, network: nn.Module) -> None:
        """Give every process the first one's weights and buffers."""
        if self.world > 1:
            with _among_others(), torch.no_grad():
                for value in network.state_dict().values():
                    dist.broadcast(value, 0, group=_tensor_group[0])

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace gradients by their mean over the processes; a missing gradient counts as zero."""
        if self.world == 1:
            return
        present = torch.tensor([parameter.grad is not None for parameter in parameters], dtype=torch.uint8)
        with _among_others():
            dist.all_reduce(present, dist.ReduceOp.MAX)
        chosen = [parameter for parameter, somewhere in zip(parameters, present.tolist(), strict=True) if somewhere]
        for parameter in chosen:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        self._average(parameter.grad for parameter in chosen if parameter.grad is not None)

    def average_statistics(self, *networks: nn.Module) -> None:
        """Replace batch-norm statistics by their mean over the processes, which have seen different photos."""
        if self.world > 1:
            named = (item for network in networks for item in network.named_buffers())
            self._average(buffer for name, buffer in named if name.endswith(_STATISTICS))

    @torch.no_grad()
    def _average(self, tensors: Iterable[Tensor]) -> None:
        kinds: dict[torch.dtype, list[Tensor]] = defaultdict(list)
        for tensor in tensors:
            kinds[tensor.dtype].append(tensor)
        for members in kinds.values():
            flat = torch.cat([tensor.reshape(-1) for tensor in members])
            with _among_others():
                dist.all_reduce(flat, group=_tensor_group[0])
            flat /= self.world
            for tensor, part in zip(members, flat.split([tensor.numel() for tensor in members]), strict=True):
                tensor.copy_(part.view(tensor.shape))


def current() -> Ranks:
    """Return the rank of this process from the environment set by ``torchrun``.

    Raises :class:`UsageProblem` for invalid values.
    """
    return Ranks(*rank_from(os.environ))


@contextmanager
def _among_others() -> Iterator[None]:
    """Turn the various library errors for a lost process into one clear message."""
    try:
        yield
    except RuntimeError as error:
        raise RankLost(
            f"Another process of this run ended or stopped responding ({str(error).splitlines()[0]}).",
            "See its own error message; --resume continues from the last saved state.",
        ) from error
