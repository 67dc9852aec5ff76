import numpy as np
import pytest
import torch
from torch import nn

from colorize_cli.checkpoints import onnx
from colorize_cli.errors import ModelError, UsageProblem
from colorize_cli.models.brown.generator import Generator
from colorize_cli.registry import ENTRIES, get


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
def test_the_file_computes_what_the_network_does_for_any_batch_and_shape(network, runtime, tmp_path):
    path = tmp_path / "gan.onnx"
    made = onnx.export_onnx(network, path, size=64, metadata={"model": "gan"})
    assert made.path == path and made.size == path.stat().st_size and made.difference < onnx.TOLERANCE
    session = runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map["model"] == "gan"
    for shape in ((5, 1, 64, 64), (1, 1, 192, 96), (2, 1, 64, 224)):
        lightness = torch.rand(shape) * 100
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


@pytest.mark.slow
def test_choices_of_decoding_are_exported_as_the_checkpoint_has_them(runtime, tmp_path):
    torch.manual_seed(0)
    network = get("classifier").build("light").eval()
    nn.init.normal_(network.decode.centers, 0, 40)
    network.decode.default_temperature.fill_(0.5)
    path = tmp_path / "classifier.onnx"
    onnx.export_onnx(network, path, size=64, metadata={})
    session = runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    lightness = torch.rand(1, 1, 96, 64) * 100
    with torch.inference_mode():
        expected = network.chroma(lightness, temperature=0.5).numpy()
    np.testing.assert_allclose(session.run(["ab"], {"lightness": lightness.numpy()})[0], expected, atol=1e-2)


@pytest.mark.parametrize("model", [name for name, entry in ENTRIES.items() if entry.no_onnx])
def test_network_without_an_onnx_form_is_refused_with_the_reason(model):
    with pytest.raises(UsageProblem, match="cannot be exported"):
        onnx.check_model(get(model))


def test_models_that_need_hints_are_refused():
    assert all(entry.no_onnx for entry in ENTRIES.values() if entry.needs_hints)
    onnx.check_model(get("gan"))
