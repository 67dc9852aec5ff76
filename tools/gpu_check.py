"""Everything a GPU must show, in two minutes: `python tools/gpu_check.py [--out FOLDER] [--device cuda|cpu]`.

Runs with any Python that has the package's dependencies, from a checkout, installed or not. One after another: the
tests marked `cuda`; `colorize bench` on CPU and GPU; the batch engine against its limits; training steps per second of
the bundled recipe. Prints the tables in Markdown, writes them and the full figures into FOLDER, and ends with exit code
1 if anything failed. `--device cpu` tries the script itself where there is no GPU.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from colorize_cli.compute import choose  # noqa: E402
from colorize_cli.registry import get  # noqa: E402
from colorize_cli.training.data.batches import Batch  # noqa: E402
from colorize_cli.training.objectives import Setting, create  # noqa: E402

STAGE = "color"
SECONDS = 5.0
MOST_STEPS = 200


def run(title: str, *words: str) -> bool:
    """Run a Python module with arguments, in the checkout; say how long it took, and return whether it succeeded."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    start = time.perf_counter()
    code = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, env={**os.environ, "PYTHONPATH": path}).returncode
    print(f"\n{title}: exit code {code} after {time.perf_counter() - start:.0f} s\n", flush=True)
    return code == 0


def synthetic_batch(count: int, size: int, classes: int) -> Batch:
    """Noise of the right shapes and units: steps per second do not depend on what is learned."""
    generator = torch.Generator().manual_seed(0)
    lightness = torch.rand(count, 1, size, size, generator=generator) * 100
    ab = torch.randn(count, 2, size, size, generator=generator) * 12
    return Batch(lightness, ab, torch.randint(0, max(1, classes), (count,), generator=generator))


def steps_per_second(device: str, precision: str, batch_size: int, size: int) -> float:
    """Optimizer steps per second of `gan`, without reading photographs: the batch is on the device already."""
    compute = choose(device, precision)
    stage = next(stage for stage in get("gan").recipe().stages if stage.name == STAGE)
    torch.manual_seed(0)
    network = get("gan").build().to(compute.device, memory_format=torch.channels_last)
    objective = create(network, stage, Setting(compute, MOST_STEPS))
    batches = [synthetic_batch(batch_size, size, 0).to(compute.device)]
    wait = torch.cuda.synchronize if compute.device.type == "cuda" else (lambda: None)
    for _ in range(3 if compute.device.type == "cuda" else 1):
        objective.step(batches)
    wait()
    start, steps = time.perf_counter(), 0
    while steps < MOST_STEPS and time.perf_counter() - start < SECONDS:
        objective.step(batches)
        steps += 1
    wait()
    return steps / (time.perf_counter() - start)


def training_table(devices: list[str]) -> str:
    """Rows of steps per second, Markdown."""
    stage = next(stage for stage in get("gan").recipe().stages if stage.name == STAGE)
    size = stage.sizes[-1][1]
    lines = [
        f"`gan`, stage `{STAGE}`, {size} pixels",
        "",
        "| device | precision | batch | steps/s | photos/s |",
        "|---|---|---:|---:|---:|",
    ]
    for device in devices:
        for precision in ("fp32", "bf16") if device != "cpu" else ("fp32",):
            rate = steps_per_second(device, precision, stage.batch_size, size)
            lines.append(
                f"| {device} | {precision} | {stage.batch_size} | {rate:.2f} | {rate * stage.batch_size:.0f} |"
            )
    return "\n".join(lines)


def main() -> int:
    """Run all parts; what fails does not keep the others from running."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--out", type=Path, default=Path("gpu-check"), help="folder for tables and figures")
    arguments = parser.parse_args()
    device, out = arguments.device, arguments.out.resolve()
    if device == "cuda" and not torch.cuda.is_available():
        print(f"torch {torch.__version__} finds no CUDA device: use --device cpu to try the script.", file=sys.stderr)
        return 4
    out.mkdir(parents=True, exist_ok=True)
    devices = ["cpu"] if device == "cpu" else ["cpu", device]
    start = time.perf_counter()
    print(f"torch {torch.__version__}, {choose(device)}", flush=True)
    passed = {
        "tests": run("Tests", "pytest", "-m", "cuda", "tests/cuda", "--on", device, "-p", "no:cacheprovider", "-rs"),
        "bench": run(
            "CPU against GPU", "colorize_cli", "bench", "--quick", "--device", ",".join(devices), "--batch", "1,4,16",
            "--sizes", "2", "--export", str(out / "bench.json"),
        ),
        "precisions": device == "cpu" or run(
            "Precisions", "colorize_cli", "bench", "--quick", "--device", device, "--precision", "fp32,bf16,fp16",
            "--batch", "16", "--sizes", "2", "--export", str(out / "precisions.json"),
        ),
        "engine": run(
            "Batch engine", "colorize_cli", "bench", "--pipeline", "--device", device, "--rounds", "1", "--files",
            "24" if device == "cuda" else "4", "--export", str(out / "pipeline.json"),
        ),
    }  # fmt: skip
    try:
        table = training_table(devices)
        print(table)
        (out / "training.md").write_text(table + "\n")
        passed["training"] = True
    except Exception as error:
        print(f"Training failed: {error!r}", file=sys.stderr)
        passed["training"] = False
    print(
        f"\n{time.perf_counter() - start:.0f} s in all: "
        + ", ".join(f"{n} {'ok' if p else 'FAILED'}" for n, p in passed.items())
    )
    return 0 if all(passed.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
