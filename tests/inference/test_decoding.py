"""Decoding choices reach the network that knows them, and no other; results record them."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
import torch
from torch import Tensor

from colorize_cli import registry
from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.resume import expected_provenance
from colorize_cli.checkpoints.file import CheckpointInfo, save_checkpoint
from colorize_cli.entry import Variant
from colorize_cli.errors import UsageProblem
from colorize_cli.inference.color_options import check_decoding
from colorize_cli.inference.colorizer import Colorizer
from colorize_cli.models.network import ColorizationNet


class Choosy(ColorizationNet):
    """Answers with the choices it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    def chroma(self, lightness: Tensor, temperature: float = 0.25, smoothing: float = 0.0) -> Tensor:
        plane = torch.ones_like(lightness) * self.scale
        return torch.cat([plane * temperature * 10, plane * smoothing], 1)


@pytest.fixture
def choosy(monkeypatch, tmp_path):
    entry = replace(
        registry.get("gan-64"),
        name="choosy",
        variants={"only": Variant(f"{__name__}:Choosy", 1)},
        decoding=("temperature", "smoothing"),
    )
    entries = MappingProxyType({**registry.ENTRIES, "choosy": entry})
    monkeypatch.setattr(registry, "ENTRIES", entries)
    save_checkpoint(tmp_path / "best.safetensors", Choosy().state_dict(), CheckpointInfo("choosy", "only"))
    return tmp_path / "best.safetensors"


def test_choices_reach_the_network_and_the_record(choosy):
    gray = np.full((64, 64), 128, np.uint8)
    chosen = {"temperature": 0.5, "smoothing": 3.0}
    colorizer = Colorizer("choosy", weights=choosy, device="cpu", precision="fp32", decoding=chosen)
    (ab,) = colorizer.predict([gray])
    assert np.allclose(ab[0], 5) and np.allclose(ab[1], 3)
    recorded = colorizer.provenance().parameters
    assert recorded["temperature"] == "0.5" and recorded["smoothing"] == "3"
    options = ColorizeOptions(model="choosy", weights=str(choosy), temperature=0.5, smoothing=3)
    assert expected_provenance(options).parameters == recorded, "--skip-existing must recognise the results"
    (ab,) = Colorizer("choosy", weights=choosy, device="cpu", precision="fp32").predict([gray])
    assert np.allclose(ab[0], 2.5), "what is not chosen is left to the network"


def test_a_model_without_the_choice_refuses_it_and_names_those_that_have_it(choosy):
    with pytest.raises(UsageProblem, match=r"gan' does not take --score-blur"):
        check_decoding(registry.get("gan"), {"score_blur": 1.0})
    with pytest.raises(UsageProblem, match="choosy"):
        check_decoding(registry.get("gan"), {"temperature": 1.0})
    with pytest.raises(UsageProblem, match="no decoding option 'heat'"):
        Colorizer("choosy", weights=choosy, decoding={"heat": 1.0})
