"""The HTTP endpoints of kept transcripts, for those who have a key."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.parameters import text, whole
from vivavoce.protocol.query import Query
from vivavoce.server.access import log_refusal
from vivavoce.store import VoiceNames
from vivavoce.store.export import EXPORTS, line_fields, session_fields

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    from starlette.requests import Request

    from vivavoce.server.access import Admission, OriginPolicy
    from vivavoce.server.recorder import Recorder
    from vivavoce.store import SearchHit, Store, VoiceKey

    _Owner: TypeAlias = str | None  # whose transcripts a client may see; None: everybody's
    _Endpoint: TypeAlias = Callable[[Request, Recorder, _Owner], Awaitable[Response]]

__all__ = ["transcript_routes"]

_PARAMETERS: Final = {
    "q": text("Only turns that contain these words.", max_length=200),
    "room": text("Only sessions in this room."),
    "limit": whole("The most sessions, or turns.", 1, 1_000),
}
_NO_STORE: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_NONE_KEPT: Final = "this server keeps no transcripts: start it with --store FILE"
_NOT_THERE: Final = "there is no such transcript"


async def _list(request: Request, recorder: Recorder, owner: _Owner) -> Response:
    """The sessions, the newest first; with ``q`` the turns that contain its words."""
    query = Query(request.query_params.multi_items(), _PARAMETERS)
    query.check()
    limit = query.whole("limit") or 50
    words = query.text("q")
    if words is not None:
        hits, given = await recorder.read(lambda store: _search(store, words, limit, owner))
        fields = [
            {"session": session_fields(hit.session), "line": line_fields(hit.line, VoiceNames(given))}
            for hit in hits
        ]
        return _json({"hits": fields, "keep_days": recorder.keep_days})
    room = query.text("room")
    sessions = await recorder.read(lambda store: store.sessions(room=room, limit=limit, owner=owner))
    return _json(
        {"sessions": [session_fields(session) for session in sessions], "keep_days": recorder.keep_days}
    )


def _search(
    store: Store, words: str, limit: int, owner: _Owner
) -> tuple[list[SearchHit], dict[VoiceKey, str]]:
    hits = store.search(words, limit=limit, owner=owner)
    return hits, store.voice_names(*{hit.session.id for hit in hits})


async def _export(request: Request, recorder: Recorder, owner: _Owner) -> Response:
    """One transcript, in the format of its suffix."""
    session_id, _, suffix = request.path_params["file"].partition(".")
    export = EXPORTS.get(suffix or "json")
    if export is None:
        return _json({"error": f"the suffix must be one of {', '.join(EXPORTS)}"}, 404)
    session, lines, given = await recorder.read(
        lambda store: (store.session(session_id), store.lines(session_id), store.voice_names(session_id))
    )
    if session is None or owner not in {None, session.owner}:
        return _json({"error": _NOT_THERE}, 404)
    # A long talk takes a while, in which sessions must be served.
    text = await asyncio.to_thread(export.write, session, lines, given)
    return Response(text, headers=_NO_STORE, media_type=export.media_type)


async def _delete(request: Request, recorder: Recorder, owner: _Owner) -> Response:
    """Delete one transcript."""
    session_id = request.path_params["file"]

    def delete(store: Store) -> bool:
        session = store.session(session_id)
        may_delete = session is not None and owner in {None, session.owner}
        return may_delete and store.delete(session_id)

    if not await recorder.read(delete):
        return _json({"error": _NOT_THERE}, 404)
    return Response(status_code=204)


def transcript_routes(admission: Admission, origins: OriginPolicy, recorder: Recorder | None) -> list[Route]:
    """Return the routes below ``/transcripts``.

    Args:
        admission: Checks the keys, and the tickets of pages.
        origins: Decides which web pages may ask.
        recorder: Keeps the transcripts; None: nothing is kept.
    """

    def guarded(endpoint: _Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            if not origins.may_read(request.headers.get("origin"), request.headers.get("host")):
                return _json(
                    {"error": "pages of other sites may not read transcripts: see --allow-origin"}, 403
                )
            try:
                owner = _owner(admission, request.headers.get("authorization"))
            except ProtocolViolation as violation:
                log_refusal(request, violation)
                return _json({"error": violation.detail}, 401)
            if recorder is None:
                return _json({"error": _NONE_KEPT}, 404)
            try:
                return await endpoint(request, recorder, owner)
            except ProtocolViolation as violation:
                return _json({"error": violation.detail}, 400)

        return answer

    return [
        Route("/transcripts", guarded(_list)),
        Route("/transcripts/{file}", guarded(_export)),
        Route("/transcripts/{file}", guarded(_delete), methods=["DELETE"]),
    ]


def _owner(admission: Admission, credential: str | None) -> _Owner:
    """Return whose transcripts a client may see that has a key, or a page that has a ticket.

    Raises:
        ProtocolViolation: The client has neither.
    """
    try:
        grant = admission.check_key(credential)
    except ProtocolViolation:
        grant = admission.check_ticket(credential, time.time())
    return None if admission.is_admin(grant.owner) else grant.owner


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, _NO_STORE, media_type="application/json")
