"""What a GPU must do: the colors of the CPU, smaller batches when memory runs out, and training over NCCL."""

import copy
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.engine import Batch
from colorize_cli.batch.inputs.make_plan import make_plan
from colorize_cli.batch.resume import make_predictor
from colorize_cli.benchmark import subjects
from colorize_cli.errors import OutOfMemory
from colorize_cli.imaging.codecs.to_photo import photo_from_array
from colorize_cli.imaging.color import srgb_to_lab
from colorize_cli.imaging.color_measures import delta_e_2000
from colorize_cli.inference.colorizer import Colorizer
from colorize_cli.training import ranks
from tests.training import tiny

pytestmark = pytest.mark.cuda

MODELS = ("gan", "classifier", "regression")
FP32_TOLERANCE = 0.05
"""Lab units of a*b* between CPU and GPU, with TF32 off."""
DELTA_E = {"fp32": (0.1, 1.0), "bf16": (1.5, 8.0), "fp16": (0.3, 3.0)}
"""CIEDE2000 from the CPU's result in fp32, mean of a photograph and largest."""


@pytest.fixture(scope="module")
def grays() -> list[np.ndarray]:
    return [subjects.scan(0.1, seed) for seed in range(3)]


@pytest.fixture
def full_precision() -> Iterator[None]:
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


@pytest.mark.parametrize("model", MODELS)
def test_fp32_predicts_what_the_cpu_predicts(
    device: torch.device, grays: list[np.ndarray], full_precision: None, model: str
) -> None:
    expected = Colorizer(model, device="cpu", precision="fp32").predict(grays)
    found = Colorizer(model, device=str(device), precision="fp32").predict(grays)
    for one, other in zip(expected, found, strict=True):
        assert np.abs(one).max() > 1
        np.testing.assert_allclose(other, one, atol=FP32_TOLERANCE)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_results_differ_from_the_cpu_less_than_the_eye_sees(
    device: torch.device, grays: list[np.ndarray], precision: str
) -> None:
    if precision == "fp16" and device.type == "cpu":
        pytest.skip("fp16 is for GPUs")
    photos = [photo_from_array(gray) for gray in grays]
    reference, chosen = Colorizer(device="cpu", precision="fp32"), Colorizer(device=str(device), precision=precision)
    differences = [
        delta_e_2000(srgb_to_lab(reference.colorize(photo) / 255), srgb_to_lab(chosen.colorize(photo) / 255))
        for photo in photos
    ]
    mean, largest = DELTA_E[precision]
    assert max(float(each.mean()) for each in differences) <= mean
    assert max(float(each.max()) for each in differences) <= largest


def test_a_batch_predicts_what_single_photographs_do(
    device: torch.device, grays: list[np.ndarray], full_precision: None
) -> None:
    colorizer = Colorizer(device=str(device), precision="fp32")
    together = colorizer.predict(grays)
    for gray, ab in zip(grays, together, strict=True):
        np.testing.assert_allclose(ab, colorizer.predict([gray])[0], atol=FP32_TOLERANCE)


def test_a_folder_is_colorized(device: torch.device, tmp_path: Path) -> None:
    sources = list(subjects.write_scans(tmp_path, 5, (0.2, 1.2)))
    options = ColorizeOptions(output=f"{tmp_path / 'results'}/", device=str(device))
    plan = make_plan([str(source) for source in sources], options)
    report = Batch(make_predictor(plan, options), options).run(plan)
    assert (report.done, report.failed) == (5, 0)


def test_batches_are_halved_when_memory_runs_out(cuda: torch.device, tmp_path: Path) -> None:
    sources = list(subjects.write_scans(tmp_path, 16, (0.3,)))
    options = ColorizeOptions(output=f"{tmp_path / 'results'}/", device=str(cuda), precision="fp32", size=512, jobs=16)
    plan = make_plan([str(source) for source in sources], options)
    predictor = make_predictor(plan, options)
    gray = subjects.scan(0.3)
    peaks = {}
    for count in (1, 4, 16):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(cuda)
        predictor.predict([gray] * count)
        peaks[count] = torch.cuda.max_memory_reserved(cuda)
    limit = int(peaks[4] * 1.2)
    if peaks[16] <= limit:
        pytest.skip(f"16 photographs need hardly more memory than 4: {peaks}")
    tried: list[int] = []
    lost: list[int] = []
    real = predictor.predict_with_confidence

    def counted(grays: list[np.ndarray]) -> object:
        tried.append(len(grays))
        try:
            return real(grays)
        except OutOfMemory:
            lost.append(len(grays))
            torch.cuda.empty_cache()
            raise

    predictor.predict_with_confidence = counted  # type: ignore[method-assign, assignment]
    predictor.has_confidence = True
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(limit / torch.cuda.get_device_properties(cuda).total_memory, cuda)
    try:
        with pytest.raises(OutOfMemory):
            counted([gray] * 16)
        report = Batch(predictor, options).run(plan)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, cuda)
    assert (report.done, report.failed) == (16, 0)
    assert max(lost) == 16 and sum(tried) - sum(lost) == 16


@pytest.fixture
def alone_in_a_group(device: torch.device, monkeypatch: pytest.MonkeyPatch):
    """One process that talks to itself, over NCCL on a GPU and over gloo without."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    if device.type == "cuda":
        torch.cuda.set_device(device.index or 0)
    dist.init_process_group("gloo", init_method=address, rank=0, world_size=1, timeout=timedelta(minutes=1))
    group = dist.new_group(backend="nccl" if device.type == "cuda" else "gloo")
    monkeypatch.setattr(ranks, "_tensor_group", [group])
    yield group
    dist.destroy_process_group()


def test_gradients_pass_through_nccl_unchanged(device: torch.device, alone_in_a_group: object) -> None:
    torch.manual_seed(0)
    network = tiny.Steady().to(device)
    network.logits(torch.rand(2, 1, 32, 32, device=device) * 100).square().mean().backward()
    own = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    before = [gradient.clone() for gradient in own]
    ranks.Ranks()._average(own)
    assert any(gradient.abs().max() > 0 for gradient in own)
    for gradient, old in zip(own, before, strict=True):
        torch.testing.assert_close(gradient, old)


def test_ddp_takes_the_steps_of_a_process_alone(device: torch.device, alone_in_a_group: dist.ProcessGroup) -> None:
    torch.manual_seed(0)
    alone: nn.Module = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 2, 3)).to(device)
    shared = DistributedDataParallel(
        copy.deepcopy(alone), device_ids=None if device.type == "cpu" else [device.index or 0],
        process_group=alone_in_a_group,
    )  # fmt: skip
    pictures = torch.rand(4, 1, 32, 32, device=device)
    for network in (alone, shared):
        optimizer = torch.optim.SGD(network.parameters(), 0.1)
        for _ in range(3):
            optimizer.zero_grad()
            network(pictures).square().mean().backward()
            optimizer.step()
    for one, other in zip(alone.parameters(), shared.parameters(), strict=True):
        torch.testing.assert_close(other, one, atol=1e-4, rtol=1e-3)
