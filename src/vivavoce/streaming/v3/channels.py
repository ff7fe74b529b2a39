"""Several sources, such as a microphone and the computer's own audio, mixed into one session."""

from __future__ import annotations

import inspect
import sys
from array import array
from typing import TYPE_CHECKING, Any, Final

import msgspec

from vivavoce.client.chunking import as_bytes, check_source_rate, is_audio
from vivavoce.errors import ConfigurationError
from vivavoce.protocol.aai_v3.messages import MIN_AUDIO_MS
from vivavoce.streaming.v3.attribution import (
    ChannelAttributionOptions,
    DualChannelTurnEvent,
    EnergyVad,
    VadFrame,
    VadTimeline,
    attribute_turn,
    resolve_unknown,
)
from vivavoce.streaming.v3.models import RealTimeEvents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from vivavoce.client.chunking import Audio
    from vivavoce.client.events import TurnEvent
    from vivavoce.streaming.v3.async_client import AsyncRealTimeTranscriber
    from vivavoce.streaming.v3.client import RealTimeTranscriber

__all__ = ["AsyncChannelStreamer", "ChannelStreamer"]

_FRAME_MS: Final = 20
_LONGEST_MS: Final = 200
_FULL_SCALE: Final = 32_768
_MIN_CHANNELS: Final = 2

# Before threads decode it; see `vivavoce.protocol.aai_v3.messages`.
msgspec.json.Decoder(DualChannelTurnEvent)


class _Channel:
    """The samples of one source and their voice activity."""

    def __init__(self, name: str, sample_rate: int, options: ChannelAttributionOptions) -> None:
        self.name = name
        self.waiting = array("h")  # samples that are not mixed yet
        self.ended = False
        self._rate = sample_rate
        self._frame_samples = max(1, sample_rate * _FRAME_MS // 1000)
        self._frame: list[float] = []  # samples since the last whole frame, -1 to 1
        self._half = b""  # the first byte of an incomplete sample
        self._detected = 0  # samples in whole frames so far
        self._detector = (options.create_vad or (lambda _: EnergyVad()))(name)

    def take(self, data: memoryview) -> Iterator[VadFrame]:
        """Add 16-bit samples and yield the frames that they complete."""
        raw = self._half + bytes(data)
        whole = len(raw) // 2 * 2
        self._half = raw[whole:]
        samples = array("h", raw[:whole])
        if sys.byteorder == "big":
            samples.byteswap()
        self.waiting.extend(samples)
        self._frame.extend(sample / _FULL_SCALE for sample in samples)
        while len(self._frame) >= self._frame_samples:
            result = self._detector.process(self._frame[: self._frame_samples])
            del self._frame[: self._frame_samples]
            self._detected += self._frame_samples
            yield VadFrame(self._detected * 1000 / self._rate, self.name, result.active, result.energy)


class _Mixer:
    """The part of both streamers that does not send."""

    def __init__(
        self,
        client: Any,
        channels: Sequence[str],
        sample_rate: int,
        attribution: ChannelAttributionOptions | None = None,
        on_vad: Callable[[VadFrame], None] | None = None,
    ) -> None:
        names = list(channels)
        if len(names) < _MIN_CHANNELS or len(set(names)) != len(names) or not all(names):
            raise ConfigurationError(f"channels must be two or more different names, got {names!r}")
        self.channels = names
        self._client = client
        self._sample_rate = sample_rate
        self._options = attribution or ChannelAttributionOptions()
        self._on_vad = on_vad
        self._channels = {name: _Channel(name, sample_rate, self._options) for name in names}
        self._shortest = sample_rate * MIN_AUDIO_MS // 1000
        self._longest = sample_rate * _LONGEST_MS // 1000
        self._timeline = VadTimeline(self._options.timeline_window_ms)
        self._history: dict[str, dict[str, float]] = {}
        self._handlers: list[Callable[..., Any]] = []
        client.on(RealTimeEvents.Turn, self._handle_turn)

    def on(self, event: RealTimeEvents, handler: Callable[..., Any]) -> None:
        """Register a handler as the client's ``on()`` does; handlers of turns get a DualChannelTurnEvent."""
        if event == RealTimeEvents.Turn:
            self._handlers.append(handler)
        else:
            self._client.on(event, handler)

    def _handle_turn(self, client: Any, turn: TurnEvent) -> Any:
        raise NotImplementedError

    def _attributed(self, turn: TurnEvent) -> DualChannelTurnEvent:
        mixed = msgspec.convert({**turn.model_dump(), "channel": None}, DualChannelTurnEvent)
        attribute_turn(mixed, self._timeline, self._options.dominance_ratio)
        resolve_unknown(mixed, self._timeline, self._options, self._history)
        return mixed

    def _channel(self, name: str) -> _Channel:
        if name not in self._channels:
            raise ConfigurationError(f"channel must be one of {', '.join(self.channels)}, got {name!r}")
        return self._channels[name]

    def _take(self, name: str, data: Audio | Iterable[Audio]) -> None:
        channel = self._channel(name)
        check_source_rate(data, self._sample_rate)
        for piece in (data,) if is_audio(data) else data:  # type: ignore[union-attr]
            for frame in channel.take(as_bytes(piece)):
                self._timeline.push_frame(frame)
                if self._on_vad is not None:
                    self._on_vad(frame)

    def _mixed(self, *, flush: bool = False) -> Iterator[bytes]:
        """The audio that is complete. An ended channel counts as silent; the others wait for each other."""
        while True:
            live = [len(each.waiting) for each in self._channels.values() if not each.ended]
            most = max(len(each.waiting) for each in self._channels.values())
            ready = most if flush or not live else min(live)
            if not ready or (ready < self._shortest and not flush and live):
                return
            yield self._mix(min(ready, self._longest))

    def _mix(self, count: int) -> bytes:
        parts = []
        for channel in self._channels.values():
            part = channel.waiting[:count]
            del channel.waiting[:count]
            part.extend([0] * (count - len(part)))
            parts.append(part)
        mixed = array("h", (round(sum(samples) / len(parts)) for samples in zip(*parts, strict=True)))
        if sys.byteorder == "big":
            mixed.byteswap()
        return mixed.tobytes()


class ChannelStreamer(_Mixer):
    """Mixes channels into one session and attributes each word to one of them.

    Send each channel 16-bit little-endian PCM (or an array) of the same sample rate without gaps, with
    silence as zeros. Call :meth:`close_channel` when a source ends before the others, and :meth:`flush`
    before ``client.disconnect(terminate=True)``.

    Args:
        client: The client of the session.
        channels: Names of the sources, two or more.
        sample_rate: Sample rate of all sources, in Hz.
        attribution: The rules of attribution.
        on_vad: Called with every frame of every channel.

    Raises:
        ConfigurationError: There are fewer than two names, or two are equal, or one is empty.
    """

    _client: RealTimeTranscriber

    def _handle_turn(self, client: RealTimeTranscriber, turn: TurnEvent) -> None:
        mixed = self._attributed(turn)
        for handler in self._handlers:
            handler(client, mixed)

    def stream(self, channel: str, data: Audio | Iterable[Audio]) -> None:
        """Add audio to a channel and send all that is complete.

        Raises:
            ConfigurationError: The channel is unknown, or the data states another sample rate.
            RealTimeError: No session is open.
        """
        self._take(channel, data)
        self._send()

    def close_channel(self, channel: str) -> None:
        """End a channel, so that the others no longer wait for it.

        Raises:
            ConfigurationError: The channel is unknown.
        """
        self._channel(channel).ended = True
        self._send()

    def flush(self) -> None:
        """Send the rest of the audio."""
        self._send(flush=True)

    def _send(self, *, flush: bool = False) -> None:
        for piece in self._mixed(flush=flush):
            self._client.stream(piece)


class AsyncChannelStreamer(_Mixer):
    """A :class:`ChannelStreamer` with coroutines. Handlers may be coroutine functions."""

    _client: AsyncRealTimeTranscriber

    async def _handle_turn(self, client: AsyncRealTimeTranscriber, turn: TurnEvent) -> None:
        mixed = self._attributed(turn)
        for handler in self._handlers:
            result = handler(client, mixed)
            if inspect.isawaitable(result):
                await result

    async def stream(self, channel: str, data: Audio | Iterable[Audio]) -> None:
        """Add audio to a channel and send all that is complete.

        Raises:
            ConfigurationError: The channel is unknown, or the data states another sample rate.
            RealTimeError: No session is open.
        """
        self._take(channel, data)
        await self._send()

    async def close_channel(self, channel: str) -> None:
        """End a channel, so that the others no longer wait for it.

        Raises:
            ConfigurationError: The channel is unknown.
        """
        self._channel(channel).ended = True
        await self._send()

    async def flush(self) -> None:
        """Send the rest of the audio."""
        await self._send(flush=True)

    async def _send(self, *, flush: bool = False) -> None:
        for piece in self._mixed(flush=flush):
            await self._client.stream(piece)
