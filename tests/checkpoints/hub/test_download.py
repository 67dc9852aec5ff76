"""The real Hub client against a local server: what arrives, what is refused, and what is said."""

import errno
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import constants

from colorize_cli import registry
from colorize_cli.checkpoints.hub import download as client
from colorize_cli.checkpoints.hub import pins
from colorize_cli.entry import HubFile
from colorize_cli.errors import (
    AccessDenied,
    CacheNotWritable,
    HubError,
    LicenceNotAccepted,
    NoNetwork,
    NotCached,
    NotOnHub,
    TruncatedDownload,
    UsageProblem,
    WrongHash,
)
from tests.checkpoints.hub_server import COMMIT, SECOND_COMMIT, Repo

DATA = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(DATA).hexdigest()
FILE = HubFile("owner/model", "weights.bin", COMMIT, SHA256, len(DATA), "apache-2.0")
UNKNOWN = HubFile("owner/model", "weights.bin")


@pytest.fixture(autouse=True)
def published(hub):
    hub.repos["owner/model"] = Repo({"weights.bin": DATA})
    return hub.repos["owner/model"]


def test_a_file_is_fetched_once_and_then_taken_from_the_cache(hub):
    path = client.fetch(FILE)
    assert path.read_bytes() == DATA
    assert path == client.cached_path(FILE)
    hub.asked.clear()
    assert client.fetch(FILE) == path
    assert client.fetch(FILE, offline=True) == path
    assert not hub.asked


def test_a_connection_cut_in_the_middle_is_resumed_where_it_broke(hub, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 50_000)
    hub.cut_after = [300_000, 200_000]
    assert client.fetch(FILE).read_bytes() == DATA
    spans = [span for _, span in hub.downloads()]
    assert len(spans) == 3
    assert spans[0] == ""
    starts = [int(span.removeprefix("bytes=").rstrip("-")) for span in spans[1:]]
    assert 0 < starts[0] < starts[1] < len(DATA)


def test_a_connection_that_never_holds_is_a_truncated_download(hub):
    hub.cut_after = [0] * 50
    with pytest.raises(TruncatedDownload, match="Try again"):
        client.fetch(FILE)
    assert client.cached_path(FILE) is None


def test_a_file_shorter_than_announced_is_refused(hub):
    hub.short = 1000
    with pytest.raises(TruncatedDownload):
        client.fetch(FILE)
    assert client.cached_path(FILE) is None


def test_a_file_shorter_than_the_registry_says_is_moved_aside(hub, published):
    published.files["weights.bin"] = DATA[:-10]
    with pytest.raises(TruncatedDownload, match="moved aside"):
        client.fetch(FILE)
    assert client.cached_path(FILE) is None


def test_a_wrong_file_is_moved_aside_and_never_used(hub, tmp_path):
    hub.corrupt = True
    with pytest.raises(WrongHash) as caught:
        client.fetch(FILE)
    assert SHA256[:16] in str(caught.value)
    assert client.cached_path(FILE) is None
    (aside,) = (tmp_path / "cache").rglob("quarantine/*")
    assert str(aside) in str(caught.value)
    assert aside.read_bytes() != DATA
    with pytest.raises(NotCached):
        client.fetch(FILE, offline=True)
    hub.corrupt = False
    assert client.fetch(FILE).read_bytes() == DATA


def test_a_file_that_changes_in_the_cache_is_noticed_at_its_next_use(hub):
    path = client.fetch(FILE)
    path.resolve().chmod(0o644)
    path.resolve().write_bytes(DATA[:-1] + b"?")
    with pytest.raises(WrongHash):
        client.fetch(FILE, offline=True)


def test_an_unknown_hash_must_be_the_one_the_hub_announces(hub):
    hub.corrupt = True
    with pytest.raises(WrongHash):
        client.fetch(UNKNOWN)
    assert pins.pin_of(UNKNOWN) is None


def test_an_unknown_hash_is_pinned_at_the_first_download(hub, published):
    path = client.fetch(UNKNOWN)
    assert pins.pin_of(UNKNOWN) == pins.Pin(COMMIT, SHA256, len(DATA), "apache-2.0")
    published.files["weights.bin"], published.commit = b"something newer", SECOND_COMMIT
    assert client.fetch(UNKNOWN) == path
    following = replace(UNKNOWN, revision="main")
    assert client.fetch(following).read_bytes() == b"something newer"


def test_a_pinned_commit_with_other_bytes_is_refused(hub, published):
    client.fetch(UNKNOWN)
    assert client.remove(UNKNOWN) == len(DATA)
    published.files["weights.bin"] = b"same commit, other bytes"
    with pytest.raises(WrongHash):
        client.fetch(UNKNOWN)


def test_a_removed_file_is_gone_from_the_cache(hub):
    client.fetch(FILE)
    assert client.remove(FILE) == len(DATA)
    assert client.cached_path(FILE) is None
    assert client.remove(FILE) == 0


def test_no_network(hub, monkeypatch):
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/{revision}/{filename}")
    with pytest.raises(NoNetwork, match="HF_ENDPOINT"):
        client.fetch(FILE)


def test_an_endpoint_that_is_no_hub(hub):
    hub.cdn = hub.url  # its redirect ends where no commit is told
    with pytest.raises(HubError, match="HF_ENDPOINT"):
        client.fetch(FILE)


@pytest.mark.parametrize("status", [500, 503])
def test_a_hub_that_is_down(hub, status):
    hub.status = status
    with pytest.raises(NoNetwork, match=r"later|answer"):
        client.fetch(FILE)


@pytest.mark.parametrize("by", ["option", "environment"])
def test_offline_and_not_cached(hub, monkeypatch, by):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", by == "environment")
    with pytest.raises(NotCached, match="--offline"):
        client.fetch(FILE, offline=by == "option")
    assert not hub.asked


def test_a_private_repository_needs_its_token(hub, published, monkeypatch):
    published.token = "hf_right"
    with pytest.raises(AccessDenied, match=r"401.*HF_TOKEN"):
        client.fetch(FILE)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(AccessDenied, match=r"403.*HF_TOKEN"):
        client.fetch(FILE)
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    hub.asked.clear()
    hub.tokens.clear()
    assert client.fetch(FILE).read_bytes() == DATA
    assert {path[:4]: token for (_, path, _), token in zip(hub.asked, hub.tokens, strict=True)} == {
        "/own": "Bearer hf_right",
        "/cdn": "",
    }


def test_a_gated_repository_asks_for_agreement(hub, published):
    published.gated, published.token = True, "hf_right"
    with pytest.raises(AccessDenied, match="gated"):
        client.fetch(FILE)


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (replace(FILE, repo="owner/nothing"), "no such repository"),
        (replace(FILE, file="nothing.bin"), "no such file"),
        (replace(FILE, revision="v9"), "no such revision"),
    ],
)
def test_what_is_not_on_the_hub_is_named(hub, file, says):
    with pytest.raises(NotOnHub, match=rf"{says}.*404"):
        client.fetch(file)


@pytest.mark.parametrize(("code", "says"), [(errno.ENOSPC, "full"), (errno.EROFS, "not writable")])
def test_a_cache_that_cannot_take_the_file(hub, monkeypatch, code, says):
    def write(*_, **__):
        raise OSError(code, "as if")

    monkeypatch.setattr("huggingface_hub.file_download.http_get", write)
    with pytest.raises(CacheNotWritable, match=rf"{says}.*HF_HOME"):
        client.fetch(FILE)


def test_non_commercial_weights_need_agreement_once(hub, published):
    published.licence = "cc-by-nc-4.0"
    with pytest.raises(LicenceNotAccepted, match=r"cc-by-nc-4\.0.*--accept-license"):
        client.fetch(UNKNOWN)
    assert not hub.downloads()
    client.fetch(UNKNOWN, accept_license=True)
    assert client.fetch(UNKNOWN).read_bytes() == DATA


@pytest.mark.parametrize(("licence", "expected"), [("cc-by-nc-4.0", True), ("apache-2.0", False), ("", False)])
def test_non_commercial_licences_are_recognized(licence, expected):
    assert client.non_commercial(licence) is expected


def test_every_failure_ends_with_exit_code_3():
    def below(kind):
        return {kind}.union(*(below(k) for k in kind.__subclasses__()))

    assert {kind.exit_code for kind in below(HubError)} == {3}


def test_references_are_parsed():
    assert client.parse_reference("hf://o/r.x/a/b.bin@v1") == HubFile("o/r.x", "a/b.bin", "v1")
    assert client.parse_reference("hf://o/r/b.bin") == HubFile("o/r", "b.bin", None)
    for wrong in ("hf://o/r", "hf://o//b.bin", "hf://b.bin", "hf://o/r/b@", "http://o/r/b"):
        with pytest.raises(UsageProblem, match="owner/repo/file@revision"):
            client.parse_reference(wrong)


@pytest.mark.parametrize("entry", [e for e in registry.ENTRIES.values() if e.hub], ids=lambda e: e.name)
def test_published_checkpoints_are_pinned_by_hash(entry):
    for file in entry.hub.values():
        assert file.sha256 is not None
        assert len(file.sha256) == 64
        assert file.licence
        assert Path(file.file).suffix in (".bin", ".pth", ".safetensors")
