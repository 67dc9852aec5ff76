"""A model whose answer and whose memory are known, in place of a network."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from colorize_cli.benchmark.machine import Machine
from colorize_cli.benchmark.measurements import STAGES, Row
from colorize_cli.checkpoints.input_format import InputFormat
from colorize_cli.errors import DeviceError, OutOfMemory
from colorize_cli.imaging.metadata.xmp import Provenance
from colorize_cli.imaging.recombine.join import recombine
from colorize_cli.inference.prediction import Prediction

MACHINE = Machine("a processor", 2, 2, 8.0, "", "Linux", "3.12", "2.15", "5.0", "0.1", False, 0.5)


class FakeSubject:
    """Paints in one color, which may depend on the precision; holds at most ``most`` photographs in memory."""

    has_confidence = True

    def __init__(self, device: str = "cpu", precision: str = "fp32", most: int = 100, a: float = 20.0) -> None:
        self.entry = SimpleNamespace(fit="stretch", name="gan")
        self.input = InputFormat(size=32, fit="letterbox", mirror=False)
        self.compute = SimpleNamespace(device=torch.device(device), precision=precision)
        self.size, self.weights_sha256 = 32, "0" * 64
        self.most, self.a = most, a
        self.batches: list[int] = []

    def predict(self, grays, hints=None):
        if len(grays) > self.most:
            raise OutOfMemory("No memory for these.", "Use a smaller batch.")
        self.batches.append(len(grays))
        return [np.stack([np.full((8, 8), self.a, np.float32), np.full((8, 8), 30, np.float32)]) for _ in grays]

    def variants(self, grays, predictions, count, seed):
        raise NotImplementedError

    def predict_with_confidence(self, grays, hints=None):
        return [Prediction(ab, np.ones((8, 8), np.float32)) for ab in self.predict(grays)]

    def colorize(self, photo, ab):
        return recombine(photo.gray, ab, depth=8, threads=1)

    def provenance(self):
        return Provenance("gan", self.weights_sha256, "0.1", {})


class Loader:
    """Loads fakes; knows the devices of this pretended machine, and remembers what it gave out."""

    def __init__(self, devices: tuple[str, ...] = ("cpu",), most: int = 100) -> None:
        self.devices, self.most = devices, most
        self.subjects: list[FakeSubject] = []

    def __call__(self, model, weights, device, precision, size):
        if device not in self.devices:
            raise DeviceError(f"No {device} here.", "Use another device.")
        precision = "fp32" if precision == "auto" else precision
        subject = FakeSubject("cpu", precision, self.most, a=20.0 if precision == "fp32" else 24.0)
        self.subjects.append(subject)
        return subject


@pytest.fixture
def weights(monkeypatch):
    """Pretend that every model has trained weights."""
    monkeypatch.setattr("colorize_cli.checkpoints.locate.find_weights", lambda entry, given=None, **_: "somewhere")


def measured_row(latency: float = 0.1, **changes) -> Row:
    """A row as if measured: every stage of every one of ten samples takes half the latency."""
    row = Row(MACHINE, "gan", "cpu", "fp32", "trained", asked_batch=2, batch=2, megapixels=2.0, working_size=192)
    row.samples = {stage: [latency / 2] * 10 for stage in STAGES}
    for name, value in changes.items():
        setattr(row, name, value)
    return row
