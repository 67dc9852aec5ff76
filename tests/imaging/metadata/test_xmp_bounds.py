"""Packets that would cost the photograph, the memory or the time: they are left out, with a note."""

import time
from pathlib import Path

import numpy as np
import pytest

from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.codecs.stored_xmp import read_provenance
from colorize_cli.imaging.codecs.write import write_photo
from colorize_cli.imaging.metadata.xmp import build_xmp, parse_xmp
from tests.imaging.metadata.test_orientation import SUFFIXES, packet, scan
from tests.imaging.samples import PROVENANCE


def _wrapped(inner: str) -> bytes:
    return packet(None, more=inner)


DEEP = _wrapped("<a>" * 4000 + "</a>" * 4000)
MANY = _wrapped("<a/>" * 30_000)
HUGE = _wrapped("<a>" + "x" * (5 << 20) + "</a>")
_LAUGHS = '<!DOCTYPE r [<!ENTITY a "x"><!ENTITY b "&a;&a;">]>'
ENTITIES = _LAUGHS.encode() + packet(None)
UTF_16 = ('<?xml version="1.0" encoding="utf-16"?>' + _LAUGHS + packet(None, more="<a>&b;</a>").decode()).encode(
    "utf-16"
)


@pytest.mark.parametrize("xmp", [DEEP, MANY, HUGE, ENTITIES, UTF_16], ids=["deep", "many", "huge", "entities", "utf16"])
def test_packet_beyond_all_reason_is_not_parsed(xmp: bytes) -> None:
    started = time.monotonic()
    assert parse_xmp(xmp) is None
    assert b"colorize" in build_xmp(xmp, PROVENANCE)
    assert time.monotonic() - started < 5


def test_packet_in_utf_16_is_read() -> None:
    text = '<?xml version="1.0" encoding="utf-16"?>' + packet(6).decode()
    assert parse_xmp(text.encode("utf-16")) is not None


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_deeply_nested_packet_does_not_cost_the_photo(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(scan(suffix, DEEP, None))
    assert read_provenance(path) is None
    like = read_photo(path)
    target = tmp_path / f"b{suffix}"
    written = write_photo(target, np.repeat(like.gray[..., None], 3, axis=2), like, provenance=PROVENANCE)
    assert any("XMP packet is damaged" in note for note in written.notes)
    assert read_provenance(target) == PROVENANCE
