"""Small pictures for the grid, kept in memory up to a limit; the least recently used are removed first."""

import threading
from collections import OrderedDict

MOST_BYTES = 128 << 20


class Thumbnails:
    """JPEG files by key. Thread-safe."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._held = most_bytes, 0
        self._lock = threading.Lock()
        self._files: OrderedDict[tuple[int, str], bytes] = OrderedDict()

    def get(self, key: tuple[int, str]) -> bytes | None:
        """Return the stored picture of a photo and a kind, if any."""
        with self._lock:
            found = self._files.get(key)
            if found is not None:
                self._files.move_to_end(key)
            return found

    def put(self, key: tuple[int, str], content: bytes) -> None:
        """Store a file; the least recently used ones are removed to make room."""
        with self._lock:
            self._held += len(content) - len(self._files.pop(key, b""))
            self._files[key] = content
            while self._held > self._most and len(self._files) > 1:
                self._held -= len(self._files.popitem(last=False)[1])
