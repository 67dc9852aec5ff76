"""Text of others, names of files above all, as it may be shown."""


def printable(text: str, *, lines: bool = False) -> str:
    """Return ``text`` with what a terminal would obey or cannot show (control characters, broken UTF-8) escaped.

    Newlines too, since one in the name of a file would begin a message of its own; ``lines`` keeps them.
    """
    kept = "\n" if lines else ""
    return "".join(c if c.isprintable() or c in kept else c.encode("unicode_escape").decode("ascii") for c in text)
