"""Top-1 accuracy of a model's frozen encoder on labelled photographs: a linear layer on its pooled features.

python tools/encoder_top1.py TRAINING HELD-OUT -m vgg-decoder --per-class 40

Both are folders or archives with one folder per class. The layer that an encoder is pretrained with is not kept, so a
new one is fitted here, on TRAINING only; the encoder is not changed. Photographs of HELD-OUT are left out of TRAINING,
by the hash of their bytes.
"""

import hashlib
from collections import defaultdict
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
import typer

from colorize_cli import registry
from colorize_cli.checkpoints.file import load_checkpoint, load_strictly
from colorize_cli.checkpoints.locate import find_weights
from colorize_cli.color_photos import PhotoReader, list_photos
from colorize_cli.evaluation.summary import Bootstrap
from colorize_cli.training.data.lab_photo import decode_rgb, label_of

BATCH = 64
STEPS = 60
DECAY = 1e-3


def read(place: Path, per_class: int | None, left_out: set[str]) -> tuple[list[tuple[bytes, str]], set[str]]:
    """Return (bytes, label) of up to ``per_class`` photos of each class, and the hashes of all that were taken."""
    reader, taken, hashes = PhotoReader(), defaultdict(list), set()
    for ref in list_photos([place]).photos:
        label = label_of(ref)
        if per_class is not None and len(taken[label]) >= per_class:
            continue
        data = reader.read(ref)
        digest = hashlib.blake2b(data).hexdigest()
        if digest not in left_out:
            taken[label].append((data, label))
            hashes.add(digest)
    return [pair for pairs in taken.values() for pair in pairs], hashes


@torch.no_grad()
def features(network: Any, photos: list[tuple[bytes, str]], size: int) -> torch.Tensor:
    """Return the pooled deepest features (N, C) of photographs, grayed and stretched to a square."""
    found = []
    for start in range(0, len(photos), BATCH):
        planes = []
        for data, _ in photos[start : start + BATCH]:
            lightness = cv2.cvtColor(decode_rgb(data, size), cv2.COLOR_RGB2LAB)[..., 0]
            planes.append(cv2.resize(lightness, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 2.55)
        x = network.encoder_input(torch.from_numpy(np.stack(planes))[:, None])
        found.append(network.encoder(x)[-1].mean((2, 3)))
    return torch.cat(found)


def fitted(x: torch.Tensor, y: torch.Tensor, classes: int) -> torch.nn.Linear:
    """Return the linear layer of least cross-entropy, with weight decay."""
    layer = torch.nn.Linear(x.shape[1], classes)
    optimizer = torch.optim.LBFGS(layer.parameters(), max_iter=STEPS, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(layer(x), y) + DECAY * layer.weight.square().sum() / 2
        loss.backward()
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return layer


def main(
    training: Path,
    held_out: Path,
    model: Annotated[str, typer.Option("--model", "-m")] = "vgg-decoder",
    per_class: Annotated[int, typer.Option(help="Training photographs of each class.")] = 40,
    size: Annotated[int, typer.Option(help="Pixels of a side.")] = 64,
) -> None:
    """Fit and measure."""
    entry = registry.get(model)
    path = find_weights(entry)
    checkpoint = load_checkpoint(path)
    network = entry.build(checkpoint.info.variant)
    load_strictly(network, checkpoint, str(path))
    network.eval()
    tested, hashes = read(held_out, None, set())
    learned, _ = read(training, per_class, hashes)
    names = sorted({label for _, label in learned})
    numbers = {name: number for number, name in enumerate(names)}
    tested = [pair for pair in tested if pair[1] in numbers]
    x, z = features(network, learned, size), features(network, tested, size)
    mean, spread = x.mean(0), x.std(0) + 1e-6
    layer = fitted((x - mean) / spread, torch.tensor([numbers[label] for _, label in learned]), len(names))
    with torch.no_grad():
        best = layer((z - mean) / spread).argmax(1)
    right = (best == torch.tensor([numbers[label] for _, label in tested])).double().numpy()
    share = Bootstrap(len(right)).mean(right)
    print(
        f"{len(learned)} photographs learned, {len(tested)} held out, {len(names)} classes: "
        f"top-1 {100 * share.value:.1f} % [{100 * share.low:.1f}, {100 * share.high:.1f}]"
    )


if __name__ == "__main__":
    typer.run(main)
