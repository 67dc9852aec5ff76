"""What this machine computes with: cores, devices and precisions, and why one is not available.

Importing this module imports no torch.
"""

from __future__ import annotations

import contextlib
import difflib
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from colorize_cli.errors import DeviceError, UsageProblem

if TYPE_CHECKING:
    import torch

CGROUPS = Path("/sys/fs/cgroup")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")
_DEVICES = ("auto", "cpu", "cuda", "mps")
_ALIASES = {"gpu": "cuda", "nvidia": "cuda", "rocm": "cuda", "metal": "mps", "apple": "mps", "processor": "cpu"}
_DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


def available_cores() -> int:
    """Return how many processor cores this process may use (a container or ``taskset`` may allow fewer than exist)."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def memory_at_hand() -> int | None:
    """Return how many bytes this process can still take: free on the machine, in its cgroup and under its own limit.

    None where the system tells none of these. What the file cache holds counts as free, because it gives way.
    """
    rooms = [room for room in (_machine_room(), _cgroup_room(), _own_room()) if room is not None]
    return max(0, min(rooms)) if rooms else None


def _machine_room() -> int | None:
    with contextlib.suppress(OSError, ValueError), Path("/proc/meminfo").open() as lines:
        for line in lines:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    return None


def _cgroup_room() -> int | None:
    """Return the smallest room that is left in the memory cgroups of this process (version 2, or 1)."""
    rooms = [room for room in map(_room_of_group, _memory_groups()) if room is not None]
    return min(rooms, default=None)


def _memory_groups() -> list[Path]:
    """Return the folders of the memory cgroup of this process and of those above it."""
    groups = [CGROUPS, CGROUPS / "memory"]
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, name = line.split(":", 2)
            if controllers == "" or "memory" in controllers.split(","):
                root = CGROUPS if controllers == "" else CGROUPS / "memory"
                folder = root / name.lstrip("/")
                groups += [folder, *(above for above in folder.parents if above.is_relative_to(root))]
    return list(dict.fromkeys(groups))


def _room_of_group(folder: Path) -> int | None:
    for limit, used, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        with contextlib.suppress(OSError, ValueError):
            most = int((folder / limit).read_text())
            taken = int((folder / used).read_text())
            statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
            return most - taken + int(statistics.get(cache, 0))
    return None


def _own_room() -> int | None:
    """Return what RLIMIT_AS leaves; None without such a limit."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            return limit - pages * resource.getpagesize()
    return None


class Rank(NamedTuple):
    """The place of this process among ``world`` processes, and among the ``local_world`` on this machine."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local_world: int = 1


def rank_from(environment: Mapping[str, str]) -> Rank:
    """Return the place that RANK, WORLD_SIZE, LOCAL_RANK and LOCAL_WORLD_SIZE state, as torchrun sets them.

    Raises :class:`UsageProblem` for values that are no numbers or do not fit each other.
    """
    try:
        rank, world = int(environment.get("RANK", "0")), int(environment.get("WORLD_SIZE", "1"))
        local_rank = int(environment.get("LOCAL_RANK", str(rank)))
        local_world = int(environment.get("LOCAL_WORLD_SIZE", "1"))
    except ValueError as error:
        raise UsageProblem(
            f"RANK, WORLD_SIZE, LOCAL_RANK and LOCAL_WORLD_SIZE must be numbers ({error}).",
            "Start the processes with torchrun.",
        ) from error
    if not 0 <= rank < world:
        raise UsageProblem(f"RANK={rank} does not fit WORLD_SIZE={world}.", "Start the processes with torchrun.")
    return Rank(rank, world, local_rank, max(1, local_world))


@dataclass(frozen=True)
class Compute:
    """A device with the precision of its arithmetic."""

    device: torch.device
    precision: str

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context in which the network runs, whatever context surrounds it."""
        import torch

        if self.precision == "fp32":
            known = torch.amp.is_autocast_available(self.device.type)
            return torch.autocast(self.device.type, enabled=False) if known else nullcontext()
        return torch.autocast(self.device.type, dtype=getattr(torch, _DTYPES[self.precision]))

    def __str__(self) -> str:
        """Return for example ``cuda:0 (NVIDIA H100), bf16`` or ``cpu (8 threads), fp32``."""
        import torch

        if self.device.type == "cuda":
            detail = f" ({torch.cuda.get_device_name(self.device)})"
        elif self.device.type == "cpu":
            detail = f" ({torch.get_num_threads()} threads)"
        else:
            detail = ""
        return f"{self.device}{detail}, {self.precision}"


def choose(device: str = "auto", precision: str = "auto") -> Compute:
    """Return what to compute on; ``auto`` is the first CUDA device, then MPS, then the CPU.

    ``auto`` precision is bf16 or fp16 on CUDA devices and fp32 elsewhere: CPUs without bf16 instructions emulate it
    several times slower than fp32. Raises :class:`DeviceError` for what this machine does not have.
    """
    chosen = _device(device)
    if precision not in PRECISIONS:
        raise DeviceError(f"There is no precision '{precision}'.", f"Choose one of {', '.join(PRECISIONS)}.")
    if precision == "auto":
        precision = _fastest_precision(chosen)
    if precision == "fp16" and chosen.type == "cpu":
        raise DeviceError("fp16 is not supported on CPU.", "Use --precision fp32 or bf16, or a GPU.")
    return Compute(chosen, precision)


def _fastest_precision(device: torch.device) -> str:
    import torch

    if device.type != "cuda":
        return "fp32"
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"


def _device(name: str) -> torch.device:
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", 0)
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (index and (kind != "cuda" or not index.isdigit())):
        near = _ALIASES.get(kind.lower()) or next(iter(difflib.get_close_matches(kind.lower(), _DEVICES, n=1)), None)
        hint = f"Did you mean {near}? " if near else ""
        raise DeviceError(f"There is no device '{name}'.", f"{hint}Choose auto, cpu, cuda, cuda:N or mps.")
    if kind == "cuda":
        count = torch.cuda.device_count()
        if count == 0:
            raise DeviceError(
                "No CUDA device is available on this machine.",
                "Use --device cpu, or install a CUDA build of torch and a driver.",
            )
        if int(index or 0) >= count:
            raise DeviceError(
                f"There is no device '{name}': this machine has {count} CUDA device(s).",
                f"Use cuda:0 to cuda:{count - 1}.",
            )
        return torch.device("cuda", int(index or 0))
    if kind == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("MPS is not available: it needs a Mac with Apple silicon.", "Use --device cpu.")
    return torch.device(kind)
