"""The server: on this machine only, at a free port, until Ctrl-C."""

import contextlib
import socket
import webbrowser
from collections.abc import Callable

import uvicorn

from colorize_cli.errors import UsageProblem
from colorize_cli.review.api import make_app
from colorize_cli.review.security import Guard
from colorize_cli.review.session import Session

ADDRESS = "127.0.0.1"


def serve(session: Session, *, port: int, browser: bool, say: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C; ``port`` 0 is any free one. ``say`` is called with the address.

    Raises :class:`UsageProblem` if the port is in use.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((ADDRESS, port))
        except (OSError, OverflowError) as error:
            raise UsageProblem(f"Port {port} cannot be used: {error}.", "Omit --port to use a free one.") from error
        guard = Guard(make_app(session), listener.getsockname()[1])
        address = f"http://{ADDRESS}:{listener.getsockname()[1]}/?token={guard.token}"
        config = uvicorn.Config(
            guard, log_level="warning", lifespan="off", ws="none", timeout_graceful_shutdown=1, server_header=False
        )
        listener.listen(128)
        # Ctrl-C is the normal end, also before the server handles it.
        with contextlib.suppress(KeyboardInterrupt):
            say(address)
            if browser:
                webbrowser.open(address)
            uvicorn.Server(config).run(sockets=[listener])
