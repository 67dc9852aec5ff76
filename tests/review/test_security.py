"""The server answers this browser and this page only."""

import sys

import pytest
from starlette.testclient import TestClient

from colorize_cli.review.api import MOST_PHOTO, make_app
from colorize_cli.review.server import Guard
from tests.review.conftest import PORT

HOME = f"http://127.0.0.1:{PORT}"


@pytest.fixture
def guard(session):
    return Guard(make_app(session), PORT)


@pytest.fixture
def stranger(guard):
    return TestClient(guard, base_url=HOME, follow_redirects=False)


def test_without_the_token_nothing_is_answered(stranger):
    for path in ("/", "/static/main.js", "/api/photos", "/?token=guess"):
        assert stranger.get(path).status_code == 401


def test_the_token_becomes_a_strict_cookie_of_this_port_and_works_once(guard, stranger):
    address = f"/?token={guard.token}"
    answer = stranger.get(address)
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 303 and answer.headers["location"] == "/"
    assert cookie.startswith(f"colorize-{PORT}=") and "HttpOnly" in cookie and "samesite=strict" in cookie.lower()
    assert stranger.get("/").status_code == 200, "a reload needs no token"
    assert stranger.get("/api/photos").status_code == 200, "nor does a second tab"
    other = TestClient(guard, base_url=HOME, follow_redirects=False)
    assert other.get(address).status_code == 401, "the printed address is spent"


def test_another_host_name_is_refused_even_with_the_cookie(client):
    assert client.get("/api/photos", headers={"host": "evil.example"}).status_code == 403
    assert client.get("/api/photos", headers={"host": f"127.0.0.1:{PORT + 1}"}).status_code == 403
    assert client.get("/api/photos", headers={"host": f"localhost:{PORT}"}).status_code in (200, 401)


@pytest.mark.parametrize(
    "header", [{"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}]
)
def test_another_origin_is_refused_even_with_the_cookie(client, header, session):
    for method, path in (("GET", "/api/photos"), ("PUT", "/api/photos/0/decision"), ("POST", "/api/apply")):
        assert client.request(method, path, json={"state": "accepted"}, headers=header).status_code == 403
    assert not session.album.review_file.exists()


def test_its_own_origin_is_let_in(client):
    assert client.get("/api/photos", headers={"origin": HOME, "sec-fetch-site": "same-origin"}).status_code == 200


def test_every_answer_forbids_other_sources_and_frames(client, stranger):
    for answer in (client.get("/"), client.get("/api/photos"), stranger.get("/")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["..%2fapi.py", "%2e%2e/api.py", "....//api.py", "none.js", "api.py", "."])
def test_only_files_of_the_page_are_served(client, name):
    assert client.get(f"/static/{name}").status_code == 404


def test_photos_are_named_by_number_only(client):
    for path in ("/api/photos/99", "/api/photos/-1", "/api/photos/..%2f..%2fetc%2fpasswd"):
        assert client.get(path).status_code in (400, 404)


def test_uploads_have_a_limit(client, monkeypatch):
    headers = {"x-name": "big.png", "content-length": str(MOST_PHOTO + 1)}
    assert client.post("/api/photos", content=b"x", headers=headers).status_code == 413
    # The module that the server uses, also where another test has imported the package anew.
    monkeypatch.setattr(sys.modules["colorize_cli.review.api"], "MOST_STROKES", 1000)

    def endless():
        for _ in range(100):
            yield b"x" * 100

    answer = client.put("/api/photos/0/strokes", content=endless())
    assert answer.status_code == 413 and "MB" in answer.json()["message"]
