"""Files as no program writes them: a sound document with something wrong in it, and plain rubbish."""

import copy
import json
import random
from typing import Any

_ODD: tuple[Any, ...] = (
    *(None, True, -1, 0, 10**30, 1.5, float("nan"), float("inf"), "", "\0", "../..", "\u2028", "x" * 5000, "\ud800"),
    *([], {}, [[]], [None], {"": None}, ["a", 1], {"name": []}),
)
RUBBISH = (
    b"", b"\0\0\0", b"\xff\xfe\xff", b"[" * 50_000, b'{"a":' * 50_000, b"null", b"[]", b"{}", b"7", b'"x"',
    b"\xef\xbb\xbf{}", "{}".encode("utf-16"), b"1" * 5000, b"NaN", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n", b"= = =",
)  # fmt: skip


def mutated(document: Any, seed: int) -> Any:
    """Return a document with one to three values replaced, removed or added, anywhere in it."""
    choose = random.Random(seed)
    found = [copy.deepcopy(document)]
    for _ in range(choose.randint(1, 3)):
        places = list(_places(found))
        holder, key = choose.choice(places[1:] or places)
        action = choose.random()
        if action < 0.7 or holder is found:
            holder[key] = copy.deepcopy(choose.choice(_ODD))
        elif action < 0.9:
            del holder[key]
        elif isinstance(holder, dict):
            holder[choose.choice(["", "format", "x" * 300])] = copy.deepcopy(choose.choice(_ODD))
    return found[0]


def _places(holder: Any) -> Any:
    entries = enumerate(holder) if isinstance(holder, list) else holder.items() if isinstance(holder, dict) else ()
    for key, value in list(entries):
        yield holder, key
        yield from _places(value)


def files(document: Any, count: int) -> list[bytes]:
    """Return rubbish, and this many malformed versions of a document of JSON."""
    return [*RUBBISH, *(json.dumps(mutated(document, seed)).encode() for seed in range(count))]
