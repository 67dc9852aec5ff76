"""Pages of PDF files: the stored picture where a page is one, rendered where not, each page with its own result."""

import io
import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorize_cli.errors import NoPicture, PhotoError, PhotoTooLarge, UnsupportedPhoto
from colorize_cli.imaging.codecs.formats import Limits, page_path, split_page
from colorize_cli.imaging.codecs.read import count_pages, read_photo
from tests.cli.conftest import gray_picture, models, run, saturation, snapshot

pytestmark = pytest.mark.skipif(find_spec("pypdfium2") is None, reason="needs pypdfium2")
__all__ = ["models", "run"]

A4 = (595, 842)


def document(*pages: tuple[bytes, dict[str, bytes]], extra: bytes = b"", rotate: int = 0, box: str = "0 0 300 200"):
    """Return a PDF file with these pages: drawing commands, and named image objects (dictionary and stream)."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b""]
    kids = []
    for commands, images in pages:
        named = []
        for name, image in images.items():
            objects.append(image)
            named.append(f"/{name} {len(objects)} 0 R")
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(commands), commands))
        resources = f"<</XObject<<{''.join(named)}>>/Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[{box}]/Rotate {rotate}/Contents {len(objects)} 0 R"
            f"/Resources{resources}>>".encode()
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{' '.join(kids)}]>>".encode()
    body, places = bytearray(b"%PDF-1.7\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj" % number + content + b"endobj\n"
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    body += b"".join(b"%010d 00000 n \n" % place for place in places)
    body += b"trailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, extra, start)
    return bytes(body)


def image(samples: np.ndarray, *, jpeg: bool = False) -> bytes:
    height, width = samples.shape[:2]
    space = "DeviceGray" if samples.ndim == 2 else "DeviceRGB"
    data, filter = samples.astype(samples.dtype.newbyteorder(">")).tobytes(), ""
    if jpeg:
        stream = io.BytesIO()
        Image.fromarray(samples).save(stream, "JPEG", quality=95)
        data, filter = stream.getvalue(), "/Filter/DCTDecode"
    head = (
        f"<</Type/XObject/Subtype/Image/Width {width}/Height {height}/ColorSpace/{space}"
        f"/BitsPerComponent {samples.itemsize * 8}{filter}/Length {len(data)}>>stream\n"
    )
    return head.encode() + data + b"\nendstream"


def scan(samples: np.ndarray, more: bytes = b"", **options: bool) -> tuple[bytes, dict[str, bytes]]:
    return b"q 300 0 0 200 0 0 cm /I Do Q " + more, {"I": image(samples, **options)}


PICTURE = np.asarray(gray_picture(150, 100))


def test_stored_samples_are_read_exactly_whatever_their_depth() -> None:
    for samples in (PICTURE, PICTURE.astype(np.uint16) * 257 + 3):
        photo = read_photo(document(scan(samples)))
        np.testing.assert_array_equal(photo.gray, samples)
        assert (photo.format, photo.depth, photo.notes) == ("PDF", samples.itemsize * 8, ())
        assert photo.metadata.dpi == (36, 36)


def test_stored_jpeg_is_the_one_that_was_put_in() -> None:
    stream = io.BytesIO()
    Image.fromarray(PICTURE).save(stream, "JPEG", quality=95)
    photo = read_photo(document(scan(PICTURE, jpeg=True)))
    np.testing.assert_array_equal(photo.gray, read_photo(stream.getvalue()).gray)
    assert photo.encoding.quality == 95


def test_inverted_pictures_are_read_as_they_are_shown() -> None:
    inverted = image(PICTURE, jpeg=True).replace(b"/ColorSpace", b"/Decode[1 0]/ColorSpace")
    gray = read_photo(document((scan(PICTURE)[0], {"I": inverted}))).gray
    assert np.abs((255 - gray).astype(int) - PICTURE).mean() < 3


def test_files_of_pillow_are_read_page_by_page(tmp_path: Path) -> None:
    pages = [gray_picture(120, 90, seed) for seed in range(3)]
    pages[0].save(tmp_path / "a.pdf", save_all=True, append_images=pages[1:])
    assert count_pages(tmp_path / "a.pdf") == 3
    for number, page in enumerate(pages):
        photo = read_photo(page_path(tmp_path / "a.pdf", number))
        assert (photo.page, photo.pages) == (number, 3)
        assert np.abs(photo.gray.astype(int) - np.asarray(page)).mean() < 6


def test_invisible_text_does_not_count_and_visible_text_does() -> None:
    hidden = read_photo(document(scan(PICTURE, b"BT 3 Tr /F 30 Tf 20 90 Td (words) Tj ET")))
    np.testing.assert_array_equal(hidden.gray, PICTURE)
    shown = read_photo(document(scan(PICTURE, b"BT 0 Tr 1 g /F 60 Tf 20 90 Td (WORDS) Tj ET")))
    assert any("several parts" in note for note in shown.notes)
    assert shown.gray.shape == PICTURE.shape
    eight = shown.gray if shown.gray.dtype == np.uint8 else shown.gray // 257
    assert (np.abs(eight.astype(int) - PICTURE) > 40).mean() > 0.02


def test_pages_of_several_pictures_are_rendered_at_the_finest_resolution() -> None:
    half = {"A": image(PICTURE[:, :75]), "B": image(np.kron(PICTURE[:, 75:], np.ones((2, 2), np.uint8)))}
    photo = read_photo(document((b"q 150 0 0 200 0 0 cm /A Do Q q 150 0 0 200 150 0 cm /B Do Q", half)))
    assert photo.gray.shape == (200, 300)
    assert any("72 pixels per inch" in note for note in photo.notes)
    eight = photo.gray if photo.gray.dtype == np.uint8 else photo.gray // 257
    assert np.abs(eight[::2, ::2].astype(int) - PICTURE).mean() < 6


@pytest.mark.parametrize(("rotate", "turns"), [(90, -1), (180, 2), (270, 1)])
def test_turned_pages_are_upright(rotate: int, turns: int) -> None:
    photo = read_photo(document(scan(PICTURE), rotate=rotate))
    np.testing.assert_array_equal(photo.gray, np.rot90(PICTURE, turns))
    flipped = read_photo(document((b"q -300 0 0 200 300 0 cm /I Do Q", {"I": image(PICTURE)})))
    eight = flipped.gray if flipped.gray.dtype == np.uint8 else flipped.gray // 257
    assert np.abs(eight.astype(int) - PICTURE[:, ::-1]).mean() < 4


def test_pages_without_a_picture_passwords_and_damage_are_typed_errors() -> None:
    with pytest.raises(NoPicture, match="shows no picture"):
        read_photo(document((b"BT /F 30 Tf 20 90 Td (words) Tj ET", {})))
    locked = b"/Encrypt<</Filter/Standard/V 1/R 2/P -44/O(%s)/U(%s)>>/ID[(a)(a)]" % (b"x" * 32, b"y" * 32)
    with pytest.raises(UnsupportedPhoto, match="password"):
        read_photo(document(scan(PICTURE), extra=locked))
    data = document(scan(PICTURE))
    for cut in (8, 60, len(data) // 2):
        with pytest.raises(PhotoError):
            read_photo(data[:cut])


def test_pixels_are_bounded_before_they_are_rendered() -> None:
    with pytest.raises(PhotoTooLarge, match="150 x 100"):
        read_photo(document(scan(PICTURE)), max_megapixels=0.001)
    with pytest.raises(PhotoTooLarge):
        read_photo(document(scan(PICTURE), box="0 0 1000000 1000000"))


def test_pages_are_named_as_in_addresses() -> None:
    assert page_path(Path("a/b.pdf"), 1) == Path("a/b.pdf#page=2")
    assert split_page(Path("a/b.pdf#page=2")) == (Path("a/b.pdf"), 1)
    assert split_page(Path("a/b.jpg#page=2")) == (Path("a/b.jpg#page=2"), None)


def write_album(path: str, pages: int = 3) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    words = (b"BT /F 30 Tf 20 90 Td (words) Tj ET", {})
    Path(path).write_bytes(document(*[scan(np.asarray(gray_picture(60, 40, n))) for n in range(pages)], words))


def test_every_page_is_counted_and_has_its_result(run) -> None:
    write_album("scans/deep/album.pdf")
    gray_picture().save("scans/photo.jpg")
    before = snapshot("scans")
    result = run("scans", "-o", "out", "--report", "r.jsonl", "--json")
    assert result.exit_code == 0, result.stderr
    assert sorted(snapshot("out")) == [*(f"out/deep/album-{n:04d}.png" for n in (1, 2, 3)), "out/photo.jpg"]
    assert all(saturation(f"out/deep/album-{n:04d}.png") > 5 for n in (1, 2, 3))
    rows = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert sorted((row["input"], row["status"]) for row in rows) == [
        *((f"scans/deep/album.pdf#page={n}", "done") for n in (1, 2, 3)),
        ("scans/deep/album.pdf#page=4", "skipped"),
        ("scans/photo.jpg", "done"),
    ]
    assert snapshot("scans") == before
    again = run("scans", "-o", "out", "--skip-existing", "--json")
    assert '"done": 0, "skipped": 5' in again.stdout


def test_one_page_can_be_named_and_retried(run, models) -> None:
    write_album("album.pdf")
    assert run("album.pdf#page=2", "-o", "two.png").exit_code == 0
    assert sorted(path.name for path in Path().iterdir()) == ["album.pdf", "two-0002.png"]
    rows = [{"input": "album.pdf#page=3", "output": None, "status": "failed", "target": "out/album-0003.png"}]
    Path("r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run("--retry", "r.jsonl", "-o", "out").exit_code == 0
    assert sorted(snapshot("out")) == ["out/album-0003.png"]
    assert run("album.pdf#page=9", "-o", "nine.png").exit_code == 1
    assert run("gone.pdf#page=1").exit_code == 2


def test_standard_output_takes_one_page(run) -> None:
    write_album("album.pdf")
    result = run("album.pdf", "-o", "-")
    assert result.exit_code == 2 and "several pages" in result.stderr
    assert run("album.pdf#page=1", "-o", "-").stdout_bytes[:4] == b"\x89PNG"


def test_damaged_documents_and_those_of_too_many_pages_fail_by_name(run) -> None:
    write_album("scans/album.pdf")
    Path("scans/broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    result = run("scans", "-o", "out", "--max-pages", "3")
    assert result.exit_code == 1
    assert "album.pdf has more than 3 pages" in result.stderr and "broken.pdf is damaged" in result.stderr
    with pytest.raises(PhotoTooLarge, match="--max-pages"):
        count_pages(Path("scans/album.pdf"), limits=Limits(pages=2))
