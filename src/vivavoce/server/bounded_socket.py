"""WebSockets with bounds: what a client may make the server keep, and for how long.

Uvicorn parses all that it reads at once and answers every ping. A client that sends thousands of empty
frames, or never reads, could then hold up the event loop and fill the memory.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.utils import ClientDisconnected
from websockets.frames import Frame, Opcode

from vivavoce.server.keepalive import PatientWebSocket

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveEvent, ASGISendEvent

__all__ = ["MAX_FRAGMENTS", "SLOW_READER", "STALL_S", "BoundedWebSocket", "FrameBudget"]

_log = logging.getLogger(__name__)

STALL_S: Final = 20.0
"""A client that takes nothing for this long, although data waits for it, is disconnected."""

SLOW_READER: Final = "vivavoce.slow_reader"
"""Is true in the ``state`` of a connection's ASGI scope once its client was dropped for that."""

MAX_FRAGMENTS: Final = 1_000
"""Frames of one message."""

_PIECE_BYTES: Final = 8 * 1024  # parsed at once: 1,400 frames at most, some 10 ms
_SMALL_BYTES: Final = 128  # a fragment with less is an effort without audio
_BURST: Final = 1_000.0  # frames without audio
_PER_S: Final = 100.0
_YIELD_AFTER: Final = 32  # messages that the application takes without waiting for one
_LINGER_S: Final = 2.0  # for the rest of the answer, after the closing handshake had its time

_INVALID_TEXT: Final = (1007, "text must be UTF-8")
_TOO_MANY_FRAMES: Final = (1008, "too many pings, pongs or small fragments")
_TOO_MANY_FRAGMENTS: Final = (1008, f"a message must have at most {MAX_FRAGMENTS} fragments")


class FrameBudget:
    """How many frames without audio a client may send: a bucket that refills. Pure; the time goes in."""

    def __init__(self) -> None:
        self._left = _BURST
        self._at = 0.0  # time of the last frame

    def spend(self, now: float) -> bool:
        """Count a frame; returns whether it was within the budget.

        Args:
            now: In seconds of any steady clock.
        """
        self._left = min(_BURST, self._left + _PER_S * max(0.0, now - self._at)) - 1
        self._at = now
        return self._left >= 0


class BoundedWebSocket(PatientWebSocket):
    """A WebSocket that reads no faster than its session takes, and no more than its client reads.

    It parses a small piece at a time, only while no message waits for the application, and nothing before the
    handshake is answered. It does not read while its client does not: answers to pings would pile up.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unparsed = bytearray()  # received; at most what one read returns
        self._next_piece: asyncio.Handle | None = None  # set while a piece is to be parsed soon
        self._budget = FrameBudget()
        self._taken = 0  # messages, since the application last waited for one
        self._stall_timer: asyncio.TimerHandle | None = None  # runs while the client does not read
        self._end_timer: asyncio.TimerHandle | None = None  # runs once the application has ended

    # --- reading --------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Keep the next bytes of the client until they can be parsed."""
        self.note_life()
        self._unparsed += data
        self._advance()

    def _advance(self) -> None:
        """Parse a piece soon if that is possible, and read only if nothing is left to parse."""
        if self.transport.is_closing():
            self._unparsed.clear()
            return
        # Once a close frame is sent, only the client's own one is of interest, and no message is taken.
        is_busy = not self.close_sent and not (self.queue.empty() and self.writable.is_set())
        if self._unparsed and self.handshake_complete and not is_busy and self._next_piece is None:
            self._next_piece = self.loop.call_soon(self._parse_piece)
        self.read_paused = is_busy or bool(self._unparsed)
        if self.read_paused:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _parse_piece(self) -> None:
        self._next_piece = None
        piece = bytes(self._unparsed[:_PIECE_BYTES])
        del self._unparsed[:_PIECE_BYTES]
        if not self.transport.is_closing():
            self.conn.receive_data(piece)
            self.handle_events()
            if self.conn.parser_exc is not None:
                self.handle_parser_exception()
        self._advance()

    def handle_events(self) -> None:
        """Handle the frames of a piece, unless they are too many."""
        for frame in self.conn.events_received():
            if not isinstance(frame, Frame) or self.transport.is_closing():
                continue
            is_small = not frame.fin or frame.opcode is Opcode.CONT
            is_small = is_small and len(frame.data) < _SMALL_BYTES
            is_control = frame.opcode in {Opcode.PING, Opcode.PONG}
            if (is_small or is_control) and not self._budget.spend(self.loop.time()):
                self._fail(*_TOO_MANY_FRAMES)
            elif frame.opcode is Opcode.CONT and len(self.frames) >= MAX_FRAGMENTS:
                self._fail(*_TOO_MANY_FRAGMENTS)
            else:
                self._handle(frame)

    def _handle(self, frame: Frame) -> None:
        match frame.opcode:
            case Opcode.CONT:
                self.handle_cont(frame)
            case Opcode.TEXT:
                self.handle_text(frame)
            case Opcode.BINARY:
                self.handle_bytes(frame)
            case Opcode.PING:
                self.handle_ping()
            case Opcode.PONG:
                self.handle_pong(frame)
            case Opcode.CLOSE:
                self.handle_close(frame)

    def send_receive_event_to_app(self) -> None:
        """Queue a message that is complete."""
        data = b"".join(self.frames)
        self.frames = []
        if self.close_sent:
            return
        message: ASGIReceiveEvent = {"type": "websocket.receive", "bytes": data}
        if self.curr_msg_data_type == "text":
            try:
                message = {"type": "websocket.receive", "text": data.decode()}
            except UnicodeDecodeError:
                self._fail(*_INVALID_TEXT)
                return
        self.queue.put_nowait(message)

    async def receive(self) -> ASGIReceiveEvent:
        """Return the next message; others are served between many that wait."""
        if self.queue.empty():
            self._taken = 0
        else:
            self._taken += 1
            if self._taken % _YIELD_AFTER == 0:
                await asyncio.sleep(0)
        message = await self.queue.get()
        self.note_life()
        if not self.disconnected:
            self._advance()
        return message

    # --- writing and ending ---------------------------------------------------------------------

    async def send(self, message: ASGISendEvent) -> None:
        """Send a message of the application.

        Raises:
            ClientDisconnected: The client has gone.
        """
        await self.writable.wait()
        is_over = self.transport.is_closing() if not self.handshake_complete else self.close_sent
        if is_over and self.initial_response is None:
            raise ClientDisconnected
        await super().send(message)
        if not self.disconnected:
            self._advance()

    def pause_writing(self) -> None:
        """Stop reading, and give the client a while to take what waits for it."""
        super().pause_writing()
        if self._stall_timer is None:
            self._stall_timer = self.loop.call_later(STALL_S, self._drop, "took nothing")
        self._advance()

    def resume_writing(self) -> None:
        """Read again."""
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
        self.note_life()
        self._advance()

    def _fail(self, code: int, reason: str) -> None:
        """Close the connection because of what the client sent."""
        if not self.transport.is_closing():
            self._log_end(f"closed with {code}: {reason}")
            self.conn.fail(code, reason)
            self.handle_parser_exception()

    def handle_parser_exception(self) -> None:
        """Send the close frame for what the parser refused, if one can still be sent."""
        sent = self.conn.close_sent
        code, reason = (1006, "") if sent is None else (sent.code, sent.reason)
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """Give the client a while to take the last messages, once the application has ended."""
        super().on_task_complete(task)
        if not self.disconnected:
            self._end_timer = self.loop.call_later(
                self.close_timeout + _LINGER_S, self._drop, "did not take its last messages"
            )

    def _drop(self, why: str) -> None:
        if not self.disconnected:
            self.scope["state"][SLOW_READER] = True
            self._log_end(f"dropped after {STALL_S:g} s: it {why}")
            self.transport.abort()

    def _log_end(self, how: str) -> None:
        _log.info("client %s %s", self.client[0] if self.client else "unknown", how)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what was not parsed."""
        for handle in (self._next_piece, self._stall_timer, self._end_timer):
            if handle is not None:
                handle.cancel()
        self._unparsed.clear()
        super().connection_lost(exc)
