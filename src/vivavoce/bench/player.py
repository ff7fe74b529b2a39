"""A client that streams recordings to a server in real time, and records what comes back and when.

A live source passes a chunk on when its last sample has been spoken. So does the player: the timeline of a
session begins with the first sample of the first chunk, and chunk n is sent when n + 1 chunks' worth of time
has passed. Due times are absolute, so that a late chunk delays no later one.

Faster than speech (``speed``) only the words are valid, not the times. Both protocols limit how far audio may
run ahead of the clock (our server: 60 s; the vendor's: about real time over a minute), so the speed is
lowered for long sessions such that at most ``MAX_LEAD_S`` is ahead.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from vivavoce.bench.audio import chunks, render
from vivavoce.bench.client_dialects import (
    Failed,
    Finished,
    Opened,
    TurnSilence,
    client_dialect,
    session_url,
)
from vivavoce.bench.records import Trace, TurnMessage
from vivavoce.errors import ProtocolViolation
from vivavoce.recordings.pacing import Pacer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from websockets.asyncio.client import ClientConnection

    from vivavoce.bench.audio import Pcm
    from vivavoce.bench.client_dialects import ClientDialect
    from vivavoce.bench.options import ProtocolName
    from vivavoce.bench.records import Script

__all__ = ["MAX_LEAD_S", "PlayOptions", "effective_speed", "play", "play_all"]

MAX_LEAD_S = 50.0
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayOptions:
    """How sessions are streamed.

    Attributes:
        url: Address of the server.
        protocol: ``v3`` sends 50 ms per message, ``v2`` 100 ms, its minimum.
        key: Sent as ``Authorization``; None: no such header.
        speed: How many times faster than speech.
        tail_s: Silence after the last recording.
        format_turns: Whether to request case and punctuation of v3.
        silence: What to request for the ends of turns.
        stagger_s: Between the starts of streams; not a multiple of a chunk, so that streams do not send in
            step.
        timeout_s: How long to wait for a session to open, and again for it to end.
    """

    url: str
    protocol: ProtocolName = "v3"
    key: str | None = None
    speed: float = 1.0
    tail_s: float = 1.5
    format_turns: bool = True
    silence: TurnSilence = field(default_factory=TurnSilence)
    stagger_s: float = 0.27
    timeout_s: float = 30.0

    def dialect(self) -> ClientDialect:
        """Return the client's end of a new session."""
        return client_dialect(self.protocol, self.silence, format_turns=self.format_turns)


def effective_speed(speed: float, duration_s: float) -> float:
    """Return the speed at which audio of that length stays within ``MAX_LEAD_S`` of the clock."""
    if duration_s <= MAX_LEAD_S:
        return speed
    return min(speed, duration_s / (duration_s - MAX_LEAD_S))


class _Session:
    """One session in progress.

    Attributes:
        messages: Those about turns, so far.
        error: The first error; None: none so far.
        finished: Whether the server ended the session as requested.
        sent_s: Audio sent so far, in seconds.
        lag_s: How late a chunk was sent at worst.
        terminated_s: When the client ended the session, on its timeline.
        opened_at_s: When the session began, on the loop's clock.
        begun_s: Where the session's timeline begins on the loop's clock, which is the monotonic one.
    """

    def __init__(self, websocket: ClientConnection, dialect: ClientDialect, timeout_s: float) -> None:
        self._websocket = websocket
        self._dialect = dialect
        self._timeout_s = timeout_s
        self._clock = asyncio.get_running_loop().time
        self._opened = asyncio.Event()  # set too when the session fails before it opens
        self.begun_s = self._clock()  # until audio is sent: when the connection was open
        self.messages: list[TurnMessage] = []
        self.error: str | None = None
        self.finished = False
        self.sent_s = 0.0
        self.lag_s = 0.0
        self.terminated_s: float | None = None
        self.opened_at_s: float | None = None

    @property
    def waiting_for(self) -> str:
        """What has to come next, for error messages."""
        return "the session's beginning" if self.terminated_s is None else "the session's end"

    def now_s(self) -> float:
        """Return the time on the session's timeline."""
        return self._clock() - self.begun_s

    async def receive(self) -> None:
        """Record what comes until the session is over."""
        try:
            async for raw in self._websocket:
                match self._dialect.read(raw, self.now_s()):
                    case Opened():
                        self.opened_at_s = self._clock()
                        self._opened.set()
                    case Finished():
                        self.finished = True
                        return
                    case Failed(error=error):
                        self.error = self.error or error
                    case TurnMessage() as message:
                        self.messages.append(message)
                    case None:
                        pass
        except ConnectionClosed as closed:
            self.error = self.error or f"connection lost: {closed}"
        except ProtocolViolation as violation:
            self.error = self.error or f"invalid message: {violation}"
        finally:
            self._opened.set()  # the sender need not wait any longer

    async def send(self, pieces: Sequence[bytes], chunk_s: float, speed: float) -> None:
        """Send all audio in time, then end the session."""
        await asyncio.wait_for(self._opened.wait(), self._timeout_s)
        try:
            for message in self._dialect.opening():
                await self._websocket.send(message)
            self.begun_s = self._clock()
            pacer = Pacer(self.begun_s, speed=speed)
            for piece in pieces:
                wait_s = pacer.wait_s(chunk_s, self._clock())
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                else:
                    self.lag_s = max(self.lag_s, -wait_s)
                await self._websocket.send(piece)
                self.sent_s += chunk_s
            self.terminated_s = self.now_s()
            await self._websocket.send(self._dialect.terminate)
        except ConnectionClosed:
            pass  # the receiver reports why

    def trace(self, error: str | None, speed: float, dialled_s: float) -> Trace:
        """Return what was recorded.

        Args:
            error: What went wrong outside the session; None: nothing.
            speed: How many times faster than speech the audio was sent.
            dialled_s: When the client dialled, on the loop's clock.
        """
        if error is None and not self.finished:
            error = "the server closed the connection before the session's end"
        return Trace(
            messages=tuple(self.messages),
            sent_s=self.sent_s,
            terminated_s=self.terminated_s,
            closed_s=self.now_s(),
            lag_s=self.lag_s,
            speed=speed,
            opened_s=None if self.opened_at_s is None else self.opened_at_s - dialled_s,
            begun_s=self.begun_s,
            error=self.error or error,
        )


async def play(pcm: Pcm, sample_rate: int, options: PlayOptions) -> Trace:
    """Stream one session; the trace reports a failure, no exception does.

    Args:
        pcm: The audio.
        sample_rate: In Hz.
        options: How to stream it.
    """
    dialect = options.dialect()
    url = session_url(options.url, dialect, sample_rate)
    headers = {"Authorization": options.key} if options.key else None
    proxy: Literal[True] | None = None if urlsplit(url).hostname in _LOOPBACK else True
    pieces = list(chunks(pcm, sample_rate, dialect.chunk_ms, options.tail_s))
    chunk_s = dialect.chunk_ms / 1000
    speed = effective_speed(options.speed, len(pieces) * chunk_s)
    session: _Session | None = None
    error: str | None = None
    dialled_s = asyncio.get_running_loop().time()
    try:
        async with connect(
            url,
            additional_headers=headers,
            compression=None,
            open_timeout=options.timeout_s,
            max_size=None,
            proxy=proxy,
        ) as websocket:
            session = _Session(websocket, dialect, options.timeout_s)
            receiver = asyncio.create_task(session.receive())
            try:
                await session.send(pieces, chunk_s, speed)
                await asyncio.wait_for(receiver, options.timeout_s)
            finally:
                receiver.cancel()
    except TimeoutError:
        expected = "the handshake" if session is None else session.waiting_for
        error = f"{expected} did not come within {options.timeout_s:g} s"
    except (OSError, InvalidHandshake) as problem:
        error = f"cannot connect: {problem}"
    return Trace(error=error, speed=speed) if session is None else session.trace(error, speed, dialled_s)


async def play_all(
    scripts: Sequence[Script],
    streams: int,
    options: PlayOptions,
    *,
    load: Callable[[Script], Pcm] = render,
    on_done: Callable[[Script, Trace], None] | None = None,
) -> list[Trace]:
    """Stream many sessions concurrently; each stream takes the next session when its last one has ended.

    Args:
        scripts: The sessions.
        streams: Number of concurrent streams; they start ``stagger_s`` apart.
        options: How to stream them.
        load: Returns a session's audio.
        on_done: Called with each session that has ended.

    Returns:
        A trace per session, in their order.
    """
    traces: list[Trace] = [Trace(error="not streamed")] * len(scripts)
    waiting = iter(enumerate(scripts))

    async def stream(number: int) -> None:
        await asyncio.sleep(number * options.stagger_s / options.speed)
        for place, script in waiting:
            pcm = await asyncio.to_thread(load, script)
            traces[place] = await play(pcm, script.sample_rate, options)
            if on_done:
                on_done(script, traces[place])

    async with asyncio.TaskGroup() as group:
        for number in range(streams):
            group.create_task(stream(number))
    return traces
