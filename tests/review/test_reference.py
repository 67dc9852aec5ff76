"""A reference chosen on the page: its colors are seen, recorded and applied, and only files of the review are read."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from colorize_cli.cli import main
from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from colorize_cli.review.album import make_album
from colorize_cli.review.references import FOLDER
from colorize_cli.review.session import Choices, Session
from tests.review.conftest import client_of, strokes_png


@pytest.fixture
def roll(tmp_path):
    """A scan, and a color photo of the same place in strange colors in the same folder and elsewhere."""
    whole = np.asarray(load_sample_image("china.jpg"))
    home = tmp_path / "scans"
    home.mkdir()
    Image.fromarray(whole[27:, 80:]).convert("L").resize((280, 200)).save(home / "b.png")
    Image.fromarray(whole[:400, :560, [2, 0, 1]]).save(home / "a.png")
    Image.fromarray(whole[:400, :560, [1, 2, 0]]).save(tmp_path / "green.png")
    Image.fromarray(np.asarray(load_sample_image("flower.jpg"))).save(tmp_path / "flower.png")
    return home


@pytest.fixture
def client(roll):
    """The page with the bundled model."""
    return client_of(Session(make_album(roll, None), Choices(device="cpu")))


def preview(client, reference="", **look):
    answer = client.get("/api/photos/1/preview", params={"look": json.dumps({"reference": reference} | look)})
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB")).astype(int), answer.headers


def sent(client, path):
    answer = client.post("/api/references", content=path.read_bytes(), headers={"x-name": path.name})
    assert answer.status_code == 201, answer.text
    return answer.json()["reference"]


def test_a_photo_of_the_album_guides_another_and_the_page_hears_how_well_it_fits(client):
    assert [row["colored"] for row in client.get("/api/photos").json()["photos"]] == [False, False]
    client.get("/api/photos/0/thumbnail/gray")  # reading it shows that it is in color
    assert client.get("/api/photos").json()["photos"][0]["colored"]
    chosen = client.post("/api/photos/0/reference").json()
    assert chosen["name"] == "a.png"
    plain, headers = preview(client)
    assert "x-reference-match" not in headers
    guided, headers = preview(client, chosen["reference"])
    assert headers["x-reference-used"] == "1" and float(headers["x-reference-match"]) > 0.2
    assert np.abs(guided - plain).mean() > 5


def test_a_reference_that_shows_other_things_is_said_not_to_be_used(client, tmp_path):
    reference = sent(client, tmp_path / "flower.png")
    same, headers = preview(client, reference)
    assert headers["x-reference-used"] == "0"
    assert np.array_equal(same, preview(client)[0])


def test_what_was_accepted_with_a_sent_reference_is_applied_after_a_restart(client, roll, tmp_path):
    reference = sent(client, tmp_path / "green.png")
    assert not (roll / FOLDER).exists(), "looking writes nothing"
    client.put("/api/photos/1/strokes", content=strokes_png(size=(280, 200)))
    seen, _ = preview(client, reference)
    decision = {"state": "accepted", "look": {"model": "gan", "reference": reference}}
    assert client.put("/api/photos/1/decision", json=decision).status_code == 200
    row = json.loads((roll / "review.jsonl").read_text())
    assert row["parameters"]["reference"] == reference and row["reference"].startswith(FOLDER)
    again = client_of(Session(make_album(roll, None), Choices(device="cpu")))
    details = again.get("/api/photos/1").json()
    assert (details["look"]["reference"], details["reference"]) == (reference, "green.png")
    assert len(again.get("/api/photos").json()["photos"]) == 2, "the kept reference is no photo of the album"
    assert main(["--from-review", str(roll / "review.jsonl"), "-o", str(tmp_path / "final"), "-q"]) == 0
    final = np.asarray(Image.open(tmp_path / "final" / "b.png").convert("RGB")).astype(int)
    assert np.abs(final - seen).mean() < 3, "the preview differs by its JPEG compression only"
    stated = read_provenance(tmp_path / "final" / "b.png").parameters
    assert stated["reference"] == f"green.png, sha256 {reference}" and stated["strokes"]


def test_a_reference_that_changed_since_is_refused(client, roll, tmp_path, capfd):
    reference = client.post("/api/photos/0/reference").json()["reference"]
    decision = {"state": "accepted", "look": {"model": "gan", "reference": reference}}
    assert client.put("/api/photos/1/decision", json=decision).status_code == 200
    (roll / "a.png").write_bytes((tmp_path / "green.png").read_bytes())
    assert main(["--from-review", str(roll / "review.jsonl"), "-o", str(tmp_path / "final")]) == 1
    assert "reference of" in capfd.readouterr().err and not list((tmp_path / "final").glob("*"))


def test_a_reference_is_named_by_what_the_server_knows_only(client, roll, tmp_path):
    for name in (str(tmp_path / "green.png"), "0" * 64, "../green.png"):
        answer = client.get("/api/photos/1/preview", params={"look": json.dumps({"reference": name})})
        assert answer.status_code == 400 and "Choose it again" in answer.json()["remedy"]
    assert client.post("/api/references", content=b"none", headers={"x-name": "x.png"}).status_code == 422
    gray = io.BytesIO()
    Image.new("L", (60, 40), 90).save(gray, "PNG")
    assert client.post("/api/references", content=gray.getvalue()).status_code == 400
    answer = client.post("/api/photos/1/reference")
    assert answer.status_code == 400 and "no colors" in answer.json()["message"]
    sent_name = client.post(
        "/api/references", content=(tmp_path / "green.png").read_bytes(), headers={"x-name": "../../e.png"}
    )
    assert sent_name.json()["name"] == "e.png"
    assert not any(path.name == "e.png" for path in Path(tmp_path).rglob("*"))


def test_from_review_takes_no_reference_of_its_own(client, roll, tmp_path, capfd):
    client.put("/api/photos/1/decision", json={"state": "accepted", "look": {"model": "gan"}})
    words = ["--from-review", str(roll / "review.jsonl"), "-o", str(tmp_path / "final")]
    assert main([*words, "--reference", str(tmp_path / "green.png")]) == 2
    assert "no effect" in capfd.readouterr().err
