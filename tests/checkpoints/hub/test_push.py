import pytest
import torch
import yaml
from PIL import Image

from colorize_cli.checkpoints.file import CheckpointInfo, load_checkpoint, save_checkpoint
from colorize_cli.checkpoints.hub import download as client
from colorize_cli.checkpoints.hub.push import push
from colorize_cli.errors import AccessDenied, UnreadablePhoto, UsageProblem, WeightsInvalid


@pytest.fixture
def checkpoint(tmp_path):
    info = CheckpointInfo(
        model="gan-64",
        variant="paper",
        recipe="paper",
        data={"photos": 8000, "licence": "CC-BY | CC0"},
        validation={"mae_ab": 9.87654, "photos": 200},
    )
    path = tmp_path / "best.safetensors"
    save_checkpoint(path, {"weights": torch.rand(100_000)}, info)
    return path


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "examples.png"
    Image.new("RGB", (8, 8), "red").save(path)
    return path


def test_a_pushed_checkpoint_can_be_used_from_the_hub(hub, checkpoint, picture, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    url = push(checkpoint, "me/colors", licence="cc-by-4.0", pictures=[picture])
    assert url.startswith(f"{hub.url}/me/colors/commit/")
    path = client.fetch(client.parse_reference("hf://me/colors/gan-64.safetensors"))
    assert path.read_bytes() == checkpoint.read_bytes()
    assert load_checkpoint(path).info.model == "gan-64"
    assert hub.repos["me/colors"].files["pictures/examples.png"] == picture.read_bytes()
    assert hub.commits[0]["summary"] == "Upload gan-64"


def test_the_card_tells_recipe_data_and_figures(hub, checkpoint, picture, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    push(checkpoint, "me/colors", licence="cc-by-4.0", pictures=[picture])
    card = hub.repos["me/colors"].files["README.md"].decode()
    _, header, body = card.split("---\n", 2)
    assert yaml.safe_load(header)["license"] == "cc-by-4.0"
    for told in (
        "hf://me/colors/gan-64.safetensors",
        "variant `paper`",
        "29,239,938",
        "Brown et al.",
        "| recipe | paper |",
        "| photos | 8000 |",
        "CC-BY \\| CC0",
        "| mae ab | 9.877 |",
        load_checkpoint(checkpoint).sha256,
        "![pictures/examples.png](pictures/examples.png)",
    ):
        assert told in body


def test_pushing_again_makes_another_commit(hub, checkpoint, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    push(checkpoint, "me/colors")
    push(checkpoint, "me/colors")
    assert len(hub.commits) == 2


def test_pushing_needs_a_token(hub, checkpoint):
    with pytest.raises(AccessDenied, match="HF_TOKEN"):
        push(checkpoint, "me/colors")


def test_what_should_not_be_published_is_refused_before_anything_is_sent(hub, checkpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    with pytest.raises(UsageProblem, match="owner/name"):
        push(checkpoint, "colors")
    with pytest.raises(UnreadablePhoto, match="--picture"):
        push(checkpoint, "me/colors", pictures=[tmp_path / "none.png"])
    trial = tmp_path / "trial.safetensors"
    save_checkpoint(trial, {"a": torch.zeros(1)}, CheckpointInfo(model="gan-64", variant="paper", smoke=True))
    with pytest.raises(WeightsInvalid, match="trial"):
        push(trial, "me/colors")
    assert not hub.asked
