"""Archives of others are read within bounds, and what is beyond them is named."""

import io
import logging
import zipfile
from pathlib import Path

import pytest

from colorize_cli import archives
from colorize_cli.color_photos import PhotoReader, list_photos
from colorize_cli.errors import UsageProblem
from colorize_cli.evaluation.photo_loop import find_photographs
from colorize_cli.training.data.catalogue import scan
from tests.training.conftest import encoded, picture


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def nested(depth: int) -> bytes:
    data = zipped({"photo.png": encoded(picture(1))})
    for _ in range(depth - 1):
        data = zipped({"inner.zip": data})
    return data


def test_archives_inside_each_other_are_read_to_a_depth(tmp_path):
    (tmp_path / "a.zip").write_bytes(nested(archives.DEEPEST))
    listing = list_photos([tmp_path])
    assert len(listing.photos) == 1 and not listing.unreadable
    assert PhotoReader().read(listing.photos[0]) == encoded(picture(1))
    (tmp_path / "a.zip").write_bytes(nested(archives.DEEPEST + 1))
    listing = list_photos([tmp_path])
    assert not listing.photos
    assert "a.zip!inner.zip" in listing.unreadable[0] and "deep" in listing.unreadable[0]


def test_an_archive_that_unpacks_to_itself_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_NESTED", 30)
    wide = {f"{i}.zip": zipped({f"{j}.zip": nested(1) for j in range(8)}) for i in range(8)}
    (tmp_path / "a.zip").write_bytes(zipped(wide))
    listing = list_photos([tmp_path])
    assert 0 < len(listing.photos) < 30
    assert len(listing.unreadable) + len(listing.photos) > 30
    assert all("30 archives" in line for line in listing.unreadable)


@pytest.mark.parametrize("inside", [False, True])
def test_an_archive_that_unpacks_to_a_thousand_times_its_size_is_refused(tmp_path, monkeypatch, inside):
    monkeypatch.setattr(archives, "RATIO_COUNTS_FROM", 1 << 20)
    bomb = zipped({"a.bmp": bytes(4 << 20)})
    (tmp_path / "a.zip").write_bytes(zipped({"bomb.zip": bomb}, zipfile.ZIP_STORED) if inside else bomb)
    listing = list_photos([tmp_path])
    assert not listing.photos
    assert "as no photographs do" in listing.unreadable[0]
    with pytest.raises(UsageProblem, match="as no photographs do"):
        find_photographs([tmp_path])


def test_an_inner_archive_that_would_fill_the_disk_is_not_copied(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "RATIO_COUNTS_FROM", 1 << 20)
    inner = zipped({"a.bmp": bytes(40 << 20)}, zipfile.ZIP_STORED)
    (tmp_path / "a.zip").write_bytes(zipped({"inner.zip": inner}))
    copied = []
    monkeypatch.setattr(archives.shutil, "copyfileobj", lambda *_: copied.append(1))
    assert "as no photographs do" in list_photos([tmp_path]).unreadable[0]
    monkeypatch.setattr(archives, "MOST_RATIO", 10_000)
    usage = type("Usage", (), {"free": 30 << 20})
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: usage)
    assert "for a copy" in list_photos([tmp_path]).unreadable[0]
    assert not copied


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_MEMBERS", 10)
    (tmp_path / "a.zip").write_bytes(zipped({f"{i}.png": b"x" for i in range(11)}))
    assert "members" in list_photos([tmp_path]).unreadable[0]


def test_a_member_too_large_for_a_photograph_is_left_out_alone(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(archives, "MOST_BYTES", 100_000)
    members = {f"{i}.png": encoded(picture(i)) for i in range(3)} | {"large.bmp": bytes(100_001)}
    (tmp_path / "a.zip").write_bytes(zipped(members))
    found = scan([tmp_path], tmp_path / "cache", 48)
    assert (len(found.items), found.skipped) == (3, {"unreadable": 1})


def test_training_names_the_archives_it_leaves_out(tmp_path, caplog):
    (tmp_path / "good.zip").write_bytes(nested(1))
    (tmp_path / "damaged.zip").write_bytes(nested(1)[:50])
    with caplog.at_level(logging.WARNING, "colorize_cli"):
        scan([tmp_path], tmp_path / "cache", 48)
    assert "damaged.zip" in caplog.text


def test_a_reader_keeps_few_archives_open_and_reads_all(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("colorize_cli.color_photos._OPEN_AT_MOST", 3)
    (tmp_path / "a.zip").write_bytes(zipped({f"{i}.zip": nested(1) for i in range(8)}))
    photos = list_photos([tmp_path]).photos
    reader = PhotoReader()
    for ref in photos * 2:
        assert reader.read(ref) == encoded(picture(1))
    assert len(reader._archives) <= 3
