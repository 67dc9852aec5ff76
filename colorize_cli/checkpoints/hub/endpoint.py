"""``HF_ENDPOINT``: checked without the Hub's client, which fails to import with a damaged one, and never printed."""

from urllib.parse import urlsplit, urlunsplit


def is_address(endpoint: str) -> bool:
    """Return whether ``endpoint`` is an address of a server: ``https://host``, with or without port, name, password."""
    try:
        parts = urlsplit(endpoint)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def without_password(url: str) -> str:
    """Return an address without the name and password that may be in it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the Hub"
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
