"""Keeps the audio that must be sent again after a reconnect."""

from __future__ import annotations

import sys
from array import array
from collections import deque
from dataclasses import dataclass
from typing import Final

__all__ = ["ReplayBuffer", "merge_short_audio"]

_SEARCH_MS: Final = 200  # how far after the last word the quietest place is searched for
_FRAME_MS: Final = 10
_LEAD_MS: Final = 1_000  # audio kept before the first word of an unfinished turn
_QUIET_MS: Final = 60_000  # audio kept while no turn is unfinished
_DECODED_AFTER_S: Final = 20.0  # audio sent this long ago has been decoded: a word in it would be known
_LONGEST_MS: Final = 300_000  # a bound on memory: 10 MB at 16 kHz


@dataclass(slots=True)
class _Piece:
    data: bytes | str
    start: int  # position in bytes
    sent_at: float  # in seconds of the caller's clock


class ReplayBuffer:
    """Keeps what was sent since the last finished turn.

    Positions are counted in bytes from the first sample of the session, over all its connections.

    Args:
        sample_rate: Rate of the audio, in Hz.
        bytes_per_sample: Width of a sample: 2 is 16-bit little-endian PCM, 1 is mu-law.

    Attributes:
        start: Position of the first byte that is kept.
        end: Position after the last byte that was sent.
        lost_bytes: Size of unfinished audio that was dropped because the buffer was full.
    """

    def __init__(self, sample_rate: int, bytes_per_sample: int) -> None:
        self._rate = sample_rate
        self._width = bytes_per_sample  # of a sample, in bytes
        self._pieces: deque[_Piece] = deque()
        self.start = 0
        self.end = 0
        self.lost_bytes = 0

    def to_ms(self, position: int) -> int:
        """Convert a position, or a size, to milliseconds."""
        return position * 1000 // (self._rate * self._width)

    def to_bytes(self, milliseconds: int) -> int:
        """Convert a time to a position at the start of a sample."""
        return milliseconds * self._rate // 1000 * self._width

    def push(self, message: bytes | str, now: float) -> None:
        """Add what has just been sent: audio, or a message that must be repeated at the same position."""
        self._pieces.append(_Piece(message, self.end, now))
        if isinstance(message, bytes):
            self.end += len(message)

    def finish_turn(self, end_ms: int | None) -> None:
        """Drop the audio of a finished turn.

        Args:
            end_ms: End of its last word, in milliseconds; None if it had none.
        """
        self._pieces = deque(piece for piece in self._pieces if isinstance(piece.data, bytes))
        if end_ms is not None:
            self._drop_before(self._quietest_after(self.to_bytes(end_ms)))

    def trim(self, turn_start_ms: int | None, now: float) -> None:
        """Drop audio that will not be needed.

        Args:
            turn_start_ms: Start of the unfinished turn's first word, in milliseconds; None between turns.
            now: The time, in seconds.
        """
        longest = self.end - self.to_bytes(_LONGEST_MS)
        if longest > self.start:
            self.lost_bytes += longest - self.start
            self._drop_before(longest)
        if turn_start_ms is not None:
            self._drop_before(self.to_bytes(max(0, turn_start_ms - _LEAD_MS)))
            return
        quiet = self.end - self.to_bytes(_QUIET_MS)
        while self._pieces and self._pieces[0].start < quiet:
            if now - self._pieces[0].sent_at < _DECODED_AFTER_S:
                break
            self._pieces.popleft()
            self.start = self._pieces[0].start if self._pieces else self.end

    def rewind(self) -> list[bytes | str]:
        """Empty the buffer and return its contents, to be sent and pushed again."""
        messages = [piece.data for piece in self._pieces]
        self._pieces.clear()
        self.end = self.start
        return messages

    def take_lost_ms(self) -> int:
        """Return how much audio was lost since the last call, in milliseconds."""
        lost_ms, self.lost_bytes = self.to_ms(self.lost_bytes), 0
        return lost_ms

    def _drop_before(self, position: int) -> None:
        position = min(position, self.end)
        while self._pieces:
            first = self._pieces[0]
            length = len(first.data) if isinstance(first.data, bytes) else 0
            if first.start >= position:
                break
            if first.start + length > position:
                first.data = first.data[position - first.start :]
                first.start = position
                break
            self._pieces.popleft()
        self.start = max(self.start, position)

    def _quietest_after(self, position: int) -> int:
        """Find the best place to cut: word ends are only accurate to about 100 ms."""
        position = max(position, self.start)
        stretch = self._read(position, position + self.to_bytes(_SEARCH_MS))
        size = self.to_bytes(_FRAME_MS)
        best, quietest = position, None
        for at in range(0, len(stretch) - size + 1, size):
            loudness = self._loudness(stretch[at : at + size])
            if quietest is None or loudness <= quietest:
                best, quietest = position + at, loudness
        return best

    def _read(self, start: int, end: int) -> bytes:
        found = bytearray()
        for piece in self._pieces:
            if isinstance(piece.data, bytes) and piece.start + len(piece.data) > start:
                if piece.start >= end:
                    break
                found += piece.data[max(0, start - piece.start) : end - piece.start]
        return bytes(found)

    def _loudness(self, frame: bytes) -> int:
        if self._width == 1:  # mu-law: the lower seven bits fall from 127 at rest
            return sum(127 - (value & 127) for value in frame)
        samples = array("h", frame)
        if sys.byteorder == "big":
            samples.byteswap()
        return sum(map(abs, samples))


def merge_short_audio(items: list[bytes | str], shortest_bytes: int) -> deque[bytes | str]:
    """Return the same messages, with audio too short for a message of its own merged into the audio after it.

    Args:
        items: Messages in order: binary is audio, text is JSON.
        shortest_bytes: Smallest size of an audio message. Only the last one may be smaller.
    """
    queue: deque[bytes | str] = deque()
    short = b""
    for item in items:
        if isinstance(item, str):
            queue.append(item)
        elif len(short) + len(item) < shortest_bytes:
            short += item
        else:
            queue.append(short + item)
            short = b""
    if short:
        queue.append(short)
    return queue
