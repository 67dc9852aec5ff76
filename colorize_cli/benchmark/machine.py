"""The machine of a measurement: hardware and versions for every row, and the peak memory of a piece of work."""

import os
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import torch

from colorize_cli._version import __version__
from colorize_cli.compute import available_cores
from colorize_cli.imaging.recombine import fused


@dataclass(frozen=True)
class Machine:
    """The hardware and the versions behind a row.

    ``cores``: those this process may use; ``threads``: those given to torch; ``ram_gb``: memory of the machine in
    10^9 bytes; ``gpu``: name of the first CUDA device or "Apple MPS", "" for none; ``native_bf16``: whether the
    processor multiplies bf16 itself; ``load``: tasks that wanted a core in the minute before, where the system tells;
    ``compiled``: whether recombination at 8 bits runs as compiled loops.
    """

    cpu: str
    cores: int
    threads: int
    ram_gb: float
    gpu: str
    system: str
    python: str
    torch: str
    opencv: str
    version: str
    native_bf16: bool
    load: float | None
    compiled: bool = False

    def row(self) -> dict[str, object]:
        """Return the description as plain columns."""
        return asdict(self)

    def __str__(self) -> str:
        """Return one line for the caption of a table."""
        parts = [self.cpu, f"{self.cores} cores, {self.threads} threads", f"{self.ram_gb:g} GB", self.gpu or "no GPU"]
        parts += [
            "compiled loops" if self.compiled else "no compiled loops",
            self.system,
            f"Python {self.python}",
            f"torch {self.torch}",
            f"colorize {self.version}",
        ]
        return " · ".join(parts)


def describe(threads: int | None = None) -> Machine:
    """Describe this machine; ``threads`` None is what torch uses now."""
    return Machine(
        cpu=_cpu_name(),
        cores=available_cores(),
        threads=threads or torch.get_num_threads(),
        ram_gb=round(total_memory() / 1e9, 1),
        gpu=_gpu_name(),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        torch=torch.__version__,
        opencv=cv2.__version__,
        version=__version__,
        native_bf16=bool(torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()),
        compiled=fused.LIBRARY is not None,
        load=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    )


def total_memory() -> int:
    """Return the bytes of memory of the machine; 0 where the system does not tell."""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 0


def _cpu_name() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip().lower() in {"model name", "hardware"} and value.strip():
                return " ".join(value.split())
    return platform.processor() or platform.machine()


def _gpu_name() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name(0)
    return "Apple MPS" if torch.backends.mps.is_available() else ""


_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class PeakMemory:
    """Watches peak memory from its construction on.

    On Linux the kernel's high-water mark of resident memory is reset at the start, so that every stretch has its own;
    elsewhere the peak is that of the whole process so far, and ``own`` is False.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.own = _reset_high_water()
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

    def resident_mb(self) -> float:
        """Return the peak resident memory of the process in 2^20 bytes."""
        if _STATUS.is_file():
            for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) / 1024
        try:
            import resource
        except ImportError:  # Windows
            return 0.0
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)

    def cuda_mb(self) -> float | None:
        """Return the peak of memory allocated on the CUDA device in 2^20 bytes; None on any other device."""
        if self._device.type != "cuda":
            return None
        return torch.cuda.max_memory_allocated(self._device) / (1 << 20)


def _reset_high_water() -> bool:
    try:
        _CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return False
    return True
