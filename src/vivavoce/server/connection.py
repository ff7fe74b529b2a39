"""One WebSocket: moves messages between it and its session, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import logging
import math
import time
import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.websockets import WebSocketDisconnect, WebSocketState

from vivavoce.asr.engine import EngineState
from vivavoce.asr.session import Channels, SessionState
from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.events import (
    SessionEnded,
    SessionFailed,
    SpeakersRevised,
    Terminate,
    TurnUpdated,
    Warned,
)
from vivavoce.server.bounded_socket import SLOW_READER
from vivavoce.server.raw_audio import RawAudio
from vivavoce.server.reading_pace import ReadingPace
from vivavoce.server.session_meter import SessionMeter
from vivavoce.server.speaker_labels import SpeakerLabels
from vivavoce.server.user_agents import reads_warnings
from vivavoce.server.webhook_addresses import refused_header, refused_host
from vivavoce.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.websockets import WebSocket

    from vivavoce.asr.engine import ServedStream
    from vivavoce.protocol.dialect import Dialect, DialectFactory
    from vivavoce.protocol.events import Closing, Command, SessionEvent, Webhook
    from vivavoce.server.access import Grant
    from vivavoce.server.followers import Followers
    from vivavoce.server.service import Service

__all__ = ["Connection"]

_log = logging.getLogger(__name__)

# Reading stops above the first mark and resumes below the second. The first covers the time that loading
# the models takes.
_BACKLOG_HIGH_MS = 20_000
_BACKLOG_LOW_MS = 10_000
# A client that reads nothing for this long is gone; the messages that wait for it must not pile up.
_SEND_TIMEOUT_S = 20.0


class Connection:
    """A client on a WebSocket."""

    def __init__(self, websocket: WebSocket, factory: DialectFactory, service: Service) -> None:
        """Prepare; `run` does the work.

        Args:
            websocket: Not yet accepted.
            factory: Opens the dialect of this endpoint.
            service: What all connections share.
        """
        self._websocket = websocket
        self._factory = factory
        self._service = service
        self._engine = service.engine  # of the default model until the session has chosen one
        self._has_events = asyncio.Event()  # the session has events to send
        self._progress = asyncio.Event()  # the session may have consumed audio
        self._served: ServedStream | None = None  # None before the session begins and after it is over
        self._meter: SessionMeter | None = None  # the same
        self._followers: Followers | None = None  # None before the session is open, or if nobody may follow
        self._labels: SpeakerLabels | None = None  # None: turns are not labelled by their speakers
        # Finished turns with their last speakers, by channel and number: kept for the webhook.
        self._final_frames: dict[tuple[int | None, int], tuple[str, ...]] = {}
        self._left: str | None = None  # how the client left; None: it has not, or the session ended first
        self._client = websocket.client.host if websocket.client else "unknown"
        self._owner = ""  # whose key the client has; empty: it needs none
        self._ends_at = math.inf  # when the session has lasted too long, in seconds of time.monotonic
        self._pace: ReadingPace | None = None  # None: audio may come at any speed
        self._cut: SessionFailed | None = None  # why its last words are not followed by a normal end

    async def run(self) -> None:
        """Accept the socket, serve its session to the end, close it."""
        await self._websocket.accept()
        try:
            grant = await self._admit()
            dialect = self._open_dialect()
            self._choose_engine(dialect)
            await self._service.begin_place(self, grant.owner)
            if dialect.room is not None:
                await self._service.rooms.claim(dialect.room)
            stream = await self._open_stream(dialect, grant)
        except ProtocolViolation as violation:
            await self._refuse(violation)
        except Exception as error:  # noqa: BLE001 - a bug of ours fails this session and no other
            _log.error("cannot open a %s session: %s: %s", self._factory.name, type(error).__name__, error)
            _log.debug("traceback", exc_info=error)
            await self._refuse(ProtocolViolation(Failure.CANNOT_BEGIN))
        else:
            await self._serve_session(dialect, stream)

    def tick(self, now: float) -> None:
        """Apply the limits that depend on the clock, in seconds of `time.monotonic`."""
        if self._served is not None:
            self._check_access(self._served.stream, now)
            self._served.stream.tick(now)
            self._wake()

    def _check_access(self, stream: Channels, now: float) -> None:
        """End the session if its key does not allow it any longer, or it has lasted too long."""
        withdrawn = self._service.admission.must_end(self._owner)
        if withdrawn is None and self._followers is not None:
            withdrawn = self._followers.refusal
        if withdrawn is not None:
            self._end_with(withdrawn)
        elif now >= self._ends_at:
            self._end_with(ProtocolViolation(Failure.EXPIRED))
        else:
            self._count_audio(stream)

    def _count_audio(self, stream: Channels) -> None:
        audio_s = stream.audio_ms * len(stream.sessions) / 1000
        try:
            self._service.ledger.note_audio(stream.session_id, audio_s, time.time())
        except ProtocolViolation as violation:
            self._end_with(violation)

    def _end_with(self, violation: ProtocolViolation) -> None:
        """End the session with its last words, and then for a reason, unless its client has ended it."""
        if self._served is not None and self._served.stream.state is SessionState.OPEN:
            self._cut = SessionFailed(violation.failure, violation.detail)
            self.finish()

    @property
    def backlog_ms(self) -> float:
        """Audio that waits in its session, in milliseconds."""
        return 0.0 if self._served is None else self._served.stream.backlog_ms

    def finish(self) -> None:
        """End the session as its client would: the last words are still sent."""
        if self._served is not None:
            self._served.receive(Terminate(), time.monotonic())
            self._wake()

    # --- opening --------------------------------------------------------------------------------

    async def _admit(self) -> Grant:
        websocket = self._websocket
        credentials = (websocket.query_params.get("token"), websocket.headers.get("authorization"))
        return await self._service.admit(credentials)

    def _open_dialect(self) -> Dialect:
        session_id = self._websocket.path_params.get("session_id")
        if session_id is not None:
            raise self._service.ledger.resume_error(session_id)
        dialect = self._factory.open(self._websocket.query_params.multi_items(), self._service.models)
        if dialect.webhook is not None:
            self._check_webhook(dialect.webhook)
        return dialect

    def _check_webhook(self, webhook: Webhook) -> None:
        options = self._service.options
        if not options.may_post:
            raise ProtocolViolation(
                Failure.BAD_OPTION, "webhook_url: this server sends no webhooks; serve --webhooks allows them"
            )
        host = urlsplit(webhook.url).hostname or ""
        if not options.private_webhooks and (reason := refused_host(host)):
            raise ProtocolViolation(Failure.BAD_OPTION, f"webhook_url: {reason}")
        if webhook.header is not None and (reason := refused_header(webhook.header[0])):
            raise ProtocolViolation(Failure.BAD_OPTION, f"webhook_auth_header_name: {reason}")

    def _choose_engine(self, dialect: Dialect) -> None:
        # First of all, since a model that is not loaded would be, for a session that is then refused.
        options = dialect.options
        may_begin = self._service.may_begin(
            self, options.model, options.channels, is_patient=options.recording
        )
        if not may_begin:
            raise ProtocolViolation(Failure.BUSY, "the server has no capacity for another session")
        engine = self._engine = self._service.engines.engine_of(options.model)
        if engine.state is EngineState.DEAD:
            raise ProtocolViolation(Failure.CANNOT_BEGIN, "the recogniser does not run")

    async def _open_stream(self, dialect: Dialect, grant: Grant) -> Channels:
        limits = dialect.limits
        if limits.max_lead_s is not None:
            limits = dataclasses.replace(limits, max_lead_s=self._service.options.max_lead_s)
        if self._service.options.strict_chunks:
            limits = dataclasses.replace(limits, accepted_chunk_ms=None)
        if grant.max_session_s is not None:
            limits = dataclasses.replace(limits, max_session_s=grant.max_session_s)
        now, unix_now = time.monotonic(), time.time()
        if limits.max_lead_s is not None:
            is_slow = self._service.fast_senders.has(grant.owner or self._client, now)
            self._pace = ReadingPace(is_slow=is_slow)
        self._owner, self._ends_at = grant.owner, now + limits.max_session_s
        session_id = str(uuid.uuid4())
        tuning = self._engine.tuning
        stream = Channels(session_id, dialect.options, limits, now=now, unix_now=unix_now, tuning=tuning)
        if dialect.options.speakers is not None and self._service.voices is not None:
            known = self._service.known_voices
            self._labels = SpeakerLabels(
                dialect.options.speakers,
                self._service.voices,
                patient=dialect.options.recording,
                known=None if known is None else known.current(),
            )
        # After what may fail, or it would never end; before its room, which a refused session must not touch.
        await self._service.begin_session(stream.session_id, grant.owner)
        try:
            self._followers = self._service.follow(stream.session_id, dialect.room, grant.owner)
        except BaseException:  # other rooms may have taken the last place meanwhile
            self._service.end_session(stream.session_id, grant.owner)
            raise
        return stream

    async def _refuse(self, violation: ProtocolViolation) -> None:
        _log.info("refused %s a %s session: %s", self._client, self._factory.name, violation.failure.name)
        self._service.metrics.refused(violation.failure.name.lower())
        with contextlib.suppress(WebSocketDisconnect, TimeoutError):
            await self._close(self._factory.refuse(SessionFailed(violation.failure, violation.detail)))

    # --- serving --------------------------------------------------------------------------------

    async def _serve_session(self, dialect: Dialect, stream: Channels) -> None:
        """Serve an open session to its end."""
        served = self._served = self._engine.join(stream, self._wake)
        audio = RawAudio(dialect.options, dialect.limits.min_chunk_ms)
        if self._followers is not None:
            self._followers.begin(time.time())
        meter = self._meter = SessionMeter(
            self._service.metrics,
            self._service.tracing,
            session_id=stream.session_id,
            dialect=dialect.name,
            model=dialect.options.model or self._service.engines.names[0],
            began_s=time.monotonic(),
        )
        name = self._service.admission.name_of(self._owner)
        who = f"{self._client} with key {name}" if name else self._client
        about = {"session_id": stream.session_id, "client": self._client} | (
            {"key_name": name} if name else {}
        )
        _log.info("session %s began: %s, from %s", stream.session_id, dialect.name, who, extra=about)
        self._has_events.set()  # its beginning is an event
        if self._service.is_finishing:
            self.finish()
        reading = asyncio.create_task(self._read(dialect, audio, served))
        try:
            await self._write(dialect, stream)
        except WebSocketDisconnect:
            if not self._note_slow_reader():
                self._left = self._left or "client left"
        except TimeoutError:
            self._note_slow_reader(is_one=True)
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
            served.leave()
            if self._labels is not None:
                self._labels.close()
            if self._followers is not None:
                is_ended = stream.state is SessionState.ENDED and self._cut is None
                self._followers.end(time.monotonic(), time.time(), by_client=is_ended)
            # The session refers to its connection and back. Its audio is megabytes that Python's cycle
            # collector does not count, so it would free them late.
            self._served = None
            self._service.end_session(stream.session_id, self._owner)
            if dialect.webhook is not None:
                finals = list(itertools.chain.from_iterable(self._final_frames.values()))
                self._service.post(dialect.webhook, stream.session_id, finals)
            reason = self._outcome(stream)
            label = "slow_reader" if reason.startswith("client did not") else reason.lower().replace(" ", "_")
            meter.over(label, time.monotonic())
            _log.info(
                "session %s over: %s, %.1f s of audio",
                stream.session_id,
                reason,
                stream.audio_ms / 1000,
                extra=about,
            )

    def _outcome(self, stream: Channels) -> str:
        if self._left is not None:
            return self._left
        return stream.state.name.lower() if self._cut is None else self._cut.failure.name

    def _note_slow_reader(self, *, is_one: bool = False) -> bool:
        """Note once that the client was dropped because it did not read; returns whether it was."""
        is_one = is_one or bool(self._websocket.scope.get("state", {}).get(SLOW_READER))
        if is_one and self._left is None:
            self._left = f"client did not read for {_SEND_TIMEOUT_S:g} s"
            self._service.metrics.dropped("slow_reader")
        return is_one

    def _wake(self) -> None:
        self._progress.set()
        if self._served is None:
            return
        if self._labels is not None:
            for channel, speech in self._served.stream.take_speech_ahead():
                self._labels.hear_ahead(channel, speech)
        if self._served.stream.has_events:
            self._has_events.set()

    async def _read(self, dialect: Dialect, audio: RawAudio, served: ServedStream) -> None:
        """Pass on what the client sends; stop reading while the session has too much audio to process."""
        stream = served.stream
        while not stream.is_over:
            try:
                message = await self._receive()
            except WebSocketDisconnect:
                served.leave()
                if not self._note_slow_reader() and self._left is None:
                    self._left = "client left"
                    self._service.metrics.dropped("left")
                stream.fail(Failure.IDLE, "the client disconnected")
                self._wake()
                return
            try:
                for sent in dialect.decode(message):
                    await self._pass_on(audio.check(sent), served)
            except ProtocolViolation as violation:
                stream.fail(violation.failure, violation.detail)
            except Exception as error:  # noqa: BLE001 - a bug of ours fails this session and no other
                _log.error("session %s: %s: %s", stream.session_id, type(error).__name__, error)
                _log.debug("traceback", exc_info=error)
                stream.fail(Failure.INTERNAL)
            self._count_audio(stream)
            if self._meter is not None and not dialect.options.recording:
                self._meter.received(stream.audio_ms, time.monotonic())
            if stream.has_events:
                self._has_events.set()
            await self._slow_down(stream)

    async def _slow_down(self, stream: Channels) -> None:
        """Read no more for now if much audio waits, or came faster than anybody speaks."""
        if stream.backlog_ms > _BACKLOG_HIGH_MS:
            await self._wait_for_backlog(stream)
        if self._pace is not None:
            wait_s = self._pace.wait_s(stream.audio_ms / 1000, time.monotonic())
            if wait_s:
                await asyncio.sleep(wait_s)

    async def _pass_on(self, commands: Iterable[Command], served: ServedStream) -> None:
        """Give a message's commands to the session; one with much compressed audio is several."""
        for index, command in enumerate(commands):
            if index:
                await asyncio.sleep(0)  # others are served between them
                if served.stream.backlog_ms > _BACKLOG_HIGH_MS:
                    await self._wait_for_backlog(served.stream)
            served.receive(command, time.monotonic())

    async def _receive(self) -> str | bytes:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text: str | None = message.get("text")
        data: bytes = message.get("bytes") or b""
        return data if text is None else text

    async def _wait_for_backlog(self, stream: Channels) -> None:
        while stream.backlog_ms > _BACKLOG_LOW_MS and not stream.is_over:
            self._progress.clear()
            await self._progress.wait()

    async def _write(self, dialect: Dialect, stream: Channels) -> None:
        """Send the session's events to the client, up to its end."""
        while True:
            await self._has_events.wait()
            self._has_events.clear()
            for event in stream.take_events():
                if isinstance(event, SessionFailed) and event.failure is Failure.AUDIO_TOO_FAST:
                    self._service.fast_senders.note(self._owner or self._client, time.monotonic())
                if isinstance(event, SessionEnded | SessionFailed):
                    await self._send_last_speakers(dialect)
                    is_cut = isinstance(event, SessionEnded) and self._cut is not None
                    await self._close(dialect.closing((self._cut if is_cut else None) or event))
                    return
                if self._labels is not None and isinstance(event, TurnUpdated) and event.ended:
                    await self._send_labelled(self._labels, dialect, event, stream)
                    continue
                if not (isinstance(event, Warned) and self._keeps_warning(event, stream.session_id)):
                    await self._send(dialect, event)

    async def _send_labelled(
        self, labels: SpeakerLabels, dialect: Dialect, turn: TurnUpdated, stream: Channels
    ) -> None:
        """Send a finished turn with its speaker, and a revision of earlier ones if it is time for one."""
        await self._send(dialect, await labels.label(turn, stream.take_speech(turn.channel)))
        revision = await labels.revise(turn.end_ms)
        if revision is not None:
            await self._send(dialect, revision)

    async def _send_last_speakers(self, dialect: Dialect) -> None:
        """Send what has changed about the speakers of all turns."""
        revision = None if self._labels is None else await self._labels.end()
        if revision is not None:
            await self._send(dialect, revision)

    def _keeps_warning(self, event: Warned, session_id: str) -> bool:
        """Log a warning; returns whether its client must not get it."""
        _log.log(
            logging.WARNING if event.is_urgent else logging.INFO, "session %s: %s", session_id, event.text
        )
        return not (event.is_urgent or reads_warnings(self._websocket.headers.get("user-agent")))

    async def _send(self, dialect: Dialect, event: SessionEvent) -> None:
        frames = dialect.encode(event, time.time())
        if isinstance(event, TurnUpdated) and self._followers is not None:
            self._followers.update(event, time.time())
        if isinstance(event, SpeakersRevised) and self._followers is not None:
            self._followers.revise(event.turns)
        if dialect.webhook is not None and isinstance(event, TurnUpdated) and event.ended:
            self._final_frames[event.channel, event.turn_order] = frames
        if dialect.webhook is not None and isinstance(event, SpeakersRevised):
            for turn in event.turns:
                self._final_frames[turn.channel, turn.turn_order] = dialect.encode(turn, time.time())
        for frame in frames:
            async with asyncio.timeout(_SEND_TIMEOUT_S):
                await self._websocket.send_text(frame)
        if isinstance(event, TurnUpdated) and self._meter is not None:
            self._meter.sent(event, time.monotonic())

    async def _close(self, closing: Closing) -> None:
        if self._websocket.client_state is WebSocketState.DISCONNECTED:
            return
        async with asyncio.timeout(_SEND_TIMEOUT_S):
            for frame in closing.frames:
                await self._websocket.send_text(frame)
            await self._websocket.close(closing.code, closing.reason)
