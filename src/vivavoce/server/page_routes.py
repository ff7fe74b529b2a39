"""The web pages: for speakers, for readers, and their files. They need nothing from outside the server."""

from __future__ import annotations

import functools
import gzip
import hashlib
import mimetypes
import re
from importlib import resources
from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["page_response", "page_routes"]

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "media-src 'self' blob:; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the address of a room may be a secret
    "Permissions-Policy": "microphone=(self), display-capture=(self), camera=(), geolocation=()",
    "Vary": "Accept, Accept-Encoding",  # at `/` a program gets a line of text
    "Cache-Control": "no-cache",  # the browser asks whether its copy is still right
}
_ZERO_WEIGHT: Final = re.compile(r"\s*q=0(\.0*)?\s*$")
# mimetypes asks the system, which may know them by other names.
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}


def page_routes(*, labels_speakers: bool) -> list[Route]:
    """Return the routes of the pages' files, ``/live/FILE``, and of what they may offer.

    Args:
        labels_speakers: Whether the server tells speakers apart.
    """

    async def features(request: Request) -> Response:
        del request
        return JSONResponse({"speaker_labels": labels_speakers}, headers={"Cache-Control": "no-store"})

    async def file(request: Request) -> Response:
        return page_response(request, request.path_params["file"])

    return [Route("/live/features", features), Route("/live/{file}", file)]


def page_response(request: Request, name: str) -> Response:
    """Return one of the files, or that the browser's copy of it is still right.

    Args:
        request: The request.
        name: The file's name.
    """
    is_compressed = _accepts_gzip(request.headers.get("accept-encoding", ""))
    if name not in _files():
        return PlainTextResponse(f"There is no file {name[:80]} here.\n", 404)
    content, etag = _read(name, is_compressed=is_compressed)
    headers = {**_HEADERS, "ETag": etag}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if is_compressed:
        headers["Content-Encoding"] = "gzip"
    suffix = name[name.rfind(".") :]
    media_type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(content, headers=headers, media_type=media_type)


@functools.cache
def _files() -> dict[str, bytes]:
    folder = resources.files("vivavoce.server") / "pages"
    if not folder.is_dir():
        return {}
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


@functools.lru_cache(maxsize=64)
def _read(name: str, *, is_compressed: bool) -> tuple[bytes, str]:
    """Return a file and its entity tag; compressed once, since an audience loads the page together."""
    content = _files()[name]
    if is_compressed:
        content = gzip.compress(content, mtime=0)
    return content, f'"{hashlib.sha256(content).hexdigest()[:16]}"'


def _accepts_gzip(accepted: str) -> bool:
    """Whether a header ``Accept-Encoding`` allows gzip (RFC 9110, section 12.5.3)."""
    parts = [part.partition(";") for part in accepted.lower().split(",")]
    allowed = {coding.strip(): not _ZERO_WEIGHT.match(weight) for coding, _, weight in parts}
    return allowed.get("gzip", allowed.get("*", False))
