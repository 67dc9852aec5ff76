"""What the page can ask for, and what is written when it does."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from colorize_cli.imaging.color import srgb_to_lab
from colorize_cli.review.strokes import is_strokes
from tests.cli.conftest import snapshot
from tests.review.conftest import client_of, new_session, strokes_png


def picture(answer):
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"))


def ab(rgb):
    return srgb_to_lab(rgb.astype(np.float32) / 255)[..., 1:]


def look(**choices):
    return {"look": json.dumps(choices)}


def test_looking_writes_nothing(client, folder):
    before = snapshot(folder)
    for number in range(3):
        assert client.get(f"/api/photos/{number}").status_code == 200
        for what in ("gray", "preview", "confidence", "variant", "thumbnail/gray", "thumbnail/color", "file"):
            assert client.get(f"/api/photos/{number}/{what}").status_code == 200
        assert client.get(f"/api/photos/{number}/strokes").status_code == 204
    assert snapshot(folder) == before


def test_preview_follows_vividness_strength_and_variant(client):
    def chroma(**choices):
        return np.hypot(*ab(picture(client.get("/api/photos/0/preview", params=look(**choices)))).mean((0, 1)))

    assert chroma(strength=0) < 1
    assert chroma(vividness=0) < chroma(vividness=0.4) - 5
    assert chroma(strength=0.5) < chroma() - 5
    one, two = (ab(picture(client.get("/api/photos/0/preview", params=look(variant=n)))).mean() for n in (1, 2))
    assert one > 10 and two < -10


def test_details_say_what_the_model_has_and_has_not(client):
    details = client.get("/api/photos/0").json()
    assert (details["width"], details["height"], details["vividness"], details["variants"]) == (160, 120, 0.5, 4)
    assert {"gan", "regression"} <= {model["name"] for model in details["models"]}
    controls = client.get("/api/photos/0/controls", params=look(model="regression")).json()
    assert controls["vividness"] is None


def test_decisions_survive_a_restart_with_note_parameters_and_hash(client, folder):
    import hashlib

    chosen = {"model": "gan", "vividness": 0.25, "strength": 0.9}
    body = {"state": "accepted", "note": "hat is brown", "look": chosen}
    assert client.put("/api/photos/0/decision", json=body).json()["state"] == "accepted"
    client.put("/api/photos/1/decision", json={"state": "rejected"})
    row = json.loads((folder / "review.jsonl").read_text().splitlines()[0])
    assert row["scan_sha256"] == hashlib.sha256((folder / "a.png").read_bytes()).hexdigest()
    assert row["parameters"]["vividness"] == 0.25 and row["when"] and row["weights_sha256"] == "f" * 64
    again = client_of(new_session(folder))
    states = {shot["name"]: (shot["state"], shot["note"]) for shot in again.get("/api/photos").json()["photos"]}
    assert states == {"a.png": ("accepted", "hat is brown"), "b.jpg": ("rejected", ""), "c.tif": ("open", "")}
    assert again.get("/api/photos/0").json()["look"]["vividness"] == 0.25


def test_a_stroke_recolors_its_area_and_is_kept_beside_the_photo(client, folder):
    before = ab(picture(client.get("/api/photos/0/preview")))
    after = ab(picture(client.put("/api/photos/0/strokes", content=strokes_png())))
    wanted = ab(np.full((1, 1, 3), (200, 60, 50), np.uint8))[0, 0]
    assert np.abs(after[42:58, 22:48].mean((0, 1)) - wanted).max() < 6
    assert np.abs(after[:, 90:] - before[:, 90:]).mean() < 1
    assert is_strokes(folder / "a-hints.png") and read_provenance(folder / "a-hints.png").model == "strokes"
    again = client_of(new_session(folder))
    assert again.get("/api/photos/0").json()["strokes"] is True
    assert len(again.get("/api/photos").json()["photos"]) == 3, "strokes are no photo"
    assert np.abs(ab(picture(again.get("/api/photos/0/preview"))) - after).max() < 0.1


def test_taking_back_the_last_stroke_removes_the_file(client, folder):
    client.put("/api/photos/0/strokes", content=strokes_png())
    client.put("/api/photos/0/strokes", content=strokes_png(box=None))
    assert not (folder / "a-hints.png").exists()


def test_a_picture_of_hints_that_was_made_elsewhere_is_never_replaced(client, folder):
    (folder / "a-hints.png").write_bytes(strokes_png())
    before = (folder / "a-hints.png").read_bytes()
    answer = client.put("/api/photos/0/strokes", content=strokes_png(box=(0, 0, 9, 9)))
    assert answer.status_code == 400 and "not a file of strokes" in answer.json()["message"]
    assert (folder / "a-hints.png").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n broken"])
def test_strokes_that_are_no_picture_are_refused(client, folder, content):
    assert client.put("/api/photos/0/strokes", content=content).status_code == 400
    assert not (folder / "a-hints.png").exists()


def test_a_damaged_photo_shows_its_message_and_the_others_work(folder):
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    client = client_of(new_session(folder))
    shots = {shot["name"]: shot["id"] for shot in client.get("/api/photos").json()["photos"]}
    answer = client.get(f"/api/photos/{shots['bad.png']}/thumbnail/gray")
    assert answer.status_code == 422 and "damaged" in answer.json()["message"]
    assert client.get(f"/api/photos/{shots['a.png']}/thumbnail/color").status_code == 200
    listed = {shot["name"]: shot["problem"] for shot in client.get("/api/photos").json()["photos"]}
    assert "damaged" in listed["bad.png"] and not listed["a.png"]


def test_a_dropped_photo_is_colorized_saved_by_the_browser_and_never_written(client, folder):
    before = snapshot(folder)
    content = (folder / "a.png").read_bytes()
    shot = client.post("/api/photos", content=content, headers={"x-name": "my%20photo.png"}).json()
    assert shot["upload"] and shot["name"] == "my photo.png"
    client.put(f"/api/photos/{shot['id']}/strokes", content=strokes_png())
    answer = client.get(f"/api/photos/{shot['id']}/file")
    assert "my%20photo-color.png" in answer.headers["content-disposition"]
    assert Image.open(io.BytesIO(answer.content)).size == (160, 120)
    assert client.put(f"/api/photos/{shot['id']}/decision", json={"state": "accepted"}).status_code == 400
    assert snapshot(folder) == before


def test_a_dropped_file_that_is_no_photo_is_refused(client):
    for name, content in (("x.txt", b"hello"), ("x.png", b"hello")):
        answer = client.post("/api/photos", content=content, headers={"x-name": name})
        assert answer.status_code == 422 and answer.json()["message"]


def test_tiles_are_the_full_size(tmp_path):
    Image.effect_noise((3000, 2000), 30).save(tmp_path / "large.png", compress_level=1)
    client = client_of(new_session(tmp_path / "large.png"))
    details = client.get("/api/photos/0").json()
    assert details["preview_width"] * details["preview_height"] <= 2_010_000 < details["width"] * details["height"]
    box = {"x": 2900, "y": 100, "w": 400, "h": 50}
    gray = picture(client.get("/api/photos/0/tile", params=box | {"gray": 1}))
    assert gray.shape == (50, 100, 3)
    assert np.abs(gray[..., 0].astype(int) - np.asarray(Image.open(tmp_path / "large.png"))[100:150, 2900:]).mean() < 6
    assert picture(client.get("/api/photos/0/tile", params=box)).shape == (50, 100, 3)
    for wrong in ({"x": -1}, {"w": 5000}, {"x": 3000}, {"h": "x"}):
        assert client.get("/api/photos/0/tile", params=box | wrong).status_code == 400


def test_ten_thousand_photos_are_listed_at_once(tmp_path):
    content = strokes_png(size=(8, 8), box=(0, 0, 8, 8))
    (tmp_path / "many").mkdir()
    for number in range(10_000):
        (tmp_path / "many" / f"{number:05}.png").write_bytes(content)
    client = client_of(new_session(tmp_path / "many"))
    answer = client.get("/api/photos")
    assert len(answer.json()["photos"]) == 10_000 and len(answer.content) < 3_000_000
