"""What was accepted is written at full size exactly as it was looked at; everything else is left out."""

import io

import numpy as np
import pytest
from PIL import Image

from colorize_cli.cli import main
from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from colorize_cli.review.album import make_album
from colorize_cli.review.session import Choices, Session
from tests.cli.conftest import snapshot
from tests.review.conftest import client_of, strokes_png

LOOK = {"model": "gan", "vividness": 0.9, "strength": 0.8}


@pytest.fixture
def client(folder):
    """The page with the bundled model."""
    return client_of(Session(make_album(folder, None), Choices(device="cpu")))


def accept(client, number, **look):
    answer = client.put(f"/api/photos/{number}/decision", json={"state": "accepted", "look": LOOK | look})
    assert answer.status_code == 200, answer.text


def pixels(source):
    return np.asarray(Image.open(source).convert("RGB")).astype(int)


def test_accepted_photos_are_what_was_seen_and_rejected_ones_are_listed(client, folder, tmp_path, capfd):
    client.put("/api/photos/0/strokes", content=strokes_png())
    accept(client, 0)
    accept(client, 2)
    client.put("/api/photos/1/decision", json={"state": "rejected", "note": "blurred"})
    import json

    seen = pixels(io.BytesIO(client.get("/api/photos/0/preview", params={"look": json.dumps(LOOK)}).content))
    final = tmp_path / "final"
    assert main(["--from-review", str(folder / "review.jsonl"), "-o", str(final), "-v"]) == 0
    out = capfd.readouterr()
    assert sorted(path.relative_to(final).as_posix() for path in final.rglob("*.*")) == ["a.png", "album/c.tif"]
    assert "b.jpg" in out.err and "rejected in the review. blurred" in out.err
    assert np.abs(pixels(final / "a.png") - seen).mean() < 2, "the preview differs by its JPEG compression only"
    stated = read_provenance(final / "a.png").parameters
    assert stated["reviewed"].startswith("accepted ") and stated["strokes"] and stated["hints"]
    assert (stated["vividness"], stated["strength"]) == ("0.9", "0.8")
    assert "strokes" not in read_provenance(final / "album" / "c.tif").parameters


def test_running_again_continues_and_never_replaces_unasked(client, folder, tmp_path, capfd):
    accept(client, 0)
    words = ["--from-review", str(folder / "review.jsonl"), "-o", str(tmp_path / "final")]
    assert main([*words, "-q"]) == 0
    before = snapshot(tmp_path / "final")
    assert main([*words, "-q"]) == 2 and "--skip-existing" in capfd.readouterr().err
    assert main([*words, "--skip-existing"]) == 0 and "1 skipped" in capfd.readouterr().err
    assert snapshot(tmp_path / "final") == before


def test_a_scan_or_strokes_that_changed_since_are_refused(client, folder, tmp_path, capfd):
    client.put("/api/photos/2/strokes", content=strokes_png())
    accept(client, 0)
    accept(client, 2)
    Image.new("L", (40, 30), 99).save(folder / "a.png")
    client.put("/api/photos/2/strokes", content=strokes_png(color=(0, 0, 200)))
    words = ["--from-review", str(folder / "review.jsonl"), "-o", str(tmp_path / "final")]
    assert main(words) == 1
    said = capfd.readouterr().err
    assert "changed after it was accepted" in said and "strokes of" in said
    assert not list((tmp_path / "final").rglob("*.png"))


def test_sixteen_bits_and_the_chosen_variant_are_kept(tmp_path):
    scan = (np.linspace(0, 65535, 120 * 160).reshape(120, 160)).astype(np.uint16)
    Image.fromarray(scan).save(tmp_path / "deep.tif")
    client = client_of(Session(make_album(tmp_path, None), Choices(device="cpu")))
    accept(client, 0, variant=3)
    import cv2

    assert main(["--from-review", str(tmp_path / "review.jsonl"), "-o", str(tmp_path / "out"), "-q"]) == 0
    assert cv2.imread(str(tmp_path / "out" / "deep.tif"), cv2.IMREAD_UNCHANGED).dtype == np.uint16
    assert read_provenance(tmp_path / "out" / "deep.tif").parameters["variant"] == "3 of 4"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "x/"], "no review"),
        (["photo.jpg", "-o", "x/"], "Leave out the photos"),
        ([], "-o final/"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, monkeypatch, capfd, words, said):
    monkeypatch.chdir(tmp_path)
    assert main(["--from-review", "none.jsonl", *words]) == 2
    assert said in capfd.readouterr().err


def test_the_page_applies_too_and_replaces_what_it_wrote_before(client, folder):
    assert client.post("/api/apply").status_code == 400, "nothing is accepted yet"

    def applied():
        assert client.post("/api/apply").status_code == 202
        while (progress := client.get("/api/apply").json())["running"]:
            pass
        return progress

    accept(client, 0)
    assert applied()["done"] == 1
    first = (folder / "final" / "a.png").read_bytes()
    accept(client, 0, strength=0.2)
    assert applied()["done"] == 1
    assert (folder / "final" / "a.png").read_bytes() != first
