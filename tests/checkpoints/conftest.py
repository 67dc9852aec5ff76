import time

import pytest
from huggingface_hub import constants

from tests.checkpoints.hub_server import serve


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A Hub on this machine, an empty cache and an empty state folder."""
    server, hub = serve()
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    template = "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    # The client waits before it tries again; nothing here needs that.
    monkeypatch.setattr(time, "sleep", lambda _: None)
    yield hub
    server.shutdown()
    server.server_close()
