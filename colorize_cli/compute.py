"""What this machine computes with: cores, devices and precisions, and why one is not to be had.

Importing this module imports no torch.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from colorize_cli.errors import DeviceError

if TYPE_CHECKING:
    import torch

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
_DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


def available_cores() -> int:
    """Return how many processor cores this process may use (a container or ``taskset`` may allow fewer than exist)."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


@dataclass(frozen=True)
class Compute:
    """A device with the precision of its arithmetic."""

    device: torch.device
    precision: str

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context in which the network runs."""
        import torch

        if self.precision == "fp32":
            return nullcontext()
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
        raise DeviceError(f"There is no precision {precision!r}.", f"Choose one of {', '.join(PRECISIONS)}.")
    if precision == "auto":
        precision = _fastest_precision(chosen)
    if precision == "fp16" and chosen.type == "cpu":
        raise DeviceError("fp16 does not pay on a CPU.", "Use --precision fp32 or bf16, or a GPU.")
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
        raise DeviceError(f"There is no device {name!r}.", "Choose auto, cpu, cuda, cuda:N or mps.")
    if kind == "cuda":
        count = torch.cuda.device_count()
        if count == 0:
            raise DeviceError(
                "No CUDA device is available here.",
                "Use --device cpu, or install a CUDA build of torch and a driver.",
            )
        if int(index or 0) >= count:
            raise DeviceError(f"There is no device {name!r}: {count} CUDA device(s) here.", "Use a smaller number.")
        return torch.device("cuda", int(index or 0))
    if kind == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("MPS is not available here: it needs a Mac with Apple silicon.", "Use --device cpu.")
    return torch.device(kind)
