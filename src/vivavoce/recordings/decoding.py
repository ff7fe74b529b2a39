"""Decodes one track of a container to mono samples, past damage and changes of format."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from vivavoce.errors import AudioError
from vivavoce.recordings.mixing import Mixer, channel_weights
from vivavoce.recordings.sound import CHUNK_MS, chunk_bytes
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vivavoce.recordings.byte_source import ShieldedFile
    from vivavoce.recordings.timeline import Timeline

__all__ = ["TrackDecoder", "mono_samples"]

_SAMPLE_BYTES: Final = 2
_MAX_FAILED_READS: Final = 64  # in succession, before the rest of a file is given up
_RATES_HZ: Final = range(1_000, 1_000_001)  # other rates are damage
_MAX_CHANNELS: Final = 64


class TrackDecoder:
    """Decodes the packets of a track, and skips what is damaged.

    Args:
        av: The module PyAV.
        container: The open container.
        stream: Its track.
        file: The bytes of the container.

    Attributes:
        n_damaged: Number of frames that could not be decoded.
        is_closed: Whether the container is closed; FFmpeg must not be called then.
    """

    def __init__(self, av: Any, container: Any, stream: Any, file: ShieldedFile) -> None:
        self._av = av
        self._container = container
        self._stream = stream
        self._file = file
        # What PyAV raises for damaged data; ValueError comes from texts and formats that it can't represent.
        self.failures: tuple[type[Exception], ...] = (av.FFmpegError, OSError, ValueError, MemoryError)
        self.n_damaged = 0
        self.is_closed = False

    def frames(self) -> Iterator[Any]:
        """Yield the decoded frames.

        Raises:
            AudioError: The file can't be read.
        """
        failed_reads = 0
        is_at_end = False
        while not is_at_end and failed_reads < _MAX_FAILED_READS and not self.is_closed:
            try:
                for packet in self._packets():
                    failed_reads = 0
                    yield from self._decoded(packet)
                is_at_end = True
            except self.failures as error:
                if isinstance(error, AudioError):
                    raise
                self.n_damaged += 1
                failed_reads += 1
        if not self.is_closed:
            yield from self._decoded(None)

    def _packets(self) -> Iterator[Any]:
        packets = self._container.demux(self._stream)
        while not self.is_closed:
            try:
                packet = next(packets, None)
            except IndexError:  # at the end, where PyAV flushes tracks that FFmpeg found too late for it
                packet = None
            finally:
                self._file.check()
            if packet is None:
                return
            if packet.size:  # an empty one would end the decoder; PyAV yields one at the end
                yield packet

    def _decoded(self, packet: Any | None) -> list[Any]:
        """Decode a packet; None flushes the decoder."""
        try:
            frames = self._stream.codec_context.decode(packet)
        except self._av.EOFError:  # flushed before
            return []
        except self.failures:
            self.n_damaged += 1
            return []
        usable = [frame for frame in frames if _is_usable(frame)]
        self.n_damaged += len(frames) - len(usable)
        return usable


def _is_usable(frame: Any) -> bool:
    return (
        frame.samples > 0 and frame.sample_rate in _RATES_HZ and 0 < frame.layout.nb_channels <= _MAX_CHANNELS
    )


class _Converter:
    """Converts frames of one format to 16-bit mono samples at the rate of the model."""

    def __init__(self, av: Any, frame: Any) -> None:
        self._resampler = av.AudioResampler(format="s16", layout=frame.layout.name, rate=MODEL_RATE_HZ)
        names = [channel.name for channel in frame.layout.channels]
        self._frame_bytes = _SAMPLE_BYTES * len(names)
        self._mixer = Mixer(len(names), MODEL_RATE_HZ, channel_weights(names))
        self._block_bytes = chunk_bytes(MODEL_RATE_HZ, self._frame_bytes, CHUNK_MS)
        self._waiting = bytearray()  # interleaved samples of less than a block

    def convert(self, frame: Any) -> Iterator[bytes]:
        """Yield mono samples; None ends the audio of this format."""
        if frame is not None:
            frame.pts = None  # the timeline has placed it
        for piece in self._resampler.resample(frame):
            # Packed samples have one plane. PyAV must not count the planes of more than seven channels.
            self._waiting += bytes(piece.planes[0])[: piece.samples * self._frame_bytes]
        while len(self._waiting) >= self._block_bytes or (frame is None and self._waiting):
            yield self._mixer.mix(bytes(self._waiting[: self._block_bytes]))
            del self._waiting[: self._block_bytes]


def mono_samples(av: Any, decoder: TrackDecoder, timeline: Timeline | None) -> Iterator[bytes]:
    """Yield 16-bit mono samples at the rate of the model, in pieces of any length.

    Args:
        av: The module PyAV.
        decoder: Of the track.
        timeline: Places its frames; None: they follow each other.
    """
    converter: _Converter | None = None
    form: object = None
    position_s, emitted = 0.0, 0
    pairs = itertools.pairwise(itertools.chain(decoder.frames(), (None,)))
    for frame, following in pairs:
        length_s = frame.samples / frame.sample_rate
        silence_s = 0.0
        if timeline is not None and frame.time is not None:
            next_s = None if following is None else following.time
            silence_s = timeline.silence_before(frame.time, frame.time + length_s, next_s, position_s)
        form_here = (frame.sample_rate, frame.format.name, frame.layout.name)
        if converter is not None and (silence_s or form_here != form):
            for piece in _converted(decoder, converter, None):
                emitted += len(piece) // _SAMPLE_BYTES
                yield piece
            converter = None
        if silence_s:
            position_s += silence_s
            for piece in _silence(round(position_s * MODEL_RATE_HZ) - emitted):
                emitted += len(piece) // _SAMPLE_BYTES
                yield piece
        position_s += length_s
        if converter is None:
            converter, form = _Converter(av, frame), form_here
        for piece in _converted(decoder, converter, frame):
            emitted += len(piece) // _SAMPLE_BYTES
            yield piece
    if converter is not None:
        yield from _converted(decoder, converter, None)


def _converted(decoder: TrackDecoder, converter: _Converter, frame: Any) -> Iterator[bytes]:
    try:
        yield from converter.convert(frame)
    except decoder.failures as error:
        if isinstance(error, AudioError):
            raise
        decoder.n_damaged += 1


def _silence(n_samples: int) -> Iterator[bytes]:
    size = chunk_bytes(MODEL_RATE_HZ, _SAMPLE_BYTES)
    left = max(0, n_samples) * _SAMPLE_BYTES
    while left > 0:
        yield bytes(min(size, left))
        left -= size
