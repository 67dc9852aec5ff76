"""Files named like weights that hold something else, as browsers and clones without Git LFS save them."""

from pathlib import Path

from colorize_cli.errors import WeightsInvalid

_HEAD = 512
_PAGE = ("<!doctype", "<html", "<?xml", "<head", "<body", "<error", "<!--")
_POINTER = "version https://git-lfs.github.com/spec/"


def refuse_impostor(path: Path) -> None:
    """Raise :class:`WeightsInvalid`, which says what it is, for text in place of weights; OSError passes."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if b"\0" in head:
        return  # weights of any format have zeros in their first bytes, texts have none
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n").lower()
    if text.startswith(_POINTER):
        raise WeightsInvalid(
            f"{path} is a Git LFS pointer: it only names the weights.",
            "Run `git lfs pull` where you cloned it, or download the file itself.",
        )
    if text.startswith(_PAGE):
        raise WeightsInvalid(
            f"{path} is a web page, not weights.",
            "Download the file itself: copy the address of its download link, not of the page about it.",
        )
    if text.startswith(("{", "[")) and text.isprintable():
        raise WeightsInvalid(
            f"{path} is JSON text, not weights.",
            "It may contain an error message: read it, then download the weights again.",
        )
