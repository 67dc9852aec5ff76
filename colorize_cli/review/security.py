"""Who may talk to the server: this browser, from this page, with the token that was printed.

A local server is reachable by every page that the browser shows, and by every user of the machine. So a request needs
the address of the server as its ``Host`` (against DNS rebinding), no ``Origin`` but that of the page, and a cookie that
only the printed address gives, once.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content security policy: everything comes from this server, and nothing can be sent anywhere else."""
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
_LINK = "Open the address that `colorize review` printed. It works once: in another browser, start it again."


class Guard:
    """ASGI middleware that lets in what comes from the page; ``port`` is that of the server.

    ``token`` is what the printed address holds. The first request that brings it gets the cookie, and the token is
    spent.
    """

    def __init__(self, app: App, port: int) -> None:
        self._app = app
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.cookie = f"colorize-{port}"
        self.token: str | None = secrets.token_urlsafe(32)
        self._session = secrets.token_urlsafe(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # there are no web sockets
        refusal = self._refusal(Request(scope))

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *added]
            await send(message)

        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, request: Request) -> Response | None:
        """Return the answer to a request that goes no further; None where it may."""
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
        """Give the cookie for the token, and lead to the address without it."""
        right = self.token is not None and hmac.compare_digest(given.encode(), self.token.encode())
        if not right and not known:
            return PlainTextResponse(_LINK, 401)
        answer = RedirectResponse("/", 303)
        if right:
            self.token = None
            answer.set_cookie(self.cookie, self._session, httponly=True, samesite="strict", path="/")
        answer.headers["cache-control"] = "no-store"
        return answer
