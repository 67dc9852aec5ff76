import numpy as np
import pytest
import torch
from torch import nn

from colorize_cli.checkpoints import onnx
from colorize_cli.errors import ModelError, UsageProblem
from colorize_cli.models.brown.generator import Generator


@pytest.fixture
def network() -> Generator:
    torch.manual_seed(0)
    network = Generator(bins=12, width=16, refinements=1)
    nn.init.normal_(network.decode.centers, 0, 40)
    return network.eval()


@pytest.fixture
def runtime():
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    return pytest.importorskip("onnxruntime")


@pytest.mark.slow
def test_the_file_computes_what_the_network_does_for_any_batch(network, runtime, tmp_path):
    path = tmp_path / "gan.onnx"
    made = onnx.export_onnx(network, path, size=64, metadata={"model": "gan"})
    assert made.path == path and made.size == path.stat().st_size and made.difference < onnx.TOLERANCE
    session = runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map["model"] == "gan"
    lightness = torch.rand(5, 1, 64, 64) * 100
    (ab,) = session.run(["ab"], {"lightness": lightness.numpy()})
    with torch.inference_mode():
        expected = network.chroma(lightness).numpy()
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(ab, expected, atol=1e-3)
    with pytest.raises(UsageProblem, match="exists"):
        onnx.export_onnx(network, path, size=64, metadata={})


def test_a_file_that_computes_something_else_is_not_kept(network, monkeypatch, tmp_path):
    monkeypatch.setattr(onnx, "_onnx_bytes", lambda *_: b"a network")
    for difference in (0.5, float("nan")):
        monkeypatch.setattr(onnx, "_difference", lambda *_, found=difference: found)
        with pytest.raises(ModelError, match="differs from PyTorch"):
            onnx.export_onnx(network, tmp_path / "gan.onnx", size=64, metadata={})
    assert not list(tmp_path.iterdir())


def test_another_ending_is_refused(network, tmp_path):
    with pytest.raises(UsageProblem, match="onnx"):
        onnx.export_onnx(network, tmp_path / "gan.pt", size=64, metadata={})
