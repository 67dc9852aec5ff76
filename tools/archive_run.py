"""A small archive: generate scans, colorize them with the command line, and check that nothing was lost.

``python tools/archive_run.py FOLDER [--files 2000] [--cluster local] [-- OPTIONS OF COLORIZE]``

Prints the time relative to decoding, encoding and predicting alone, the peak memory of all
processes, the counts of the report, and all faults of the results; exits with 1 if there are any.
"""

import argparse
import hashlib
import io
import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.resume import load_predictor
from colorize_cli.benchmark.engine_limits import codec_run, predict_run
from colorize_cli.benchmark.subjects import scan
from colorize_cli.compute import available_cores
from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.color import srgb_to_lab
from colorize_cli.imaging.geometry import fit
from colorize_cli.registry import get

SIZES = {1.0: 0.7, 2.0: 0.14, 4.0: 0.08, 8.0: 0.04, 12.0: 0.02, 24.0: 0.02}
"""Megapixels of the scans, and the share of each."""

FORMATS = {"jpg": 0.6, "png": 0.15, "tif": 0.15, "webp": 0.1}
CORRUPT_SHARE = 0.02
LIGHTNESS_TOLERANCE = 1.0
"""Tolerated mean difference of L* in a result: the loss of lossy formats is below 0.5."""

_EVERY = 8
_SEEDS = 4
_LOOK_EVERY = 0.5
_ENCODING = {
    "jpg": {"format": "JPEG", "quality": 90},
    "png": {"format": "PNG", "compress_level": 1},
    "tif": {"format": "TIFF", "compression": "tiff_lzw"},
    "webp": {"format": "WEBP", "quality": 85, "method": 0},
}


def write_archive(folder: Path, files: int, seed: int) -> set[Path]:
    """Write the scans, in folders of a hundred, unless they exist; return the damaged ones."""
    choice = random.Random(seed)
    made: dict[tuple[float, str, int], bytes] = {}
    damaged = set()
    for number in range(files):
        size = choice.choices(list(SIZES), list(SIZES.values()))[0]
        suffix = choice.choices(list(FORMATS), list(FORMATS.values()))[0]
        kind = size, suffix, choice.randrange(_SEEDS)
        path = folder / f"{number // 100:03}" / f"scan-{number:05}.{suffix}"
        is_damaged = choice.random() < CORRUPT_SHARE
        damage = choice.randrange(4)
        if is_damaged:
            damaged.add(path)
        if path.exists():
            continue
        if kind not in made:
            buffer = io.BytesIO()
            Image.fromarray(scan(size, kind[2])).save(buffer, **_ENCODING[suffix])
            made[kind] = buffer.getvalue()
        data = made[kind]
        if is_damaged:
            data = (b"", data[:10], data[: len(data) // 2], random.Random(number).randbytes(500))[damage]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return damaged


def _children(process: int) -> Iterator[int]:
    yield process
    try:
        for tasks in Path(f"/proc/{process}/task").iterdir():
            for child in (tasks / "children").read_text().split():
                yield from _children(int(child))
    except OSError:
        return


def resident_bytes(process: int) -> int:
    """Return the resident memory of a process and all its children (Linux); shared pages count for each."""
    total = 0
    for number in _children(process):
        try:
            total += int(Path(f"/proc/{number}/statm").read_text().split()[1]) * 4096
        except (OSError, IndexError):
            continue
    return total


@dataclass
class Run:
    """A run of the command line: its exit code, seconds, peak memory in bytes, and the end of its messages."""

    code: int
    seconds: float
    peak: int
    messages: str


def colorize(words: Sequence[str]) -> Run:
    """Run ``colorize`` and watch its memory."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "colorize_cli", *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    tail: list[str] = []
    reader = threading.Thread(target=lambda: tail.append(process.stderr.read().decode()[-2000:]))  # type: ignore[union-attr]
    reader.start()
    peak = 0
    while process.poll() is None:
        peak = max(peak, resident_bytes(process.pid))
        time.sleep(_LOOK_EVERY)
    reader.join()
    return Run(process.returncode, time.monotonic() - started, peak, tail[0])


def _lightness(picture: Image.Image) -> np.ndarray:
    """Return L* (h, w) of a subsampled picture. Luma does not suffice: it differs for equal L*."""
    sample = np.asarray(picture.convert("RGB"))[::_EVERY, ::_EVERY]
    return srgb_to_lab(sample.astype(np.float32) / 255)[..., 0]


def mistakes(scans: Path, results: Path, rows: dict[str, dict], damaged: set[Path]) -> Iterator[str]:
    """Yield faults: missing or false rows of the report, and incomplete results."""
    sources = sorted(path for path in scans.rglob("*.*"))
    for source in sources:
        row = rows.pop(str(source), None)
        result = results / source.relative_to(scans)
        if row is None:
            yield f"{source}: no row in the report"
        elif source in damaged:
            if row["status"] != "failed" or result.exists():
                yield f"{source}: damaged, but {row['status']}"
        elif row["status"] != "done":
            yield f"{source}: {row['status']}: {row.get('reason')}"
        elif hashlib.sha256(result.read_bytes()).hexdigest() != row["output_sha256"]:
            yield f"{result}: not the file of the report"
        else:
            with Image.open(source) as gray, Image.open(result) as color:
                if color.size != gray.size or color.mode != "RGB":
                    yield f"{result}: not a color picture of the size of its scan"
                    continue
                before, after = (_lightness(picture) for picture in (gray, color))
                if np.abs(after - before).mean() > LIGHTNESS_TOLERANCE:
                    yield f"{result}: not as light as its scan"
    yield from (f"{name}: a row, but no scan" for name in rows)
    expected = {results / source.relative_to(scans) for source in sources if source not in damaged}
    yield from (f"{path}: left behind" for path in results.rglob("*") if path.is_file() and path not in expected)


def limit_seconds(done: dict[Path, Path], options: ColorizeOptions, sample: int) -> tuple[float, float]:
    """Estimate the seconds for decoding and encoding all files alone, and for predicting alone, from a sample."""
    chosen = dict(list(done.items())[:: max(1, len(done) // sample)])
    predictor, workers = load_predictor(options), available_cores()
    codec = codec_run(chosen, predictor.provenance(), workers)
    entry = get(options.model)
    size = options.sizes[0] if options.sizes else entry.input_size
    canvases = [fit(read_photo(source).gray, size, entry.fit)[0] for source in chosen]
    predict_run(predictor, canvases[: 2 * workers], workers)
    predict = predict_run(predictor, canvases, workers)
    pixels = sum(_pixels(source) for source in done) / sum(_pixels(source) for source in chosen)
    return codec.wall * pixels, predict.wall * len(done) / len(chosen)


def _pixels(path: Path) -> int:
    with Image.open(path) as picture:
        return picture.width * picture.height


def main() -> int:
    """Generate, colorize, check, and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sample", type=int, default=100, help="files to measure the limit with; 0 for none")
    parser.add_argument("--cluster", help="passed to colorize")
    arguments = sys.argv[1:]
    split = arguments.index("--") if "--" in arguments else len(arguments)
    given, further = parser.parse_args(arguments[:split]), arguments[split + 1 :]
    scans, results, report = given.folder / "scans", given.folder / "color", given.folder / "report.jsonl"
    damaged = write_archive(scans, given.files, given.seed)
    words = [str(scans), "-o", f"{results}/", "--report", str(report), "--overwrite", *further]
    run = colorize(words + (["--cluster", given.cluster] if given.cluster else []))
    rows = {row["input"]: row for row in map(json.loads, report.read_text().splitlines())}
    done = {Path(name): Path(row["output"]) for name, row in rows.items() if row["status"] == "done"}
    megapixels = sum(_pixels(source) for source in done) / 1e6
    print(f"files: {given.files}, damaged: {len(damaged)}; megapixels colorized: {megapixels:.0f}")
    print(f"exit code: {run.code}; counts: {dict(Counter(row['status'] for row in rows.values()))}")
    print(f"seconds: {run.seconds:.1f}; files per second: {len(rows) / run.seconds:.2f}; peak MB: {run.peak / 1e6:.0f}")
    wrong = list(mistakes(scans, results, dict(rows), damaged))
    print("\n".join([f"mistakes: {len(wrong)}", *wrong[:20]]))
    if wrong:
        print(run.messages)
    if given.sample and done and not further:  # the limit applies to the default options
        codec, predict = limit_seconds(done, ColorizeOptions(), given.sample)
        print(f"alone: decode and encode {codec:.1f} s, predict {predict:.1f} s; sum / run: ", end="")
        print(f"{(codec + predict) / run.seconds:.2f}; run / sum: {run.seconds / (codec + predict):.2f}")
    return 1 if wrong or run.code != (1 if damaged else 0) else 0


if __name__ == "__main__":
    sys.exit(main())
