"""A server of the pages whose rooms and sessions do what a test says, failures included."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocketDisconnect

PAGES = Path(__file__).parents[2] / "src" / "vivavoce" / "server" / "pages"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "media-src 'self' blob:; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class FakeSession:
    """One WebSocket of v3, as the server sees it."""

    def __init__(self, websocket, loop):
        self.query = dict(websocket.query_params)
        self.audio = bytearray()
        self.sizes: list[int] = []
        self.texts: list[dict[str, Any]] = []
        self.ended = threading.Event()
        self._websocket = websocket
        self._loop = loop

    def send(self, **message):
        data = json.dumps(message)
        asyncio.run_coroutine_threadsafe(self._websocket.send_text(data), self._loop).result(10)

    def close(self, code, reason=""):
        asyncio.run_coroutine_threadsafe(self._websocket.close(code, reason), self._loop).result(10)

    @property
    def duration_ms(self):
        return len(self.audio) * 500 // int(self.query["sample_rate"])

    def said(self, kind):
        return [text for text in self.texts if text["type"] == kind]


class FakeRoomServer:
    """Serves the pages; a test speaks for the rooms by `emit` and for the sessions by `FakeSession.send`."""

    def __init__(self):
        self.sessions: list[FakeSession] = []
        self.corrections: list[tuple[dict[str, Any], str | None]] = []
        self.names: list[tuple[dict[str, Any], str | None]] = []
        self.labels_speakers: bool | None = True  # None: it does not answer
        self.last_event_ids: list[str | None] = []
        self.refusal: tuple[int, dict[str, str]] | None = None  # of event streams
        self.token_status = 200
        self.tickets: list[str | None] = []
        self.refuses_sessions: tuple[int, str] | None = None
        self.begins = True
        self.example = ""  # a page of somebody else, at /example
        self._streams: list[asyncio.Queue[bytes | None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self.snapshot = self.room()
        self._number = 0
        self.port = 0

    @staticmethod
    def room(lines=(), state="waiting", partials=(), first=0, title="A talk", voices=()):
        return {
            "room": "talk", "title": title, "state": state, "started": None, "first": first,
            "lines": list(lines), "partials": list(partials), "now": 0, "voices": list(voices),
        }  # fmt: skip

    # --- what a test does ---

    def emit(self, event, data):
        """Send an event to every reader."""
        durable = event in {"line", "correction", "state", "voices"}
        if durable:
            self._number += 1
        if event == "line":
            self.snapshot["lines"].append(data)
        name = f"id: e-{self._number}\n" if durable else ""
        self._post(f"{name}event: {event}\ndata: {json.dumps(data)}\n\n".encode())

    def line(self, number, text, source=0, corrected=False, parts=()):
        """A line; of several speakers, if `parts` has pairs of a voice and its text, or triples with certainty."""
        line = {
            "id": number, "source": source, "start": number * 1000, "end": number * 1000 + 900, "at": 0,
            "text": text, "corrected": corrected,
        }  # fmt: skip
        if parts:
            line["text"] = " ".join(said for _, said, *_ in parts)
            line["parts"] = [
                {"voice": voice, "text": said, "sure": all(sure), "start": 0, "end": 900}
                for voice, said, *sure in parts
            ]
        return line

    @staticmethod
    def voices(*names):
        return [{"name": name, "speaker": names.index(name)} for name in names]

    def drop_readers(self):
        self._post(None)

    def _post(self, data):
        async def post():
            for queue in self._streams:
                queue.put_nowait(data)

        asyncio.run_coroutine_threadsafe(post(), self._loop).result(10)

    @property
    def n_readers(self):
        return len(self._streams)

    # --- routes ---

    async def _events(self, request):
        self.last_event_ids.append(request.headers.get("last-event-id"))
        if self.refusal:
            status, headers = self.refusal
            return PlainTextResponse("no", status, headers)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        queue.put_nowait(b"retry: 1000\n\n")
        if request.headers.get("last-event-id") is None:
            data = json.dumps(self.snapshot)
            queue.put_nowait(f"id: e-{self._number}\nevent: snapshot\ndata: {data}\n\n".encode())

        async def stream():
            self._streams.append(queue)
            try:
                while (piece := await queue.get()) is not None:
                    yield piece
            finally:
                self._streams.remove(queue)

        return StreamingResponse(
            stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    async def _example(self, _request):
        return HTMLResponse(self.example)

    async def _correct(self, request):
        self.corrections.append((await request.json(), request.headers.get("authorization")))
        return Response(status_code=204)

    async def _rename(self, request):
        self.names.append((await request.json(), request.headers.get("authorization")))
        return Response(status_code=204)

    async def _features(self, _request):
        if self.labels_speakers is None:
            return PlainTextResponse("no", 404)
        return JSONResponse({"speaker_labels": self.labels_speakers})

    async def _token(self, request):
        self.tickets.append(request.headers.get("authorization"))
        return JSONResponse({"token": "a-token"}, self.token_status)

    async def _session(self, websocket):
        session = FakeSession(websocket, self._loop)
        await websocket.accept()
        if self.refuses_sessions:
            code, reason = self.refuses_sessions
            await websocket.send_text(json.dumps({"type": "Error", "error": reason, "error_code": code}))
            await websocket.close(code, reason)
            return
        self.sessions.append(session)  # before its page can know that it begins
        if self.begins:
            await websocket.send_text(json.dumps({"type": "Begin", "id": "s", "expires_at": 1}))
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                message = await websocket.receive()
                if message["type"] == "websocket.disconnect":
                    break
                if message.get("bytes"):
                    session.audio += message["bytes"]
                    session.sizes.append(len(message["bytes"]))
                elif message.get("text"):
                    session.texts.append(json.loads(message["text"]))
                    if session.texts[-1]["type"] == "Terminate":
                        await websocket.send_text(json.dumps({"type": "Termination"}))
                        await websocket.close(1000)
                        break
        session.ended.set()

    def _app(self):
        def page(name):
            async def respond(_request):
                return FileResponse(PAGES / name, headers={"Content-Security-Policy": POLICY})

            return respond

        return Starlette(
            routes=[
                Route("/", page("speaker.html")),
                Route("/example", self._example),
                Route("/r/{name}", page("reader.html")),
                Route("/r/{name}/overlay", page("overlay.html")),
                Route("/r/{name}/events", self._events),
                Route("/r/{name}/corrections", self._correct, methods=["POST"]),
                Route("/r/{name}/voices", self._rename, methods=["POST"]),
                Route("/live/features", self._features),
                Route("/live/token", self._token, methods=["POST"]),
                WebSocketRoute("/v3/ws", self._session),
                Mount("/live", StaticFiles(directory=PAGES)),
            ]
        )

    @property
    def url(self):
        return f"http://localhost:{self.port}"

    def __enter__(self):
        started = threading.Event()
        config = uvicorn.Config(
            self._app(),
            log_level="error",
            timeout_graceful_shutdown=1,
            lifespan="off",
            ws="websockets-sansio",
        )
        self._server = uvicorn.Server(config)

        listening = socket.create_server(("localhost", self.port))
        self.port = listening.getsockname()[1]

        async def serve():
            self._loop = asyncio.get_running_loop()
            started.set()  # connections wait until it accepts them
            await self._server.serve(sockets=[listening])

        self._thread = threading.Thread(target=lambda: asyncio.run(serve()))
        self._thread.start()
        assert started.wait(30)
        return self

    def __exit__(self, *_):
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(30)
