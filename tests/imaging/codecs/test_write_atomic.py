import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from colorize_cli import files
from colorize_cli.errors import OutputError, OutputExists
from colorize_cli.files import atomic_file
from colorize_cli.imaging.codecs.read import read_photo
from colorize_cli.imaging.codecs.to_photo import photo_from_array
from colorize_cli.imaging.codecs.write import write_photo
from tests.imaging.samples import PROVENANCE, color, ramp8, saved

SUFFIXES = [".jpg", ".png", ".tif", ".webp", ".bmp", ".ppm", ".jp2"]


def _write(target: Path, **options: object) -> None:
    write_photo(target, color(), photo_from_array(ramp8()), provenance=PROVENANCE, **options)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_that_fills_up_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, code: int
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError) as caught:
        _write(tmp_path / f"a{suffix}")
    assert f"a{suffix}" in str(caught.value) and caught.value.remedy and caught.value.exit_code == 5
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_full_stream_is_an_output_error() -> None:
    with Path("/dev/full").open("wb", buffering=0) as stream, pytest.raises(OutputError):
        write_photo(stream, color(), photo_from_array(ramp8()), provenance=PROVENANCE, format="png")


@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError, MemoryError])
def test_an_interrupt_in_the_middle_leaves_the_old_file_as_it_was(tmp_path: Path, failure: type) -> None:
    target = tmp_path / "a.png"
    target.write_bytes(b"old")
    with pytest.raises(failure), atomic_file(target, overwrite=True) as file:
        file.write(b"half of the new")
        raise failure
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_while_it_is_written_nothing_is_there_that_a_kill_could_leave_behind(tmp_path: Path, overwrite: bool) -> None:
    if files._open_unnamed(tmp_path) is None:
        pytest.skip("this file system has no files without a name")
    with atomic_file(tmp_path / "a.png", overwrite=overwrite) as file:
        file.write(b"x")
        assert list(tmp_path.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == b"x"


def test_without_unnamed_files_only_a_hidden_file_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_open_unnamed", lambda folder: None)
    with atomic_file(tmp_path / "a.png") as file:
        file.write(b"x")
        names = [path.name for path in tmp_path.iterdir()]
        assert len(names) == 1 and names[0].startswith(".")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_nothing_is_overwritten_unless_told(tmp_path: Path) -> None:
    target = tmp_path / "a.png"
    target.write_bytes(b"precious")
    with pytest.raises(OutputExists, match="--overwrite"):
        _write(target)
    assert target.read_bytes() == b"precious"
    _write(target, overwrite=True)
    assert read_photo(target).gray.size


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appears_meanwhile_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:

        def no_links(*args: object, **kwargs: object) -> None:
            raise OSError(errno.EPERM, "no hard links here")

        monkeypatch.setattr(os, "link", no_links)
    target = tmp_path / "a.png"
    with pytest.raises(OutputExists), atomic_file(target) as file:
        file.write(b"ours")
        target.write_bytes(b"theirs")
    assert target.read_bytes() == b"theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_without_hard_links_the_result_still_lands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", lambda *a, **k: (_ for _ in ()).throw(OSError(errno.ENOTSUP, "no")))
    _write(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png").gray.size
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_of_many_writers_of_one_name_exactly_one_wins(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    won: list[int] = []
    ready = threading.Barrier(8)

    def writer(number: int) -> None:
        try:
            with atomic_file(target) as file:
                file.write(b"%d" % number * 1000)
                ready.wait()
            won.append(number)
        except OutputExists:
            pass

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1 and target.read_bytes() == b"%d" % won[0] * 1000
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("kind", ["itself", "symlink", "hard link", "other spelling"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_the_original_is_never_written_to(tmp_path: Path, kind: str, overwrite: bool) -> None:
    original = tmp_path / "scan.png"
    original.write_bytes(saved(ramp8(), "PNG"))
    before = original.read_bytes()
    target = original
    if kind == "symlink":
        target = tmp_path / "link.png"
        target.symlink_to(original)
    elif kind == "hard link":
        target = tmp_path / "link.png"
        target.hardlink_to(original)
    elif kind == "other spelling":
        (tmp_path / "sub").mkdir()
        target = tmp_path / "sub" / ".." / "scan.png"
    with pytest.raises(OutputExists, match=r"original|exists"):
        write_photo(target, color(), read_photo(original), provenance=PROVENANCE, overwrite=overwrite)
    assert original.read_bytes() == before


def test_permissions_follow_the_umask_or_the_file_replaced(tmp_path: Path) -> None:
    previous = os.umask(0o027)
    try:
        _write(tmp_path / "a.png")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o640
    (tmp_path / "a.png").chmod(0o600)
    _write(tmp_path / "a.png", overwrite=True)
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o600


def test_a_missing_folder_is_an_output_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Create the folder"):
        _write(tmp_path / "none" / "a.png")
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError):
        _write(tmp_path / "file" / "a.png")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_an_output_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(OutputError, match="permission"):
            _write(tmp_path / "a.png")
    finally:
        tmp_path.chmod(0o755)


def test_very_long_names_still_work_or_are_named(tmp_path: Path) -> None:
    _write(tmp_path / ("a" * 251 + ".png"))
    with pytest.raises(OutputError, match="shorter name"):
        _write(tmp_path / ("a" * 300 + ".png"))
    assert len(list(tmp_path.iterdir())) == 1


def test_file_names_that_are_not_utf8_work(tmp_path: Path) -> None:
    target = Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xe4r.png"))
    try:
        _write(target)
    except OutputError:
        pytest.skip("this file system takes UTF-8 only")
    assert read_photo(target).gray.size


def test_a_sidecar_of_someone_else_is_not_replaced(tmp_path: Path) -> None:
    sidecar = tmp_path / "a.bmp.xmp"
    sidecar.write_text("my notes")
    with pytest.raises(OutputExists, match="xmp"):
        _write(tmp_path / "a.bmp")
    assert sidecar.read_text() == "my notes" and not (tmp_path / "a.bmp").exists()


def test_a_sidecar_left_over_from_a_lost_result_is_replaced(tmp_path: Path) -> None:
    _write(tmp_path / "a.ppm")
    (tmp_path / "a.ppm").unlink()
    _write(tmp_path / "a.ppm")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.ppm", "a.ppm.xmp"]


def test_no_sidecar_is_left_when_the_result_does_not_land(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = files._move

    def refuse(temporary: Path, target: Path, overwrite: bool) -> None:
        if target.suffix == ".ppm":
            raise OSError(errno.ENOSPC, "full")
        real(temporary, target, overwrite)

    monkeypatch.setattr(files, "_move", refuse)
    with pytest.raises(OutputError):
        _write(tmp_path / "a.ppm")
    assert list(tmp_path.iterdir()) == []


def test_encoding_failures_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from colorize_cli.imaging.codecs import png

    def fail(*strips: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(png, "_filtered", fail)
    with pytest.raises(RuntimeError):
        _write(tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []
