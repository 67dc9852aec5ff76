"""Peak memory of a stretch of work: of the process, and of a CUDA device."""

import sys
from pathlib import Path

import torch

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
