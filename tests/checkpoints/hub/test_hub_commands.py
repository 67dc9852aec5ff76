"""``colorize models`` and ``colorize -m`` against a local Hub."""

import json
import os
import re
import subprocess
import sys
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from colorize_cli import registry
from colorize_cli.checkpoints.hub.endpoint import without_password
from colorize_cli.checkpoints.locate import bundled_folder
from colorize_cli.cli import main
from colorize_cli.files import sha256_of
from colorize_cli.models.network import half
from tests.checkpoints.hub_server import COMMIT, Repo
from tests.checkpoints.thin import thin


@pytest.fixture
def publish(hub, tmp_path, monkeypatch):
    """Put random weights of the right layout on the Hub, under the registry's name and with their own hash."""

    def put(name):
        entry = registry.get(name)
        torch.manual_seed(0)
        path = tmp_path / "published.bin"
        state = thin(entry.build().state_dict())
        if name == "ddcolor-tiny":
            state["refine_net.0.0.bias"] = state["refine_net.0.0.bias"] + 30  # random weights paint next to nothing
        torch.save({"params": state}, path)
        (key, file), *_ = entry.hub.items()
        hub.repos[file.repo] = Repo({file.file: path.read_bytes()})
        known = replace(file, revision=COMMIT, sha256=sha256_of(path), size=path.stat().st_size)
        entries = {**registry.ENTRIES, name: replace(entry, hub={**entry.hub, key: known})}
        monkeypatch.setattr(registry, "ENTRIES", types.MappingProxyType(entries))
        return known

    return put


@pytest.fixture
def photo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ramp = np.add.outer(np.arange(60), np.arange(80)).astype(np.uint8)
    Image.fromarray(ramp).save("photo.png")
    return tmp_path / "photo.png"


def painted(name="photo-color.png"):
    return np.ptp(np.asarray(Image.open(name)).astype(int), 2).max() > 3


@pytest.mark.slow
def test_ddcolor_tiny_is_downloaded_and_then_colorizes(hub, publish, photo, capfd):
    publish("ddcolor-tiny")
    hub.cut_after = [100_000]
    assert main(["models", "download", "ddcolor-tiny"]) == 0
    out, err = capfd.readouterr()
    path = Path(out.strip())
    assert path.is_file()
    assert "piddnad/ddcolor_paper_tiny" in err
    assert len(hub.downloads()) == 2
    assert main(["models", "path", "ddcolor-tiny"]) == 0
    assert capfd.readouterr().out == out
    assert main(["photo.png", "-m", "ddcolor-tiny", "--size", "64,96", "--offline", "--device", "cpu"]) == 0
    assert painted()
    assert main(["models", "remove", "ddcolor-tiny"]) == 0
    assert not path.exists()


def test_eccv16_is_fetched_when_it_is_first_needed(hub, publish, photo, capfd):
    publish("eccv16")
    assert main(["photo.png", "-m", "eccv16", "--size", "64", "--device", "cpu"]) == 0
    assert len(hub.downloads()) == 1
    capfd.readouterr()
    assert main(["models", "list"]) == 0
    assert re.search(r"^eccv16 +ready", capfd.readouterr().out, re.MULTILINE)
    assert main(["photo.png", "-m", "eccv16", "--size", "64", "--device", "cpu", "-o", "again.png"]) == 0
    assert len(hub.downloads()) == 1


def test_a_checkpoint_of_anyone_is_named_by_reference(hub, publish, photo, capfd):
    file = publish("eccv16")
    reference = f"hf://{file.repo}/{file.file}@main"
    assert main(["photo.png", "-m", "eccv16", "--size", "64", "--weights", reference, "--device", "cpu"]) == 0
    capfd.readouterr()
    assert main(["models", "verify", "eccv16", "--weights", reference, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)[0]["sha256"] == file.sha256


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["models", "download", "eccv16"], "sha256"),
        (["photo.png", "-m", "eccv16"], "sha256"),
        (["photo.png", "-m", "ddcolor", "--offline"], "offline"),
        (["photo.png", "-m", "ddcolor", "--weights", "artistic"], "no such repository"),
        (["photo.png", "-m", "siggraph17"], "models convert siggraph17-df00044c.pth -m siggraph17"),
        (["models", "download", "siggraph17"], "models convert"),
        (["models", "download", "gan-64"], "No checkpoint"),
        (["models", "path", "ddcolor"], "not in the cache"),
        (["photo.png", "-m", "eccv16", "--weights", "hf://nobody/nothing/x.pth"], "no such repository"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_every_failure_ends_with_exit_code_3_and_a_remedy(hub, publish, photo, capfd, words, says):
    publish("eccv16")
    hub.corrupt = "eccv16" in words
    assert main([*words]) == 3
    assert says in capfd.readouterr().err
    assert not Path("photo-color.png").exists()


def test_a_refused_download_is_shown_and_removed(hub, publish, photo, tmp_path, capfd):
    publish("eccv16")
    hub.corrupt = True
    assert main(["models", "download", "eccv16"]) == 3
    assert "models remove" in capfd.readouterr().err
    (aside,) = (tmp_path / "cache").rglob("quarantine/*")
    assert main(["models", "list", "--json"]) == 0
    listed = {row["name"]: row.get("quarantined") for row in json.loads(capfd.readouterr().out)}
    assert listed["eccv16"] == [str(aside)] and listed["gan"] is None
    assert main(["models", "remove", "eccv16"]) == 0
    assert str(aside) in capfd.readouterr().err
    assert not aside.exists()
    assert main(["models", "remove", "eccv16"]) == 0
    assert "not in the cache" in capfd.readouterr().err


@pytest.mark.parametrize(
    "endpoint", ["http://me:sekret@[::1", "http://me:sekret@host:99999", "http://me:sekret@127.0.0.1:9"]
)
def test_a_password_in_the_endpoint_is_never_printed(tmp_path, endpoint):
    surroundings = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path), "HF_TOKEN": "hf_sekret"}
    for words in (["download", "ddcolor"], ["push", str(bundled_folder() / "unet.safetensors"), "me/x"]):
        done = subprocess.run(
            [sys.executable, "-m", "colorize_cli", "models", *words],
            env=surroundings, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 3
        assert "HF_ENDPOINT" in done.stderr
        assert "sekret" not in done.stdout + done.stderr and "Traceback" not in done.stderr


def test_the_address_of_a_commit_is_printed_without_a_password():
    assert (
        without_password("https://me:sekret@hub.example:8080/me/x/commit/1") == "https://hub.example:8080/me/x/commit/1"
    )


def test_a_checkpoint_that_is_not_published_is_a_usage_error(hub, capfd):
    assert main(["models", "download", "ddcolor", "--weights", "nothing"]) == 2
    assert "modelscope, artistic" in capfd.readouterr().err


def test_a_published_file_is_converted_and_colorizes_with_hints(hub, photo, capfd):
    torch.manual_seed(0)
    network = registry.get("siggraph17").build()
    torch.save(half(network), "weights.pth")
    assert main(["models", "convert", "weights.pth", "-m", "siggraph17", "-o", "mine.safetensors"]) == 0
    assert capfd.readouterr().out == "mine.safetensors\n"
    common = ["photo.png", "-m", "siggraph17", "--weights", "mine.safetensors", "--size", "64", "--device", "cpu"]
    assert main([*common, "-o", "plain.png"]) == 0
    hints = np.zeros((60, 80, 4), np.uint8)
    hints[20:40, 20:40] = (255, 0, 0, 255)
    Image.fromarray(hints).save("hints.png")
    assert main([*common, "-o", "hinted.png", "--hints", "hints.png"]) == 0
    capfd.readouterr()
    assert main([*common, "-o", "hinted.png", "--hints", "hints.png", "--skip-existing", "--json"]) == 0
    assert '"skipped": 1' in capfd.readouterr().out
    assert main([*common, "-o", "hinted.png", "--skip-existing", "-v"]) == 0
    assert "other" in capfd.readouterr().err
    plain, hinted = (np.asarray(Image.open(name)) for name in ("plain.png", "hinted.png"))
    assert not np.array_equal(plain, hinted)


def test_a_checkpoint_is_pushed(hub, tmp_path, monkeypatch, capfd):
    from colorize_cli.checkpoints.file import CheckpointInfo, save_checkpoint

    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    save_checkpoint(
        tmp_path / "best.safetensors",
        {"weights": torch.rand(100_000)},
        CheckpointInfo(model="gan-64", variant="paper"),
    )
    assert main(["models", "push", str(tmp_path), "me/colors", "--license", "cc0-1.0"]) == 0
    assert "/me/colors/commit/" in capfd.readouterr().out


def test_a_training_publishes_its_best_weights_with_curves(hub, tmp_path, monkeypatch, capfd):
    from colorize_cli.checkpoints.file import CheckpointInfo, save_checkpoint
    from colorize_cli.training import run as core

    def train(options, progress):
        options.output.mkdir()
        state = {"weights": torch.rand(100_000)}
        save_checkpoint(options.output / "best.safetensors", state, CheckpointInfo(model="gan-64", variant="paper"))
        Image.new("RGB", (8, 8), "red").save(options.output / "curves.png")
        return core.TrainResult(str(options.output), True, 9, 1, {}, {"psnr": 21.5})

    monkeypatch.setattr(core, "train", train)
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    run = tmp_path / "run"
    assert main(["train", "photos", "-m", "gan-64", "-o", str(run), "--push-to-hub", "me/colors"]) == 0
    assert "/me/colors/commit/" in capfd.readouterr().err
    files = hub.repos["me/colors"].files
    assert files["gan-64.safetensors"] == (run / "best.safetensors").read_bytes()
    assert {"README.md", "pictures/curves.png"} <= files.keys()


def test_a_destination_that_is_no_repository_is_refused_before_training(hub, tmp_path, capfd):
    assert main(["train", "photos", "-o", str(tmp_path / "run"), "--push-to-hub", "colors"]) == 2
    assert "owner/name" in capfd.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_list_says_where_weights_are(hub, capfd):
    assert main(["models", "list"]) == 0
    rows = {line.split()[0]: line for line in capfd.readouterr().out.splitlines()}
    assert " on Hub " in rows["ddcolor"]
    assert " convert " in rows["siggraph17"]
    assert main(["models", "show", "ddcolor", "--json"]) == 0
    facts = json.loads(capfd.readouterr().out)
    assert facts["published"]["artistic"]["size"] == 911_914_869
    assert facts["parameters"] == 227_869_328
