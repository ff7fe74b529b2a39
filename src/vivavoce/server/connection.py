"""One WebSocket: moves messages between it and its session, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import time
import uuid
from typing import TYPE_CHECKING

from starlette.websockets import WebSocketDisconnect, WebSocketState

from vivavoce.errors import ProtocolViolation
from vivavoce.session import Session
from vivavoce.types import Failure
from vivavoce.wire.neutral import SessionEnded, SessionFailed, Terminate

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from vivavoce.auth import Admission, Grant
    from vivavoce.batching import Engine, Member
    from vivavoce.server.options import ServerOptions
    from vivavoce.wire.neutral import Closing, Dialect, DialectFactory, Event

__all__ = ["Connection"]

_log = logging.getLogger(__name__)

# Audio that may wait in a session before its socket is no longer read. It covers loading the models.
_BACKLOG_HIGH_MS = 20_000
_BACKLOG_LOW_MS = 10_000
# A client that takes nothing for that long is gone; what waits for it must not grow.
_SEND_TIMEOUT_S = 20.0


class Connection:
    """A client on a WebSocket."""

    def __init__(
        self,
        websocket: WebSocket,
        factory: DialectFactory,
        engine: Engine,
        admission: Admission,
        options: ServerOptions,
    ) -> None:
        """Prepare to talk; `run` does.

        Args:
            websocket: Not yet accepted.
            factory: Of the dialect spoken here.
            engine: Serves the session.
            admission: Who may open one.
            options: Of the server.
        """
        self._websocket = websocket
        self._factory = factory
        self._engine = engine
        self._admission = admission
        self._options = options
        self._news = asyncio.Event()
        self._heard = asyncio.Event()
        self._member: Member | None = None

    async def run(self) -> None:
        """Accept the socket, serve its session to the end, close it."""
        await self._websocket.accept()
        try:
            grant = self._admit()
            dialect = self._factory.open(self._websocket.query_params.multi_items())
            session = self._open_session(dialect, grant)
        except ProtocolViolation as violation:
            failed = SessionFailed(violation.failure, violation.detail)
            _log.info("refused %s: %s", self._factory.name, violation.failure.name)
            with contextlib.suppress(WebSocketDisconnect, TimeoutError):
                await self._close(self._factory.refuse(failed))
            return
        member = self._member = self._engine.join(session, self._wake)
        _log.info("session %s began: %s", session.session_id, dialect.name)
        self._news.set()  # that it began is news already
        reading = asyncio.create_task(self._read(dialect, member))
        try:
            await self._write(dialect, session)
        except (WebSocketDisconnect, TimeoutError):
            _log.info("session %s lost its client", session.session_id)
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
            self._engine.leave(member)
            _log.info(
                "session %s over: %s, %.1f s of audio",
                session.session_id,
                session.state.name.lower(),
                session.audio_ms / 1000,
            )

    def tick(self, now: float) -> None:
        """Look at the clock, in seconds of `time.monotonic`."""
        if self._member is not None:
            self._member.session.tick(now)
            if self._member.session.is_over:
                self._wake()

    def finish(self) -> None:
        """End the session as its client would: the last words are still sent."""
        if self._member is not None:
            self._member.session.receive(Terminate(), time.monotonic())
            self._engine.serve(self._member)
            self._wake()

    # --- opening --------------------------------------------------------------------------------

    def _admit(self) -> Grant:
        websocket = self._websocket
        shown = (websocket.query_params.get("token"), websocket.headers.get("authorization"))
        return self._admission.enter(shown, time.time())

    def _open_session(self, dialect: Dialect, grant: Grant) -> Session:
        limits = dataclasses.replace(dialect.limits, max_lead_s=self._options.max_lead_s)
        if grant.max_session_s is not None:
            limits = dataclasses.replace(limits, max_session_s=grant.max_session_s)
        return Session(str(uuid.uuid4()), dialect.options, limits, now=time.monotonic(), unix_now=time.time())

    # --- talking --------------------------------------------------------------------------------

    def _wake(self) -> None:
        self._heard.set()
        if self._member is not None and self._member.session.has_events:
            self._news.set()

    async def _read(self, dialect: Dialect, member: Member) -> None:
        """Pass on what the client sends; stop reading while the session has too much to hear."""
        session = member.session
        while not session.is_over:
            try:
                message = await self._receive()
            except WebSocketDisconnect:
                self._engine.leave(member)
                session.fail(Failure.IDLE, "the client left")
                self._wake()
                return
            try:
                for command in dialect.decode(message):
                    session.receive(command, time.monotonic())
            except ProtocolViolation as violation:
                session.fail(violation.failure, violation.detail)
            self._engine.serve(member)
            if session.has_events:
                self._news.set()
            if session.backlog_ms > _BACKLOG_HIGH_MS:
                await self._wait_heard(session)

    async def _receive(self) -> str | bytes:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text: str | None = message.get("text")
        data: bytes = message.get("bytes") or b""
        return data if text is None else text

    async def _wait_heard(self, session: Session) -> None:
        while session.backlog_ms > _BACKLOG_LOW_MS and not session.is_over:
            self._heard.clear()
            await self._heard.wait()

    async def _write(self, dialect: Dialect, session: Session) -> None:
        """Tell the client what happens, up to the end of the session."""
        while True:
            await self._news.wait()
            self._news.clear()
            for event in session.take_events():
                if isinstance(event, SessionEnded | SessionFailed):
                    await self._close(dialect.closing(event))
                    return
                await self._tell(dialect, event)

    async def _tell(self, dialect: Dialect, event: Event) -> None:
        for frame in dialect.encode(event, time.time()):
            async with asyncio.timeout(_SEND_TIMEOUT_S):
                await self._websocket.send_text(frame)

    async def _close(self, closing: Closing) -> None:
        if self._websocket.client_state is WebSocketState.DISCONNECTED:
            return
        async with asyncio.timeout(_SEND_TIMEOUT_S):
            for frame in closing.frames:
                await self._websocket.send_text(frame)
            await self._websocket.close(closing.code, closing.reason)
