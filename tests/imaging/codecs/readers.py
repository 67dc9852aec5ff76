"""Reading as on a machine without the extra ``formats``."""

from collections.abc import Iterator

import pytest

from colorize_cli.imaging.codecs.extra import decode_extra


@pytest.fixture
def no_readers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(decode_extra.importlib.util, "find_spec", lambda name: None)
    decode_extra.has_reader.cache_clear()
    yield
    decode_extra.has_reader.cache_clear()
