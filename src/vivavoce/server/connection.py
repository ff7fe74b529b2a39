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

from vivavoce.asr.engine import EngineState
from vivavoce.asr.session import Channels
from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.events import SessionEnded, SessionFailed, Terminate, TurnUpdated
from vivavoce.types import Failure

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from vivavoce.asr.engine import Member
    from vivavoce.protocol.dialect import Dialect, DialectFactory
    from vivavoce.protocol.events import Closing, SessionEvent
    from vivavoce.server.access import Grant
    from vivavoce.server.app import Service

__all__ = ["Connection"]

_log = logging.getLogger(__name__)

# Audio that may wait in a session before its socket is no longer read. It covers loading the models.
_BACKLOG_HIGH_MS = 20_000
_BACKLOG_LOW_MS = 10_000
# A client that takes nothing for that long is gone; what waits for it must not grow.
_SEND_TIMEOUT_S = 20.0


class Connection:
    """A client on a WebSocket."""

    def __init__(self, websocket: WebSocket, factory: DialectFactory, service: Service) -> None:
        """Prepare to talk; `run` does.

        Args:
            websocket: Not yet accepted.
            factory: Of the dialect spoken here.
            service: What is shared by all connections.
        """
        self._websocket = websocket
        self._factory = factory
        self._service = service
        self._engine = service.engine
        self._news = asyncio.Event()
        self._heard = asyncio.Event()
        self._stream: Channels | None = None
        self._members: list[Member] = []
        self._finals: list[str] = []

    async def run(self) -> None:
        """Accept the socket, serve its session to the end, close it."""
        await self._websocket.accept()
        try:
            grant = self._admit()
            dialect = self._open_dialect()
            self._check_engine()
            stream = self._open_stream(dialect, grant)
        except ProtocolViolation as violation:
            await self._refuse(violation)
            return
        except Exception as error:  # noqa: BLE001 - a fault of ours is told, and ends nothing else
            _log.error("no %s session: %s: %s", self._factory.name, type(error).__name__, error)
            _log.debug("where it happened", exc_info=error)
            await self._refuse(ProtocolViolation(Failure.CANNOT_BEGIN))
            return
        self._stream = stream
        self._members = [self._engine.join(session, self._wake) for session in stream.sessions]
        self._service.metrics.began(dialect.name)
        _log.info("session %s began: %s", stream.session_id, dialect.name)
        self._news.set()  # that it began is news already
        reading = asyncio.create_task(self._read(dialect, stream))
        try:
            await self._write(dialect, stream)
        except (WebSocketDisconnect, TimeoutError):
            _log.info("session %s lost its client", stream.session_id)
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
            self._leave()
            # A session leads to its connection and back, and its sound is megabytes that Python's
            # collector of such rings does not see and does not hurry for.
            self._stream, self._members = None, []
            self._service.ledger.end(stream.session_id)
            if dialect.webhook is not None:
                self._service.post(dialect.webhook, stream.session_id, self._finals)
            _log.info(
                "session %s over: %s, %.1f s of audio",
                stream.session_id,
                stream.state.name.lower(),
                stream.audio_ms / 1000,
            )

    def tick(self, now: float) -> None:
        """Look at the clock, in seconds of `time.monotonic`."""
        if self._stream is not None:
            self._stream.tick(now)
            self._wake()

    def finish(self) -> None:
        """End the session as its client would: the last words are still sent."""
        if self._stream is not None:
            self._stream.receive(Terminate(), time.monotonic())
            self._serve()
            self._wake()

    # --- opening --------------------------------------------------------------------------------

    def _admit(self) -> Grant:
        websocket = self._websocket
        shown = (websocket.query_params.get("token"), websocket.headers.get("authorization"))
        return self._service.admission.enter(shown, time.time())

    def _open_dialect(self) -> Dialect:
        session_id = self._websocket.path_params.get("session_id")
        if session_id is not None:
            raise self._service.ledger.refuse_return(session_id)
        dialect = self._factory.open(self._websocket.query_params.multi_items())
        if dialect.webhook is not None and not self._service.options.may_post:
            raise ProtocolViolation(Failure.BAD_OPTION, "webhook_url: this server sends no webhooks")
        return dialect

    def _check_engine(self) -> None:
        if self._engine.state is EngineState.DEAD:
            raise ProtocolViolation(Failure.CANNOT_BEGIN, "the recogniser does not run")

    def _open_stream(self, dialect: Dialect, grant: Grant) -> Channels:
        limits = dataclasses.replace(dialect.limits, max_lead_s=self._service.options.max_lead_s)
        if grant.max_session_s is not None:
            limits = dataclasses.replace(limits, max_session_s=grant.max_session_s)
        now, unix_now = time.monotonic(), time.time()
        stream = Channels(str(uuid.uuid4()), dialect.options, limits, now=now, unix_now=unix_now)
        self._service.ledger.begin(stream.session_id, grant.owner)
        return stream

    async def _refuse(self, violation: ProtocolViolation) -> None:
        _log.info("refused %s: %s", self._factory.name, violation.failure.name)
        self._service.metrics.refused(violation.failure.name.lower())
        with contextlib.suppress(WebSocketDisconnect, TimeoutError):
            await self._close(self._factory.refuse(SessionFailed(violation.failure, violation.detail)))

    # --- talking --------------------------------------------------------------------------------

    def _wake(self) -> None:
        self._heard.set()
        if self._stream is not None and self._stream.has_events:
            self._news.set()

    def _serve(self) -> None:
        for member in self._members:
            self._engine.serve(member)

    def _leave(self) -> None:
        for member in self._members:
            self._engine.leave(member)

    async def _read(self, dialect: Dialect, stream: Channels) -> None:
        """Pass on what the client sends; stop reading while the session has too much to hear."""
        while not stream.is_over:
            try:
                message = await self._receive()
            except WebSocketDisconnect:
                self._leave()
                stream.fail(Failure.IDLE, "the client left")
                self._wake()
                return
            try:
                for command in dialect.decode(message):
                    stream.receive(command, time.monotonic())
            except ProtocolViolation as violation:
                stream.fail(violation.failure, violation.detail)
            except Exception as error:  # noqa: BLE001 - a fault of ours ends this session and no other
                _log.error("session %s: %s: %s", stream.session_id, type(error).__name__, error)
                _log.debug("where it happened", exc_info=error)
                stream.fail(Failure.INTERNAL)
            self._serve()
            if stream.has_events:
                self._news.set()
            if stream.backlog_ms > _BACKLOG_HIGH_MS:
                await self._wait_heard(stream)

    async def _receive(self) -> str | bytes:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text: str | None = message.get("text")
        data: bytes = message.get("bytes") or b""
        return data if text is None else text

    async def _wait_heard(self, stream: Channels) -> None:
        while stream.backlog_ms > _BACKLOG_LOW_MS and not stream.is_over:
            self._heard.clear()
            await self._heard.wait()

    async def _write(self, dialect: Dialect, stream: Channels) -> None:
        """Tell the client what happens, up to the end of the session."""
        while True:
            await self._news.wait()
            self._news.clear()
            for event in stream.take_events():
                if isinstance(event, SessionEnded | SessionFailed):
                    await self._close(dialect.closing(event))
                    return
                await self._tell(dialect, event)

    async def _tell(self, dialect: Dialect, event: SessionEvent) -> None:
        frames = dialect.encode(event, time.time())
        if dialect.webhook is not None and isinstance(event, TurnUpdated) and event.ended:
            self._finals += frames
        for frame in frames:
            async with asyncio.timeout(_SEND_TIMEOUT_S):
                await self._websocket.send_text(frame)

    async def _close(self, closing: Closing) -> None:
        if self._websocket.client_state is WebSocketState.DISCONNECTED:
            return
        async with asyncio.timeout(_SEND_TIMEOUT_S):
            for frame in closing.frames:
                await self._websocket.send_text(frame)
            await self._websocket.close(closing.code, closing.reason)
