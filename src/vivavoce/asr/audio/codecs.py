"""Compressed audio streams, decoded as they come: Opus packets, Ogg Opus, AAC in ADTS frames.

PyAV does the decoding; it is in the ``audio`` extra.
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
_HEAD: Final = b"OpusHead"
_TAGS: Final = b"OpusTags"
_HEAD_BYTES: Final = 19
_MAX_CHANNELS: Final = 2
_MAX_BYTES_WITHOUT_SOUND: Final = 64 * 1024  # by then even a file with a picture in it has begun


class CodecDecoder:
    """Decodes one stream to mono samples.

    Attributes:
        rate_hz: Of what comes out; None until it is known.
    """

    def __init__(self, codec: Codec) -> None:
        """Prepare to decode.

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
        self._skip = 0  # samples at the beginning of an Ogg stream that are not to be heard
        self._silent_bytes = 0
        self.rate_hz: int | None = None if codec is Codec.AAC else _OPUS_RATE_HZ
        self._context: Any = av.CodecContext.create("aac" if codec is Codec.AAC else "libopus", "r")
        if codec is not Codec.AAC:
            self._context.sample_rate = _OPUS_RATE_HZ
            self._context.layout = "mono"

    def decode(self, data: bytes) -> Samples:
        """Take what came next; returns what it holds, shape (n,), float32, at ``rate_hz``.

        Raises:
            ProtocolViolation: It is no such audio.
        """
        if not data:
            return np.zeros(0, dtype=np.float32)
        samples = self._decode_packets(self._packets(data))
        self._silent_bytes = 0 if len(samples) else self._silent_bytes + len(data)
        if self._silent_bytes > _MAX_BYTES_WITHOUT_SOUND:
            raise _unreadable(self._codec, f"no audio in {self._silent_bytes} bytes")
        return samples

    def finish(self) -> Samples:
        """Return what was held back, shape (n,), float32; what can't be decoded is left out."""
        pieces = [np.zeros(0, dtype=np.float32)]
        try:
            if self._codec is Codec.AAC:
                pieces.append(self._decode_packets(self._context.parse(b"")))
            pieces.append(self._decode_packets([None]))
        except (ProtocolViolation, self._av.error.FFmpegError):
            pass  # the end of a stream that was cut off
        return np.concatenate(pieces)

    def _packets(self, data: bytes) -> list[Any]:
        if self._codec is Codec.OPUS:
            return [self._av.Packet(data)]
        if self._ogg is None:
            return list(self._context.parse(data))
        return [self._av.Packet(packet) for packet in self._ogg.feed(data) if not self._is_head(packet)]

    def _is_head(self, packet: bytes) -> bool:
        """Whether an Ogg packet is one of the two in front of the sound; RFC 7845, section 5."""
        if packet.startswith(_HEAD):
            if len(packet) < _HEAD_BYTES or not 1 <= packet[9] <= _MAX_CHANNELS:
                raise _unreadable(self._codec, "OpusHead is broken or has more than two channels")
            self._skip = int.from_bytes(packet[10:12], "little")
            return True
        return packet.startswith(_TAGS) or not packet

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
        if self.rate_hz not in {None, frame.sample_rate}:
            raise _unreadable(self._codec, f"the sample rate changed to {frame.sample_rate}")
        self.rate_hz = int(frame.sample_rate)
        values = frame.to_ndarray()
        n_channels = len(frame.layout.channels)
        if not frame.format.is_planar:
            values = values.reshape(-1, n_channels).T
        if values.dtype.kind == "i":
            values = values / np.float32(np.iinfo(values.dtype).max + 1)
        return np.asarray(values.mean(axis=0), dtype=np.float32)


def _unreadable(codec: Codec, why: str) -> ProtocolViolation:
    return ProtocolViolation(Failure.AUDIO_UNREADABLE, f"Failed to decode {codec.value}: {why}")
