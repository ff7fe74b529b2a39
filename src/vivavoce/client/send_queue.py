"""Messages of a session that wait to be sent, and those to send again after a reconnect."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from vivavoce.client.chunking import Chunker
from vivavoce.client.replay_buffer import ReplayBuffer, merge_short_audio

__all__ = ["MAX_BACKLOG", "Replayed", "SendQueue"]

MAX_BACKLOG: Final = 1_200
"""Messages that may wait, one to four minutes of audio; a sender waits while there are more.

So a microphone survives minutes of a link that is slower than its audio.
"""


class Replayed(NamedTuple):
    """What the next connection is sent again.

    Attributes:
        start_ms: Where its audio begins, in milliseconds of the session.
        replayed_ms: Audio that is sent again, in milliseconds.
        lost_ms: Audio that is sent to no connection again, in milliseconds: no turn ended for too long.
    """

    start_ms: int
    replayed_ms: int
    lost_ms: int


class SendQueue:
    """Cuts audio into messages, queues them, and keeps them until their turn is finished.

    Args:
        sample_rate: Rate of the audio, in Hz; None if unknown.
        bytes_per_sample: Width of a sample; None for compressed audio, whose pieces are messages as they are.
        channels: Number of interleaved channels.
        min_audio_ms: Least audio in a message, in milliseconds.
        replayed_text: The text message that is sent again together with the audio around it.
        keeps_audio: Whether audio is kept to be sent again. It is not for compressed audio, nor for several
            channels, because such audio can't be cut at the end of a turn.
    """

    def __init__(
        self,
        *,
        sample_rate: int | None,
        bytes_per_sample: int | None,
        channels: int,
        min_audio_ms: int,
        replayed_text: str,
        keeps_audio: bool,
    ) -> None:
        self._min_audio_ms = min_audio_ms
        self._replayed_text = replayed_text
        self._end_message: str | None = None  # the last message of the session, once it is queued
        self._chunker: Chunker | None = None  # None: every piece is a message
        self._replay: ReplayBuffer | None = None  # None: nothing is sent again
        if bytes_per_sample is not None and sample_rate is not None:
            self._chunker = Chunker(sample_rate, bytes_per_sample * channels, min_audio_ms)
            if keeps_audio and channels == 1:
                self._replay = ReplayBuffer(sample_rate, bytes_per_sample)
        self._bytes_per_s = (sample_rate or 0) * (bytes_per_sample or 0) * channels  # 0: unknown
        self._sent_bytes = 0  # over the present connection
        self._messages: deque[bytes | str] = deque()

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def can_replay(self) -> bool:
        """Whether another connection can continue the session."""
        return self._replay is not None

    @property
    def sent_s(self) -> float:
        """Audio sent over the present connection, in seconds; 0 if unknown."""
        return self._sent_bytes / self._bytes_per_s if self._bytes_per_s else 0.0

    @property
    def total_ms(self) -> int:
        """Audio sent over all connections, in milliseconds; 0 unless audio is kept."""
        return self._replay.to_ms(self._replay.end) if self._replay is not None else 0

    @property
    def unfinished_ms(self) -> int:
        """Audio after the last finished turn, sent or not, in milliseconds; 0 unless audio is kept."""
        replay = self._replay
        if replay is None:
            return 0
        waiting = sum(len(item) for item in self._messages if isinstance(item, bytes))
        waiting += self._chunker.pending_bytes if self._chunker is not None else 0
        return replay.to_ms(replay.end - replay.start + waiting + replay.lost_bytes)

    def push_audio(self, data: memoryview | bytes) -> None:
        """Queue audio. What is too short for a message waits for more."""
        if self._chunker is None:
            self._messages.append(bytes(data))
        else:
            self._messages.extend(self._chunker.push(data))

    def push(self, text: str) -> None:
        """Queue a text message."""
        self._messages.append(text)

    def push_first(self, text: str) -> None:
        """Queue a text message before all others."""
        self._messages.appendleft(text)

    def push_end(self, text: str) -> None:
        """Queue the rest of the audio, however short, and the last message of the session."""
        if self._chunker is not None and (tail := self._chunker.finish()):
            self._messages.append(tail)
        self._messages.append(text)
        self._end_message = text

    def pop(self, now: float, turn_start_ms: int | None) -> bytes | str | None:
        """Return the next message to send: binary is audio, text is JSON; None if there is none.

        Args:
            now: The time, in seconds.
            turn_start_ms: Start of the unfinished turn's first word, in milliseconds; None between turns.
        """
        if not self._messages:
            return None
        item = self._messages.popleft()
        if isinstance(item, bytes):
            self._sent_bytes += len(item)
        if self._replay is not None and (isinstance(item, bytes) or item == self._replayed_text):
            self._replay.push(item, now)
            self._replay.trim(turn_start_ms, now)
        return item

    def finish_turn(self, end_ms: int | None) -> None:
        """Drop the audio of a finished turn.

        Args:
            end_ms: End of its last word, in milliseconds of the session; None if it had none.
        """
        if self._replay is not None:
            self._replay.finish_turn(end_ms)

    def start_connection(self) -> None:
        """Count the audio of a new connection."""
        self._sent_bytes = 0

    def resume(self) -> Replayed:
        """Queue the audio of the unfinished turn again, before everything that waits.

        Only a queue with :attr:`can_replay` resumes.
        """
        replay = self._replay
        assert replay is not None  # noqa: S101  - see above
        start_ms = replay.to_ms(replay.start)
        waiting = [item for item in self._messages if item != self._end_message]
        again = replay.rewind()
        replayed_bytes = sum(len(item) for item in again if isinstance(item, bytes))
        self._messages = merge_short_audio(again + waiting, replay.to_bytes(self._min_audio_ms))
        if self._end_message is not None:
            self._messages.append(self._end_message)
        return Replayed(start_ms, replay.to_ms(replayed_bytes), replay.take_lost_ms())

    def clear(self) -> None:
        """Drop all messages that wait."""
        self._messages.clear()
