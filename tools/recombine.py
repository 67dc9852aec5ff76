"""Time and memory of `recombine` on generated scans: `python tools/recombine.py [megapixels ...]`.

Prints a row for every size, depth and number of threads: seconds, seconds of processor time (what to compare on a
busy machine), nanoseconds per pixel, the ratio to OpenCV's plain LAB to RGB conversion of the same number of pixels
(float32, one thread, processor time; the minimum cost of a naive recombination), mean and largest error of L*, and the
growth of peak memory beyond the result.
"""

import resource
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from colorize_cli.imaging.color import lightness, luminance, luminance_to_lightness
from colorize_cli.imaging.recombine.join import recombine


def scan(megapixels: float, depth: int) -> np.ndarray:
    """A soft picture with grain, 4:3, generated in rows so that it needs no extra memory."""
    rng = np.random.default_rng(0)
    height, width = round((megapixels * 0.75e6) ** 0.5), round((megapixels / 0.75 * 1e6) ** 0.5)
    soft = cv2.resize(rng.random((12, 16), dtype=np.float32), (width, 240), interpolation=cv2.INTER_CUBIC)
    gray = np.empty((height, width), np.uint8 if depth == 8 else np.uint16)
    top = (1 << depth) - 1
    for row in range(height):
        grain = rng.standard_normal(width, dtype=np.float32) * 0.02
        gray[row] = np.clip((soft[row * 240 // height] * 0.85 + 0.07 + grain) * top, 0, top)
    return gray


def restart_peak() -> None:
    """Reset the kernel's peak memory counter; where that is impossible (not Linux), peaks include earlier use."""
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5")


def peak_mb() -> float:
    """Peak resident memory of this process, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def plain_conversion(gray: np.ndarray) -> float:
    """Seconds OpenCV takes to convert a LAB picture of this size to RGB in strips, float32."""
    rows = max(1, (1 << 15) // gray.shape[1])
    lab = np.random.default_rng(0).uniform(0, 60, (rows, gray.shape[1], 3)).astype(np.float32)
    cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)  # the first call fills OpenCV's tables
    start = time.process_time()
    for _ in range(0, gray.shape[0], rows):
        cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    return time.process_time() - start


def lightness_error(gray: np.ndarray, rgb: np.ndarray) -> tuple[float, float]:
    """Mean and largest |dL*| over some rows of the result."""
    rows = slice(None, None, max(1, gray.shape[0] // 200))
    error = np.abs(luminance_to_lightness(luminance(rgb[rows])) - lightness(gray[rows]))
    return float(error.mean()), float(error.max())


def main() -> None:
    """Print the table for the sizes given, in megapixels."""
    ab = cv2.GaussianBlur(np.random.default_rng(1).standard_normal((64, 64, 2)).astype(np.float32), (0, 0), 4)
    ab = np.ascontiguousarray(ab.transpose(2, 0, 1)) * 120
    cv2.setNumThreads(1)
    print("   MP bits threads  seconds      cpu  ns/px  x cvtColor  mean dL*   max dL*  extra MB")
    for megapixels in [float(argument) for argument in sys.argv[1:]] or [1.0, 12.0]:
        for depth in (8, 16):
            gray = scan(megapixels, depth)
            reference = plain_conversion(gray)
            for threads in (1, 2):
                recombine(gray[:256], ab, threads=threads)
                restart_peak()
                before, start, start_cpu = peak_mb(), time.perf_counter(), time.process_time()
                rgb = recombine(gray, ab, threads=threads)
                seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
                extra = max(0.0, peak_mb() - before - rgb.nbytes / 2**20)
                mean, highest = lightness_error(gray, rgb)
                print(
                    f"{megapixels:5.0f} {depth:4d} {threads:7d} {seconds:8.3f} {cpu:8.3f} {cpu / gray.size * 1e9:6.1f} "
                    f"{cpu / reference:11.2f} {mean:9.4f} {highest:9.4f} {extra:9.0f}"
                )
                del rgb


if __name__ == "__main__":
    main()
