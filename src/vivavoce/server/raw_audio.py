"""Finds files where a client should send raw samples: drops WAV headers, and names other formats."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from vivavoce.errors import AudioError, ProtocolViolation
from vivavoce.protocol.events import Audio, Warn
from vivavoce.recordings.formats import PROBE_BYTES, format_name
from vivavoce.recordings.wav import MAGIC_BYTES, MAGICS, UnsupportedWavError, read_wav_header
from vivavoce.types import Codec, Encoding, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vivavoce.protocol.events import Command, SessionOptions
    from vivavoce.recordings.wav import WavFormat

__all__ = ["RawAudio"]

_LONGEST_HEADER: Final = 1 << 16  # of a header in several messages; longer ones are samples
_PIECE_BYTES: Final = 1_024  # at most 40 s of Opus packets without content; of speech half a second
_WAVE_BYTES: Final = 12  # a WAV header begins with its magic, a size and the word WAVE


def _is_wav(data: bytes) -> bool:
    return data[:MAGIC_BYTES] in MAGICS and data[8:_WAVE_BYTES] == b"WAVE"


def _channels(n: int) -> str:
    return f"{n} channel" if n == 1 else f"{n} channels"


class RawAudio:
    """The audio of one client that promised raw samples. Audio of a codec is only divided."""

    def __init__(self, options: SessionOptions, min_chunk_ms: float) -> None:
        """Begin a stream.

        Args:
            options: The options of the session.
            min_chunk_ms: The least audio in one message; what is left of a message without its header may
                be shorter, and goes with the next one.
        """
        self._options = options
        self._min_chunk_ms = min_chunk_ms
        self._pending = b""  # goes before the next message: the beginning of a header, or samples after one
        self._is_first = True  # nothing was received yet
        self._foreign: str | None = None  # about a format that was found instead of samples
        self._has_warned = False  # about a header that contradicts the session

    def check(self, command: Command) -> Iterator[Command]:
        """Yield what a session should get for a command: without WAV headers, with warnings.

        Raises:
            ProtocolViolation: The audio is in another format, and not a whole number of samples.
        """
        pending, self._pending = self._pending, b""
        if not isinstance(self._options.encoding, Encoding):
            yield from self._pieces(command)
        elif isinstance(command, Audio):
            yield from self._check_audio(pending + command.data)
        else:
            if pending and not _is_wav(pending):
                yield Audio(pending)
            yield command

    def _pieces(self, command: Command) -> Iterator[Command]:
        """Divide compressed audio, which may be hours in a single message, into pieces of some seconds.

        A decoder runs to the end of what it gets. Between the pieces the limits of the session apply.
        """
        if not isinstance(command, Audio) or self._options.encoding is Codec.OPUS:  # a message is a packet
            yield command
            return
        for at in range(0, max(1, len(command.data)), _PIECE_BYTES):
            yield Audio(command.data[at : at + _PIECE_BYTES])

    def _check_audio(self, data: bytes) -> Iterator[Command]:
        is_first, self._is_first = self._is_first, False
        if _is_wav(data):
            yield from self._without_header(data)
            return
        if is_first and (name := format_name(data[:PROBE_BYTES])) is not None:
            self._foreign = self._describe(name)
            yield Warn(self._foreign, is_urgent=True)
        if self._foreign is not None and len(data) % Encoding(self._options.encoding).bytes_per_sample:
            raise ProtocolViolation(Failure.AUDIO_UNREADABLE, self._foreign)
        yield Audio(data)

    def _without_header(self, data: bytes) -> tuple[Command, ...]:
        stream = io.BytesIO(data)
        stream.seek(MAGIC_BYTES)
        header: WavFormat | None = None
        try:
            header = read_wav_header(stream.read)
        except UnsupportedWavError:
            pass
        except AudioError:
            if stream.read(1) or len(data) > _LONGEST_HEADER:  # damaged
                return (Audio(data),)
            self._pending = data
            return ()
        samples = stream.read()
        if len(samples) < self._bytes_per_ms * self._min_chunk_ms:
            self._pending, samples = samples, b""
        commands: tuple[Command, ...] = (Audio(samples),) if samples else ()
        contradiction = self._contradiction(header)
        if contradiction is None or self._has_warned:
            return commands
        self._has_warned = True
        return (Warn(contradiction, is_urgent=True), *commands)

    @property
    def _bytes_per_ms(self) -> float:
        options = self._options
        width = Encoding(options.encoding).bytes_per_sample
        return options.sample_rate * options.channels * width / 1000

    def _contradiction(self, header: WavFormat | None) -> str | None:
        options = self._options
        expected = f"{options.sample_rate} Hz, {_channels(options.channels)}, {options.encoding.value}"
        if header is None:
            return f"the WAV header names a sample format that is not the session's, {expected}"
        width = Encoding(options.encoding).bytes_per_sample
        same = (header.sample_rate, header.channels, header.bits) == (
            options.sample_rate, options.channels, 8 * width,
        )  # fmt: skip
        if same:
            return None
        found = f"{header.sample_rate} Hz, {_channels(header.channels)}, {header.bits} bits"
        return f"the WAV header says {found}, but the session expects {expected}: change the query or convert"

    def _describe(self, name: str) -> str:
        encoding = self._options.encoding.value
        return (
            f"the audio is {name}, but the session expects raw samples, {encoding}: send samples, for "
            "example from an AudioWorklet or ffmpeg -f s16le, or ask for encoding=opus, ogg_opus or aac"
        )
