"""The HTTP endpoints of rooms: pages, events, transcripts, corrections."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from vivavoce.json_failures import JSON_FAILURES
from vivavoce.protocol.rooms import ROOM_NAME
from vivavoce.server.access import strip_scheme
from vivavoce.server.page_routes import page_response
from vivavoce.server.request_body import BodyError, read_body
from vivavoce.server.rooms.events import EventStream
from vivavoce.server.rooms.guessing import GuessLimit
from vivavoce.server.rooms.registry import RoomsFull
from vivavoce.server.rooms.transcripts import (
    CAPTION_FILES,
    TEXT_FILES,
    is_complete,
    playlist,
    segment,
)
from vivavoce.store.voices import clean_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    from starlette.requests import Request

    from vivavoce.server.access import OriginPolicy
    from vivavoce.server.recorder import Recorder
    from vivavoce.server.rooms.registry import Rooms
    from vivavoce.server.rooms.served_room import ServedRoom

    _Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

__all__ = ["room_routes"]

_T = TypeVar("_T")
_MAX_BODY_BYTES: Final = 16_384
_BAD_NAME: Final = "A room's name has 1 to 64 letters, digits, hyphens and underscores.\n"
_NO_ROOM: Final = "There is no such room, or nobody has spoken in it yet.\n"
_NO_STORE: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class _Correction(msgspec.Struct):
    """Another text of a line, another speaker, or both."""

    line: int
    text: str | None = None
    name: str | None = None
    part: int | None = None


class _Renaming(msgspec.Struct):
    voice: int
    name: str


_CORRECTIONS: Final = msgspec.json.Decoder(_Correction)  # made once; see `replica`
_RENAMINGS: Final = msgspec.json.Decoder(_Renaming)


class _Refused(Exception):  # noqa: N818 - it carries an answer, not an error
    """A request is refused with this response."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class _RoomEndpoints:
    """The endpoints, and what they share."""

    def __init__(self, rooms: Rooms, origins: OriginPolicy, recorder: Recorder | None) -> None:
        self._rooms = rooms
        self._recorder = recorder
        self._origins = origins
        self._guesses = GuessLimit()

    # --- pages ----------------------------------------------------------------------------------

    async def reader(self, request: Request) -> Response:
        """The reader's page, whether there is such a room or not."""
        self._name(request)
        return page_response(request, "reader.html")

    async def overlay(self, request: Request) -> Response:
        """The overlay for video software and projectors."""
        self._name(request)
        return page_response(request, "overlay.html")

    # --- what readers get -----------------------------------------------------------------------

    async def events(self, request: Request) -> EventStream:
        """The stream of events; a room that nobody has opened yet can be waited for."""
        name = self._name(request)
        headers = self._allow(request)
        if await self._rooms.look_up(name) is None:
            self._note_guess(request, name)
        try:
            served = self._rooms.enter(name)
        except RoomsFull:
            text = "There are too many readers: try again in a minute.\n"
            raise _Refused(PlainTextResponse(text, 503, {"Retry-After": "60"})) from None
        last_id = request.headers.get("last-event-id") or request.query_params.get("last_event_id")
        return EventStream(served, served.feed.cursor(last_id), headers)

    async def transcript(self, request: Request) -> Response:
        """The transcript so far."""
        headers = self._allow(request)
        served = await self._find(request)
        file = request.path_params["file"]
        if file in TEXT_FILES:
            media_type, write_room = TEXT_FILES[file]
            text = write_room(served.room)
        elif file in CAPTION_FILES:
            media_type, write_cues = CAPTION_FILES[file]
            text = write_cues(await served.cues.get())
        else:
            names = ", ".join([*CAPTION_FILES, *TEXT_FILES])
            raise _Refused(PlainTextResponse(f"Choose one of {names}.\n", 404))
        if "download" in request.query_params:
            headers["Content-Disposition"] = f'attachment; filename="{served.room.name}-{file}"'
        return Response(text, headers={**_NO_STORE, **headers}, media_type=media_type)

    async def playlist(self, request: Request) -> Response:
        """The HLS playlist of the captions."""
        headers = self._allow(request)
        text = playlist((await self._find(request)).room, time.time())
        return Response(text, headers={**_NO_STORE, **headers}, media_type="application/vnd.apple.mpegurl")

    async def segment(self, request: Request) -> Response:
        """One segment of the captions."""
        headers = self._allow(request)
        served = await self._find(request)
        number = request.path_params["number"]
        if not is_complete(served.room, number, time.time()):
            raise _Refused(PlainTextResponse("This segment is not complete yet.\n", 404))
        text = segment(await served.cues.get(), number)
        return Response(text, headers={**_NO_STORE, **headers}, media_type="text/vtt")

    # --- what speakers do -----------------------------------------------------------------------

    async def correct(self, request: Request) -> Response:
        """Replace the text or the speaker of a line: for those who have the room's key."""
        served, correction = await self._open(request, _CORRECTIONS)
        name = _clean(correction.name) if correction.name is not None else None
        if correction.text is None and not name:
            raise _Refused(JSONResponse({"error": "the body must have text, name or both"}, 400))
        line, part = correction.line, correction.part
        # The text first: with another speaker a part may become one with its neighbour.
        key = None if correction.text is None else served.correct(line, correction.text, part)
        if correction.text is not None and key is None:
            text = "line must be the number of a line, part that of a part of it, and text must not be empty"
            raise _Refused(JSONResponse({"error": text}, 404))
        if key is not None and self._recorder is not None:
            self._recorder.correct(key, correction.text or "", part)
        if name:
            assigned = served.assign(line, name, part)
            if assigned is None:
                text = "line must be the number of a line, and part that of a part of it"
                raise _Refused(JSONResponse({"error": text}, 404))
            if self._recorder is not None:
                key, voice = assigned
                self._recorder.assign(key, voice.label, part)
                self._recorder.name_voices({voice: name})
        return Response(status_code=204)

    async def rename(self, request: Request) -> Response:
        """Give a speaker another name: for those who have the room's key."""
        served, renaming = await self._open(request, _RENAMINGS)
        given = served.rename(renaming.voice, _clean(renaming.name))
        if given is None:
            raise _Refused(JSONResponse({"error": "voice must be the number of a voice of the room"}, 404))
        if self._recorder is not None:
            self._recorder.name_voices(given)
        return Response(status_code=204)

    # --- what they share ------------------------------------------------------------------------

    async def _open(self, request: Request, decoder: msgspec.json.Decoder[_T]) -> tuple[ServedRoom, _T]:
        """The room that a request is about, for those who have its key, and the request's body."""
        self._allow(request)
        served = await self._find(request)
        if not self._rooms.check_key(served, strip_scheme(request.headers.get("authorization") or "")):
            raise _Refused(JSONResponse({"error": "Authorization must be the room's key"}, 401))
        try:
            return served, decoder.decode(await read_body(request, _MAX_BODY_BYTES))
        except (*JSON_FAILURES, BodyError) as error:
            text = f"the body is not what {request.url.path} takes: {error}"
            raise _Refused(JSONResponse({"error": text}, 400)) from None

    @staticmethod
    def _name(request: Request) -> str:
        name: str = request.path_params["name"]
        if not ROOM_NAME.fullmatch(name):
            raise _Refused(PlainTextResponse(_BAD_NAME, 404))
        return name

    async def _find(self, request: Request) -> ServedRoom:
        name = self._name(request)
        served = await self._rooms.look_up(name)
        if served is None:
            self._note_guess(request, name)
            raise _Refused(PlainTextResponse(_NO_ROOM, 404))
        return served

    def _note_guess(self, request: Request, name: str) -> None:
        address = request.client.host if request.client else ""
        wait_s = self._guesses.retry_after_s(address, name, time.monotonic())
        if wait_s is not None:
            text = "Too many different rooms that do not exist: try again later.\n"
            raise _Refused(PlainTextResponse(text, 429, {"Retry-After": str(int(wait_s) + 1)}))

    def _allow(self, request: Request) -> dict[str, str]:
        """Refuse pages of other sites; returns the headers that let a listed one read the answer."""
        origin = request.headers.get("origin")
        if not self._origins.may_read(origin, request.headers.get("host")):
            text = f"Pages of {origin} may not use rooms here: see --allow-origin.\n"
            raise _Refused(PlainTextResponse(text, 403))
        return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"} if origin else {}


def _clean(given: str) -> str:
    try:
        return clean_name(given)
    except ValueError as error:
        raise _Refused(JSONResponse({"error": str(error)}, 400)) from None


def room_routes(rooms: Rooms, origins: OriginPolicy, recorder: Recorder | None = None) -> list[Route]:
    """Return the routes below ``/r/NAME``.

    Args:
        rooms: The rooms.
        origins: Decides which web pages may read them.
        recorder: Keeps corrections; None: nothing is kept.
    """
    endpoints = _RoomEndpoints(rooms, origins, recorder)
    return [
        Route("/r/{name}", _answering(endpoints.reader)),
        Route("/r/{name}/overlay", _answering(endpoints.overlay)),
        Route("/r/{name}/events", _answering(endpoints.events)),
        Route("/r/{name}/corrections", _answering(endpoints.correct), methods=["POST"]),
        Route("/r/{name}/voices", _answering(endpoints.rename), methods=["POST"]),
        Route("/r/{name}/captions.m3u8", _answering(endpoints.playlist)),
        Route("/r/{name}/captions/{number:int}.vtt", _answering(endpoints.segment)),
        Route("/r/{name}/{file}", _answering(endpoints.transcript)),
    ]


def _answering(endpoint: _Endpoint) -> _Endpoint:
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except _Refused as refused:
            return refused.response

    return answer
