"""The server of the page: on this machine only, at a free port, and only for the browser that opened it.

Every page in the browser and every user of the machine can reach a local server. So a request needs the address of the
server as its ``Host`` (against DNS rebinding), no ``Origin`` except that of the page, and a cookie. Only the printed
address sets the cookie, and only once.
"""

import contextlib
import hmac
import secrets
import socket
import webbrowser
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from colorize_cli.errors import UsageProblem
from colorize_cli.review.api import make_app
from colorize_cli.review.session import Session

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content security policy: the page loads from this server only and can send nothing elsewhere."""
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
_LINK = "Open the address that `colorize review` printed. It works once; for another browser, start the command again."


class Guard:
    """ASGI middleware that accepts only requests of the page; ``port`` is the server's.

    ``token`` is part of the printed address. The first request with it receives the cookie; then it is invalid.
    """

    def __init__(self, app: App, port: int) -> None:
        self._app = app
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.cookie = f"colorize-{port}"
        self.token: str | None = secrets.token_urlsafe(32)
        self._session = secrets.token_urlsafe(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # no web sockets are used
        refusal = self._refusal(Request(scope))

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *added]
            await send(message)

        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, request: Request) -> Response | None:
        """Return the answer to a request that is refused; None if it is allowed."""
        host = request.headers.get("host", "")
        if host not in self._hosts:
            return PlainTextResponse("This server answers to 127.0.0.1 only.", 403)
        origin = request.headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            return PlainTextResponse("Requests from other pages are refused.", 403)
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return PlainTextResponse("Requests from other pages are refused.", 403)
        known = hmac.compare_digest(request.cookies.get(self.cookie, "").encode(), self._session.encode())
        given = parse_qs(request.url.query).get("token", [""])[0]
        if request.url.path == "/" and given:
            return self._exchange(given, known=known)
        return None if known else PlainTextResponse(_LINK, 401)

    def _exchange(self, given: str, *, known: bool) -> Response:
        """Set the cookie in exchange for the token, and redirect to the address without it."""
        right = self.token is not None and hmac.compare_digest(given.encode(), self.token.encode())
        if not right and not known:
            return PlainTextResponse(_LINK, 401)
        answer = RedirectResponse("/", 303)
        if right:
            self.token = None
            answer.set_cookie(self.cookie, self._session, httponly=True, samesite="strict", path="/")
        answer.headers["cache-control"] = "no-store"
        return answer


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
