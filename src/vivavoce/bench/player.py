"""A client that speaks a recording to a server, in time, and writes down what comes back and when.

A live source hands a chunk on when its last sample has been spoken. So does the player: the timeline of a
session begins with the first chunk's first sample, and chunk n is sent when n + 1 chunks' worth of time has
passed. The due times are absolute, so that a late chunk delays none after it.

Faster than speech (``speed``) only the words mean anything, not the times. Both protocols limit how far
audio may run ahead of the clock (our server: 60 s; the vendor's: about real time over a minute), so the
speed is lowered for long sessions such that no more than ``MAX_LEAD_S`` is ahead.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from vivavoce.bench.corpus import load_pcm
from vivavoce.bench.dialects import Failed, Finished, Opened, Silence, dialect, session_url
from vivavoce.bench.model import Trace, TurnMessage
from vivavoce.errors import ProtocolViolation
from vivavoce.recordings.pacing import Pacer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from websockets.asyncio.client import ClientConnection

    from vivavoce.bench.corpus import Pcm
    from vivavoce.bench.dialects import ClientDialect, ProtocolName
    from vivavoce.bench.model import Script

__all__ = ["MAX_LEAD_S", "PlayOptions", "chunks", "effective_speed", "play", "play_all", "render"]

MAX_LEAD_S = 50.0
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayOptions:
    """How sessions are streamed.

    Attributes:
        url: Of the server.
        protocol: ``v3`` sends 50 ms a message, ``v2`` 100 ms, the least it allows.
        key: Sent as ``Authorization``; None: no such header.
        speed: How many times faster than speech.
        tail_s: Silence sent after the last recording.
        format_turns: Asked of v3, so that words come with case and punctuation.
        silence: Asked of the server about the ends of turns.
        stagger_s: Between the starts of streams; no multiple of a chunk, so that they don't beat together.
        timeout_s: How long to wait for a session to open, and again for it to end.
    """

    url: str
    protocol: ProtocolName = "v3"
    key: str | None = None
    speed: float = 1.0
    tail_s: float = 1.5
    format_turns: bool = True
    silence: Silence = field(default_factory=Silence)
    stagger_s: float = 0.27
    timeout_s: float = 30.0

    def dialect(self) -> ClientDialect:
        """A new session's protocol."""
        return dialect(self.protocol, self.silence, format_turns=self.format_turns)


def render(script: Script) -> Pcm:
    """The audio of a session, without the silence after it."""
    pcm = np.zeros(round(script.duration_s * script.sample_rate), dtype=np.int16)
    for placed in script.clips:
        samples = load_pcm(placed.clip)
        start = round(placed.offset_s * script.sample_rate)
        room = pcm[start : start + len(samples)]
        room[:] = samples[: len(room)]
    return pcm


def chunks(pcm: Pcm, sample_rate: int, chunk_ms: int, tail_s: float) -> Iterator[bytes]:
    """Cut audio, with silence after it, into messages; the last is filled up to full length."""
    size = sample_rate * chunk_ms // 1000
    tail = round(tail_s * sample_rate)
    padded = np.zeros(-(-(len(pcm) + tail) // size) * size, dtype="<i2")
    padded[: len(pcm)] = pcm
    for start in range(0, len(padded), size):
        yield padded[start : start + size].tobytes()


def effective_speed(speed: float, duration_s: float) -> float:
    """The speed at which audio of that length does not get too far ahead of the clock."""
    if duration_s <= MAX_LEAD_S:
        return speed
    return min(speed, duration_s / (duration_s - MAX_LEAD_S))


class _Session:
    """One session in progress."""

    def __init__(self, websocket: ClientConnection, spoken: ClientDialect, timeout_s: float) -> None:
        self._websocket = websocket
        self._spoken = spoken
        self._timeout_s = timeout_s
        self._clock = asyncio.get_running_loop().time
        self._begun_s = self._clock()
        self._opened = asyncio.Event()
        self.messages: list[TurnMessage] = []
        self.error: str | None = None
        self.finished = False
        self.sent_s = 0.0
        self.lag_s = 0.0
        self.terminated_s: float | None = None
        self.opened_at_s: float | None = None

    @property
    def waiting_for(self) -> str:
        """What has to come next, for people."""
        return "the session's beginning" if self.terminated_s is None else "the session's end"

    @property
    def begun_s(self) -> float:
        """Where the session's timeline begins on the loop's clock, which is the monotonic one."""
        return self._begun_s

    def now_s(self) -> float:
        """Time on the session's timeline."""
        return self._clock() - self._begun_s

    async def receive(self) -> None:
        """Note what comes until the session is over."""
        try:
            async for raw in self._websocket:
                match self._spoken.read(raw, self.now_s()):
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
            self.error = self.error or f"unreadable message: {violation}"
        finally:
            self._opened.set()  # whoever waits for the beginning needn't any more

    async def send(self, pieces: Sequence[bytes], chunk_s: float, speed: float) -> None:
        """Send all audio in time, then ask for the end."""
        await asyncio.wait_for(self._opened.wait(), self._timeout_s)
        try:
            for message in self._spoken.opening():
                await self._websocket.send(message)
            self._begun_s = self._clock()
            pacer = Pacer(self._begun_s, speed=speed)
            for piece in pieces:
                wait_s = pacer.wait_s(chunk_s, self._clock())
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                else:
                    self.lag_s = max(self.lag_s, -wait_s)
                await self._websocket.send(piece)
                self.sent_s += chunk_s
            self.terminated_s = self.now_s()
            await self._websocket.send(self._spoken.terminate)
        except ConnectionClosed:
            pass  # the receiver knows why


async def play(pcm: Pcm, sample_rate: int, options: PlayOptions) -> Trace:
    """Stream one session; a failure is told in the trace, never raised.

    Args:
        pcm: The audio.
        sample_rate: In Hz.
        options: How to stream it.
    """
    spoken = options.dialect()
    url = session_url(options.url, spoken, sample_rate)
    headers = {"Authorization": options.key} if options.key else None
    proxy: Literal[True] | None = None if urlsplit(url).hostname in _LOOPBACK else True
    pieces = list(chunks(pcm, sample_rate, spoken.chunk_ms, options.tail_s))
    chunk_s = spoken.chunk_ms / 1000
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
            session = _Session(websocket, spoken, options.timeout_s)
            receiver = asyncio.create_task(session.receive())
            try:
                await session.send(pieces, chunk_s, speed)
                await asyncio.wait_for(receiver, options.timeout_s)
            finally:
                receiver.cancel()
    except TimeoutError:
        waited = "the handshake" if session is None else session.waiting_for
        error = f"{waited} did not come within {options.timeout_s:g} s"
    except (OSError, InvalidHandshake) as problem:
        error = f"cannot connect: {problem}"
    if session is None:
        return Trace(error=error, speed=speed)
    if error is None and not session.finished:
        error = "the server closed the connection before the session's end"
    return Trace(
        messages=tuple(session.messages),
        sent_s=session.sent_s,
        terminated_s=session.terminated_s,
        closed_s=session.now_s(),
        lag_s=session.lag_s,
        speed=speed,
        opened_s=None if session.opened_at_s is None else session.opened_at_s - dialled_s,
        begun_s=session.begun_s,
        error=session.error or error,
    )


async def play_all(
    scripts: Sequence[Script],
    streams: int,
    options: PlayOptions,
    *,
    load: Callable[[Script], Pcm] = render,
    done: Callable[[Script, Trace], None] | None = None,
) -> list[Trace]:
    """Stream many sessions, so many at once; each stream takes the next session when it has ended one.

    Args:
        scripts: The sessions.
        streams: How many at once; they start ``stagger_s`` apart.
        options: How to stream them.
        load: Gives a session's audio.
        done: Told of each session that has ended.

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
            if done:
                done(script, traces[place])

    async with asyncio.TaskGroup() as group:
        for number in range(streams):
            group.create_task(stream(number))
    return traces
