"""Decoding of compressed audio streams: Opus packets, Ogg Opus, and AAC in ADTS frames.

PyAV (FFmpeg) decodes; it is in the ``audio`` extra.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vivavoce.asr.audio.ogg import OggPackets
from vivavoce.errors import ProtocolViolation
from vivavoce.types import Codec, Failure

if TYPE_CHECKING:
    from vivavoce.asr.audio.pcm import Samples

__all__ = ["CodecDecoder"]

_OPUS_RATE_HZ: Final = 48_000
_OPUS_HEADER: Final = b"OpusHead"
_OPUS_TAGS: Final = b"OpusTags"
_OPUS_HEADER_BYTES: Final = 19
_MAX_OPUS_CHANNELS: Final = 2
# PyAV counts the planes of a frame up to the first null pointer. FFmpeg has a fixed array for eight pointers,
# and puts more than eight into a list without a null. With eight channels or more PyAV therefore takes other
# memory for pointers, which can end the process.
_MAX_PLANES: Final = 7
_MAX_BYTES_WITHOUT_AUDIO: Final = 64 * 1024  # a picture in front of the audio is shorter


class CodecDecoder:
    """Decodes one stream to mono samples.

    Attributes:
        rate_hz: Sample rate of the decoded audio; None until it is known.
    """

    def __init__(self, codec: Codec) -> None:
        """Begin a stream.

        Raises:
            ProtocolViolation: PyAV is not installed.
        """
        try:
            import av  # noqa: PLC0415 - in an extra
        except ModuleNotFoundError:
            raise ProtocolViolation(
                Failure.BAD_ENCODING,
                f'encoding {codec.value} needs PyAV on the server: pip install "vivavoce[audio]"',
            ) from None
        self._av = av
        self._codec = codec
        self._ogg = OggPackets() if codec is Codec.OGG_OPUS else None
        self._skip = 0  # samples at the start of an Ogg stream that are not part of the audio
        self._bytes_without_audio = 0  # since the last decoded sample
        self.rate_hz: int | None = None if codec is Codec.AAC else _OPUS_RATE_HZ
        self._context: Any = av.CodecContext.create("aac" if codec is Codec.AAC else "libopus", "r")
        if codec is not Codec.AAC:
            self._context.sample_rate = _OPUS_RATE_HZ
            self._context.layout = "mono"

    def decode(self, data: bytes) -> Samples:
        """Decode the next bytes of the stream.

        Returns:
            Shape (n,), float32, at ``rate_hz``.

        Raises:
            ProtocolViolation: The bytes are not such audio.
        """
        if not data:
            return np.zeros(0, dtype=np.float32)
        samples = self._decode_packets(self._packets(data))
        self._bytes_without_audio = 0 if len(samples) else self._bytes_without_audio + len(data)
        if self._bytes_without_audio > _MAX_BYTES_WITHOUT_AUDIO:
            raise _unreadable(self._codec, f"no audio in {self._bytes_without_audio} bytes")
        return samples

    def finish(self) -> Samples:
        """Return the samples that the decoder still holds, shape (n,), float32, without undecodable ones."""
        pieces = [np.zeros(0, dtype=np.float32)]
        try:
            if self._codec is Codec.AAC:
                pieces.append(self._decode_packets(self._context.parse(b"")))
            pieces.append(self._decode_packets([None]))
        except (ProtocolViolation, self._av.error.FFmpegError):
            pass  # the end of a truncated stream
        return np.concatenate(pieces)

    def _packets(self, data: bytes) -> list[Any]:
        if self._codec is Codec.OPUS:
            return [self._av.Packet(data)]
        if self._ogg is None:
            return list(self._context.parse(data))
        return [self._av.Packet(packet) for packet in self._ogg.feed(data) if not self._is_header(packet)]

    def _is_header(self, packet: bytes) -> bool:
        """Whether an Ogg packet is one of the two before the audio; RFC 7845, section 5."""
        if packet.startswith(_OPUS_HEADER):
            if len(packet) < _OPUS_HEADER_BYTES or not 1 <= packet[9] <= _MAX_OPUS_CHANNELS:
                raise _unreadable(self._codec, "OpusHead must be complete and have 1 or 2 channels")
            self._skip = int.from_bytes(packet[10:12], "little")
            return True
        return packet.startswith(_OPUS_TAGS) or not packet

    def _decode_packets(self, packets: list[Any]) -> Samples:
        pieces = [np.zeros(0, dtype=np.float32)]
        try:
            for packet in packets:
                pieces.extend(self._mono(frame) for frame in self._context.decode(packet))
        except self._av.error.FFmpegError as error:
            raise _unreadable(self._codec, error.strerror or str(error)) from error
        samples = np.concatenate(pieces)
        skipped = min(self._skip, len(samples))
        self._skip -= skipped
        return samples[skipped:]

    def _mono(self, frame: Any) -> Samples:
        """Mix the channels of a frame; shape (n,), float32."""
        if self.rate_hz not in {None, frame.sample_rate}:
            raise _unreadable(self._codec, f"the sample rate changed to {frame.sample_rate}")
        self.rate_hz = int(frame.sample_rate)
        n_channels = len(frame.layout.channels)
        if not 1 <= n_channels <= _MAX_PLANES:
            raise _unreadable(self._codec, f"{n_channels} channels; send at most {_MAX_PLANES}")
        if len(frame.planes) != (n_channels if frame.format.is_planar else 1):
            raise _unreadable(self._codec, "a frame without the samples of all channels")
        values = frame.to_ndarray()
        if not frame.format.is_planar:
            values = values.reshape(-1, n_channels).T
        if values.dtype.kind == "i":
            values = values / np.float32(np.iinfo(values.dtype).max + 1)
        return np.asarray(values.mean(axis=0), dtype=np.float32)


def _unreadable(codec: Codec, why: str) -> ProtocolViolation:
    return ProtocolViolation(Failure.AUDIO_UNREADABLE, f"Failed to decode {codec.value}: {why}")
