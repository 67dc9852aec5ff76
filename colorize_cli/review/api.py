"""The requests of the page: they name photographs by number, never by path.

Responses are JPEG files for pictures and JSON for everything else. A failure is a response with message and remedy.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Any
from urllib.parse import quote, unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from colorize_cli.errors import ColorizeError, OutputError, PhotoError, UsageProblem
from colorize_cli.files import parse_json
from colorize_cli.review.album import Shot
from colorize_cli.review.apply import Applying
from colorize_cli.review.decisions import Look
from colorize_cli.review.predictor import saved_file
from colorize_cli.review.session import Session

MOST_STROKES = 8 << 20
MOST_PHOTO = 200 << 20
MOST_JSON = 64 << 10
"""Maximum size of each kind of request, in bytes."""
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_STATES = ("open", "accepted", "rejected")

Handler = Callable[[Request], Awaitable[Response]]


class TooLarge(UsageProblem):
    """A request is larger than its kind allows."""


def make_app(session: Session) -> Starlette:
    """Return the application of one session; wrap it in :class:`~colorize_cli.review.server.Guard`."""
    api = _Api(session)
    routes = [
        Route("/", _static("index.html")),
        Route("/static/{name}", _static_by_name),
        Route("/api/photos", api.listing),
        Route("/api/photos", api.upload, methods=["POST"]),
        Route("/api/photos/{id:int}", api.details),
        Route("/api/photos/{id:int}/controls", api.controls),
        Route("/api/photos/{id:int}/thumbnail/{kind}", api.thumbnail),
        Route("/api/photos/{id:int}/gray", api.gray),
        Route("/api/photos/{id:int}/preview", api.preview),
        Route("/api/photos/{id:int}/variant", api.variant),
        Route("/api/photos/{id:int}/confidence", api.confidence),
        Route("/api/photos/{id:int}/tile", api.tile),
        Route("/api/photos/{id:int}/strokes", api.strokes),
        Route("/api/photos/{id:int}/strokes", api.paint, methods=["PUT"]),
        Route("/api/photos/{id:int}/decision", api.decide, methods=["PUT"]),
        Route("/api/photos/{id:int}/file", api.file),
        Route("/api/references", api.send_reference, methods=["POST"]),
        Route("/api/photos/{id:int}/reference", api.choose_reference, methods=["POST"]),
        Route("/api/apply", api.apply, methods=["POST"]),
        Route("/api/apply", api.applied),
    ]
    return Starlette(routes=routes, exception_handlers={ColorizeError: _failed, ClientDisconnect: _gone})


class _Api:
    """The request handlers; each works in a thread, so that the page stays responsive while a network runs."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._applying = Applying(session)

    async def listing(self, request: Request) -> Response:
        session = self._session
        rows = await run_in_threadpool(session.listing)
        return JSONResponse({"photos": rows, "home": str(session.album.home), "final": str(session.album.final)})

    async def details(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._session.details, self._shot(request)))

    async def controls(self, request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._session.controls, _look(request)))

    async def thumbnail(self, request: Request) -> Response:
        shot, kind = self._shot(request), request.path_params["kind"]
        if kind not in ("gray", "color"):
            raise UsageProblem(f"There is no thumbnail {kind!r}.")
        content = await run_in_threadpool(self._session.thumbnail, shot, kind)
        row = self._session.row(shot)
        return _jpeg(content, {"x-confidence": f"{row['confidence']:.4f}"} if row["confidence"] is not None else {})

    async def gray(self, request: Request) -> Response:
        return _jpeg(await run_in_threadpool(self._session.gray, self._shot(request)))

    async def preview(self, request: Request) -> Response:
        return await self._preview(self._shot(request), _look(request))

    async def variant(self, request: Request) -> Response:
        return _jpeg(await run_in_threadpool(self._session.small_preview, self._shot(request), _look(request)))

    async def confidence(self, request: Request) -> Response:
        content, mean = await run_in_threadpool(self._session.confidence, self._shot(request), _look(request))
        return _jpeg(content, {"x-confidence": f"{mean:.4f}"})

    async def tile(self, request: Request) -> Response:
        look = None if request.query_params.get("gray") else _look(request)
        try:
            left, top, width, height = (int(request.query_params[name]) for name in ("x", "y", "w", "h"))
        except (KeyError, ValueError) as error:
            raise UsageProblem("A part of a picture needs x, y, w and h.") from error
        box = (left, top, width, height)
        return _jpeg(await run_in_threadpool(self._session.tile, self._shot(request), look, box))

    async def strokes(self, request: Request) -> Response:
        found = await run_in_threadpool(self._session.strokes, self._shot(request))
        return Response(status_code=204) if found is None else Response(found[0], media_type="image/png")

    async def paint(self, request: Request) -> Response:
        """Save the strokes, and respond with the new preview."""
        shot, look = self._shot(request), _look(request)
        content = await _body(request, MOST_STROKES)
        await run_in_threadpool(self._session.paint, shot, content)
        return await self._preview(shot, look)

    async def _preview(self, shot: Shot, look: Look) -> Response:
        """Answer with the preview, and say in headers how well the reference fits."""
        content = await run_in_threadpool(self._session.preview, shot, look)
        return _jpeg(content, await run_in_threadpool(self._session.guidance, shot, look))

    async def decide(self, request: Request) -> Response:
        shot = self._shot(request)
        asked = _json(await _body(request, MOST_JSON))
        state, note = asked.get("state"), str(asked.get("note", ""))
        if state not in _STATES:
            raise UsageProblem(f"The state of a photo is one of {', '.join(_STATES)}, not {state!r}.")
        look = Look.from_json(asked["look"]) if "look" in asked else await run_in_threadpool(self._session.look, shot)
        return JSONResponse(await run_in_threadpool(self._session.decide, shot, state, note, look))

    async def upload(self, request: Request) -> Response:
        name = unquote(request.headers.get("x-name", "photo"))
        content = await _body(request, MOST_PHOTO)
        shot = await run_in_threadpool(self._session.add, name, content)
        return JSONResponse(self._session.row(shot), 201)

    async def send_reference(self, request: Request) -> Response:
        """Take in a reference photo that is no photo of the album."""
        name = unquote(request.headers.get("x-name", "reference"))
        content = await _body(request, MOST_PHOTO)
        found = await run_in_threadpool(self._session.references.add_sent, name, content)
        return JSONResponse({"reference": found.sha256, "name": found.name}, 201)

    async def choose_reference(self, request: Request) -> Response:
        """Make a photo of the album the reference of others."""
        found = await run_in_threadpool(self._session.choose_reference, self._shot(request))
        return JSONResponse({"reference": found.sha256, "name": found.name}, 201)

    async def file(self, request: Request) -> Response:
        """Respond with the photograph in color at full size, for the browser to save."""
        shot, look = self._shot(request), _look(request)
        content, name, kind = await run_in_threadpool(saved_file, self._session, shot, look)
        disposition = f"attachment; filename*=utf-8''{quote(name)}"
        return Response(content, media_type=kind, headers={"content-disposition": disposition})

    async def apply(self, request: Request) -> Response:
        await run_in_threadpool(self._applying.start)
        return JSONResponse(self._applying.progress(), 202)

    async def applied(self, request: Request) -> Response:
        return JSONResponse(self._applying.progress())

    def _shot(self, request: Request) -> Any:
        return self._session.shot(request.path_params["id"])


def _look(request: Request) -> Look:
    return Look.from_json(_json(request.query_params.get("look", "{}").encode()))


def _json(content: bytes) -> dict[str, Any]:
    try:
        value = parse_json(content)
    except ValueError as error:
        raise UsageProblem("The request is not JSON.") from error
    if not isinstance(value, dict):
        raise UsageProblem("The request is not a JSON object.")
    return value


async def _body(request: Request, most: int) -> bytes:
    """Return the body of a request. Raises :class:`TooLarge` as soon as it exceeds ``most`` bytes."""
    message = f"The request is larger than {most >> 20} MB."
    if int(request.headers.get("content-length") or 0) > most:
        raise TooLarge(message)
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > most:
            raise TooLarge(message)
    return bytes(content)


def _jpeg(content: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(content, media_type="image/jpeg", headers={"cache-control": "no-store"} | (headers or {}))


def _status(error: ColorizeError) -> int:
    if isinstance(error, TooLarge):
        return 413
    if isinstance(error, PhotoError):
        return 422
    if isinstance(error, UsageProblem):
        return 400
    return 507 if isinstance(error, OutputError) else 500


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, ColorizeError)
    return JSONResponse({"message": error.message, "remedy": error.remedy}, _status(error))


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)


async def _static_by_name(request: Request) -> Response:
    return await _static(request.path_params["name"])(request)


def _static(name: str) -> Handler:
    async def answer(request: Request) -> Response:
        folder = resources.files(__package__).joinpath("static")
        known = {entry.name for entry in folder.iterdir()}
        suffix = name[name.rfind(".") :]
        if name not in known or suffix not in _TYPES:
            return Response("There is no such file.", 404)
        content = folder.joinpath(name).read_bytes()
        return Response(content, media_type=_TYPES[suffix], headers={"cache-control": "no-cache"})

    return answer
