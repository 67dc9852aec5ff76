"""Train on one device with all photographs in its memory: minutes on a GPU instead of many hours on a CPU.

    python tools/train_on_device.py archives/ -o run/ --stage wide=340 --validation val.zip

ARCHIVES are zip archives of photographs, or folders of them; folders are scanned again during training, so that more
archives can be added. A stage is a stage of the model's recipe with a time limit in seconds (``wide=240``); its
schedule is scaled to that time. Other numbers of a stage can be overridden (``adversarial=40,pixel_weight=20``). After
each stage the averaged weights go to ``OUTPUT/NAME-K.safetensors`` as float16 in parts of at most 16 MB; figures go to
``OUTPUT/log.jsonl``. Join the parts into one checkpoint with

    python tools/train_on_device.py -o run/ --join wide
"""

import argparse
import copy
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from colorize_cli import registry
from colorize_cli.checkpoints.file import CheckpointInfo, save_checkpoint
from colorize_cli.compute import Compute, choose
from colorize_cli.models.brown.generator import Generator
from colorize_cli.models.heads.ab_bins import soft_cross_entropy
from colorize_cli.models.network import ColorizationNet, half
from colorize_cli.recipe import WHOLE, Stage
from colorize_cli.training.data.aging import lab_of, lightness_of, linear_of
from colorize_cli.training.data.on_device import Decoded, DevicePhotos, batch, read_archives
from colorize_cli.training.initialize import initial_network, widened
from colorize_cli.training.objectives import OBJECTIVES, Setting
from colorize_cli.training.objectives.calibration import _colorfulness, lab_to_srgb

PART = 15 * 2**20


class Arrivals:
    """Reads archives in the background, including new ones in folders."""

    def __init__(self, places: list[Path], side: int, workers: int) -> None:
        self.places, self.side, self.workers = places, side, workers
        self.seen: set[Path] = set()
        self.ready: list[Decoded] = []
        self.thread: threading.Thread | None = None

    def poll(self) -> list[Decoded]:
        """Return photographs read since the last call, and start reading new archives."""
        if self.thread is None or not self.thread.is_alive():
            found = [f for p in self.places for f in (sorted(p.glob("*.zip")) if p.is_dir() else [p])]
            new = [path for path in found if path not in self.seen]
            if new:
                self.seen.update(new)
                self.thread = threading.Thread(target=self._read, args=(new,), daemon=True)
                self.thread.start()
        ready, self.ready = self.ready, []
        return ready

    def _read(self, archives: list[Path]) -> None:
        decoded = read_archives(archives, self.side, self.workers)
        self.ready = [*self.ready, decoded]


class Judge:
    """Measures a network on validation photographs: PSNR above gray by share of the true colorfulness."""

    def __init__(self, archives: list[Path], device: torch.device, count: int | None) -> None:
        self.sets: dict[str, Tensor] = {}
        for archive in archives:
            decoded = read_archives([archive], 256, os.cpu_count() or 1)
            pictures, start = [], 0
            for rows, columns in decoded.shapes:
                rgb = decoded.pixels[start : start + rows * columns].view(rows, columns, 3).permute(2, 0, 1)[None]
                start += rows * columns
                pictures.append(F.interpolate(rgb.float(), size=(256, 256), mode="area")[0].round().byte())
            every = max(1, len(pictures) // (count or len(pictures)))
            self.sets[archive.stem] = torch.stack(pictures[::every])
        self.device = device

    @torch.inference_mode()
    def curve(self, network: ColorizationNet, compute: Compute, size: int = 224) -> dict[str, Any]:
        """Return, by set, cross-entropy (nats), and dB above gray at 80, 85, 90 and 98 % of the true colorfulness.

        Networks without a vividness have a single point.
        """
        result = {}
        steps = (0.0, 0.2, 0.35, 0.5, 0.65, 0.8)
        if not isinstance(network, Generator):
            return {name: self._point(network, compute, size, pictures) for name, pictures in self.sets.items()}
        for name, pictures in self.sets.items():
            sums = torch.zeros(len(steps), 3, device=self.device)
            nats = 0.0
            for part in pictures.split(32):
                rgb = part.to(self.device).float()
                linear = linear_of(rgb / 255)
                lab = lab_of(linear)
                luminance = (linear * linear.new_tensor([0.212671, 0.715160, 0.072169]).view(1, 3, 1, 1)).sum(1, True)
                lightness = lightness_of(luminance)
                x = F.interpolate(lightness, size=(size, size), mode="area")
                with compute.autocast():
                    logits = network.logits(torch.cat([x, x.flip(-1)])).float()
                cells = F.adaptive_avg_pool2d(lab[:, 1:], logits.shape[-2:])
                nats += float(soft_cross_entropy(logits[: len(x)], cells, network.decode.centers)) * len(x)
                gray = lab_to_srgb(lightness, torch.zeros_like(lab[:, 1:]))
                base = _psnr(gray, rgb)
                for row, v in enumerate(steps):
                    ab = network.decode(logits, v)
                    ab = (ab[: len(x)] + ab[len(x) :].flip(-1)) / 2
                    ab = F.interpolate(ab, size=rgb.shape[-2:], mode="bilinear", align_corners=False)
                    painted = lab_to_srgb(lightness, ab)
                    sums[row, 0] += (_psnr(painted, rgb) - base).sum()
                    sums[row, 1] += _colorfulness(painted).sum()
                    sums[row, 2] += _colorfulness(rgb).sum()
            gained = (sums[:, 0] / len(pictures)).cpu().numpy()
            share = (100 * sums[:, 1] / sums[:, 2]).cpu().numpy()
            at = {str(s): round(float(np.interp(s, share, gained)), 3) for s in (80, 85, 90, 98)}
            result[name] = {"nats": round(nats / len(pictures), 4), "share": [round(float(x), 1) for x in share], **at}
        return result

    def _point(self, network: ColorizationNet, compute: Compute, size: int, pictures: Tensor) -> dict[str, float]:
        sums = torch.zeros(3, device=self.device)
        for part in pictures.split(32):
            rgb = part.to(self.device).float()
            luminance = (linear_of(rgb / 255) * rgb.new_tensor([0.212671, 0.715160, 0.072169]).view(1, 3, 1, 1)).sum(
                1, True
            )
            lightness = lightness_of(luminance)
            with compute.autocast():
                ab = network(F.interpolate(lightness, size=(size, size), mode="area"))
            ab = F.interpolate(ab.float(), size=rgb.shape[-2:], mode="bilinear", align_corners=False)
            painted = lab_to_srgb(lightness, ab)
            sums[0] += (_psnr(painted, rgb) - _psnr(lab_to_srgb(lightness, torch.zeros_like(ab)), rgb)).sum()
            sums[1] += _colorfulness(painted).sum()
            sums[2] += _colorfulness(rgb).sum()
        gained, colorful, true = sums.tolist()
        return {"gained": round(gained / len(pictures), 3), "share": round(100 * colorful / true, 1)}


def _psnr(painted: Tensor, true: Tensor) -> Tensor:
    return 10 * torch.log10(255**2 / (painted - true).square().mean((1, 2, 3)).clamp(min=1e-3))


def first_network(arguments: argparse.Namespace) -> ColorizationNet:
    """Return the initial network."""
    entry = registry.get(arguments.model)
    if arguments.second:
        torch.manual_seed(arguments.seed)
        network = entry.build(arguments.variant)
        network.decoder.start_as_light_head()
        network.load_state_dict(widened(network, load_file(arguments.init[0]), load_file(arguments.second)))
        return network
    recipe = entry.recipe(arguments.variant, arguments.recipe)
    network, _ = initial_network(entry, arguments.variant, recipe, init=None, encoder="scratch", seed=arguments.seed)
    state = network.state_dict()
    for path in arguments.init:
        found = {key: v for key, v in load_file(path).items() if key in state and state[key].shape == v.shape}
        print(f"{path}: {len(found)} of {len(state)} tensors", flush=True)
        state |= found
    network.load_state_dict(state)
    return network


def chosen_stages(arguments: argparse.Namespace) -> Iterator[tuple[Stage, float]]:
    """Return the selected stages with their overrides, and their seconds."""
    known = {
        stage.name: stage for stage in registry.get(arguments.model).recipe(arguments.variant, arguments.recipe).stages
    }
    for text in arguments.stage:
        head, *changes = text.split(",")
        name, _, seconds = head.partition("=")
        values: dict[str, Any] = {}
        for change in changes:
            key, _, value = change.partition("=")
            old = getattr(known[name], key)
            if key == "sizes":
                values[key] = ((0.0, int(value)),)
            elif key == "frozen":
                values[key] = tuple(value.split("+"))
            elif key in ("source_weights", "group_lr"):
                values[key] = {name: float(weight) for name, _, weight in (x.partition(":") for x in value.split("+"))}
            else:
                values[key] = float(value) if old is None else type(old)(value)
        yield replace(known[name], **values), float(seconds)


def train(stage: Stage, seconds: float, network: ColorizationNet, run: "Run") -> ColorizationNet:
    """Train one stage for the given seconds, or ``--steps``; return the resulting network."""
    run.classes, count = run.photos.class_numbers(stage.smallest_class) if stage.class_weight else (None, 0)
    setting = Setting(run.compute, steps=1000, classes=count)
    if stage.vividness is not None:
        network.decode.default_vividness.fill_(stage.vividness)
    objective = OBJECTIVES[stage.objective](network, stage, setting)
    run.weigh(stage)
    judged = 0
    began, sums, last, steps = time.monotonic(), {}, time.monotonic(), run.arguments.steps
    while True:
        share = objective.steps_done / steps if steps else (time.monotonic() - began) / seconds
        if share >= 1:
            break
        if objective.steps_done % 10 == 9:
            run.take_in(stage)
            objective.setting = replace(
                setting, steps=max(objective.steps_done + 1, round(objective.steps_done / share))
            )
        if run.arguments.judge_every and time.monotonic() - began > (judged + 1) * run.arguments.judge_every:
            judged += 1
            run.save(objective.result, f"{stage.name}-mid")
            run.log(
                judged=stage.name,
                step=objective.steps_done,
                **run.judge.curve(objective.result.eval(), run.compute, run.arguments.size),
            )
        losses = objective.step([run.batch(stage, share)])
        for key, value in losses.items():
            sums[key] = sums.get(key, 0.0) + value
        if objective.steps_done % run.arguments.every == 0:
            now = time.monotonic()
            rate = run.arguments.every * stage.batch_size / (now - last)
            row = {k: round(v / run.arguments.every, 4) for k, v in sums.items()}
            run.log(
                stage=stage.name,
                step=objective.steps_done,
                share=round(share, 3),
                rate=round(rate),
                photos=len(run.photos),
                **row,
            )
            sums, last = {}, now
    run.log(stage=stage.name, ended=objective.steps_done, crops=objective.steps_done * stage.batch_size)
    return objective.result


class Run:
    """State shared by stages: photographs, device, random numbers, log."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments, self.compute = arguments, choose(arguments.device, arguments.precision)
        self.device = self.compute.device
        self.photos = DevicePhotos(self.device)
        self.arrivals = Arrivals(arguments.archives, arguments.side, os.cpu_count() or 1)
        self.generator = torch.Generator(self.device).manual_seed(arguments.seed)
        self.weights = torch.empty(0)
        self.classes: Tensor | None = None
        self.recipe = registry.get(arguments.model).recipe(arguments.variant, arguments.recipe)
        self.began = time.monotonic()
        self.judge = Judge(arguments.validation, self.device, arguments.count)
        arguments.output.mkdir(parents=True, exist_ok=True)

    def log(self, **row: Any) -> None:
        """Write one line of figures."""
        text = json.dumps({"t": round(time.monotonic() - self.began, 1), **row})
        print(text, flush=True)
        with (self.arguments.output / "log.jsonl").open("a") as file:
            file.write(text + "\n")

    def take_in(self, stage: Stage | None = None) -> None:
        """Move newly read photographs to the device, except in stages with classes, whose number is fixed."""
        if self.classes is not None:
            return
        for decoded in self.arrivals.poll():
            self.photos.add(decoded)
            self.weigh(stage)
            self.log(photos=len(self.photos), pixels=len(self.photos.pixels))

    def weigh(self, stage: Stage | None) -> None:
        """Weigh the photographs by source, as the stage needs them."""
        self.weights = self.photos.weights(self.recipe.source_weights | (stage.source_weights if stage else {}))

    def batch(self, stage: Stage, share: float) -> Any:
        """Return the next batch."""
        chosen = torch.multinomial(self.weights, stage.batch_size, True, generator=self.generator)
        return batch(self.photos, chosen, stage.size_at(share), stage.augmentation, self.generator, self.classes)

    def count_colors(self, network: ColorizationNet, stage: Stage) -> None:
        """Give a network with color classes the color statistics of the photographs."""
        if network.color_classes is None:
            return
        side = network.color_sample_side(stage.size)

        def samples() -> Iterator[Tensor]:
            for _ in range(16):
                chosen = torch.multinomial(self.weights, 256, True, generator=self.generator)
                whole = batch(self.photos, chosen, stage.size, WHOLE, self.generator)
                yield F.adaptive_avg_pool2d(torch.cat([whole.lightness, whole.ab], 1), side).cpu()

        network.cpu().count_colors(samples(), len(self.photos) * stage.size**2)
        network.to(self.device)

    def save(self, network: ColorizationNet, name: str, left_out: tuple[str, ...] = ()) -> None:
        """Write the weights as float16 in parts, without tensors whose names start with a prefix in ``left_out``."""
        part, size, number = {}, 0, 0
        for key, value in half(network).items():
            if key.startswith(left_out):
                continue
            value = value.cpu().contiguous()
            bytes_ = value.numel() * value.element_size()
            if part and size + bytes_ > PART:
                save_file(part, self.arguments.output / f"{name}-{number}.safetensors")
                part, size, number = {}, 0, number + 1
            part[key], size = value, size + bytes_
        save_file(part, self.arguments.output / f"{name}-{number}.safetensors")


def join(arguments: argparse.Namespace) -> None:
    """Write one checkpoint from a stage's parts."""
    state: dict[str, Tensor] = {}
    for part in sorted(arguments.output.glob(f"{arguments.join}-[0-9]*.safetensors")):
        state |= load_file(part)
    registry.get(arguments.model).build(arguments.variant).load_state_dict(state)
    info = CheckpointInfo(arguments.model, arguments.variant, recipe=f"on one device, after {arguments.join}")
    save_checkpoint(arguments.output / f"{arguments.join}.safetensors", state, info)


def main() -> None:
    """Train the stages one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archives", nargs="*", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("-m", "--model", default="gan")
    parser.add_argument("--variant", default="paired")
    parser.add_argument("--recipe", help="recipe of the variant (default: its first)")
    parser.add_argument(
        "--init",
        action="append",
        type=Path,
        default=[],
        help="initial weights; tensors that fit are loaded, and later files override earlier ones",
    )
    parser.add_argument("--second", type=Path, help="encoder file of a gray ResNet-18 to pair with the smaller network")
    parser.add_argument("--stage", action="append", default=[], help="NAME=SECONDS[,FIELD=VALUE...]")
    parser.add_argument("--join", metavar="NAME", help="join the parts into OUTPUT/NAME.safetensors, and exit")
    parser.add_argument(
        "--again",
        action="append",
        default=[],
        help="stages that all start from the network of the last --stage; frozen layers are not saved",
    )
    parser.add_argument("--leave-out", action="append", default=[], help="prefix of tensors not to save")
    parser.add_argument("--validation", action="append", type=Path, default=[])
    parser.add_argument("--count", type=int)
    parser.add_argument(
        "--size", type=int, default=224, help="size in pixels at which validation photographs are colorized"
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--side", type=int, default=160)
    parser.add_argument("--steps", type=int, help="steps per stage, instead of seconds")
    parser.add_argument("--every", type=int, default=50)
    parser.add_argument("--judge-every", type=float, help="seconds between validations in a stage")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.join:
        join(arguments)
        return
    run = Run(arguments)
    if run.device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    judge = run.judge
    network = first_network(arguments).to(run.device).to(memory_format=torch.channels_last)
    while not len(run.photos):
        run.take_in()
        time.sleep(0.05)
    run.count_colors(network, run.recipe.stages[-1])
    run.log(judged="start", **judge.curve(network.eval(), run.compute, arguments.size))
    for stage, seconds in chosen_stages(arguments):
        network = copy.deepcopy(train(stage, seconds, network, run)).requires_grad_(True)
        run.save(network, stage.name, tuple(arguments.leave_out))
        run.log(judged=stage.name, **judge.curve(network.eval(), run.compute, arguments.size))
    once = arguments.stage
    arguments.stage = arguments.again
    for number, (stage, seconds) in enumerate(chosen_stages(arguments)):
        arguments.judge_every = seconds / 3
        tried = train(stage, seconds, copy.deepcopy(network), run)
        run.save(tried, f"{stage.name}{number}", stage.frozen)
        run.log(judged=f"{stage.name}{number}", **judge.curve(tried.eval(), run.compute, arguments.size))
    arguments.stage = once


if __name__ == "__main__":
    main()
