"""Several sources, such as a microphone and what the computer plays, in one session of one channel."""

from __future__ import annotations

import inspect
import sys
from array import array
from typing import TYPE_CHECKING, Any, Final

import msgspec

from vivavoce.client.chunking import as_bytes, is_audio
from vivavoce.errors import ConfigurationError
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
_SHORTEST_MS: Final = 50
_LONGEST_MS: Final = 200
_FULL_SCALE: Final = 32_768
_MIN_CHANNELS: Final = 2


class _Channel:
    def __init__(self, name: str, sample_rate: int, options: ChannelAttributionOptions) -> None:
        self.name = name
        self.waiting = array("h")
        self.ended = False
        self._rate = sample_rate
        self._frame_samples = max(1, sample_rate * _FRAME_MS // 1000)
        self._frame: list[float] = []
        self._half = b""
        self._judged = 0
        self._detector = (options.create_vad or (lambda _: EnergyVad()))(name)

    def take(self, data: memoryview) -> Iterator[VadFrame]:
        """Add 16-bit samples; what was heard in them comes out."""
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
            self._judged += self._frame_samples
            yield VadFrame(self._judged * 1000 / self._rate, self.name, result.active, result.energy)


class _Mixer:
    """What both streamers do apart from sending."""

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
        self._options = attribution or ChannelAttributionOptions()
        self._on_vad = on_vad
        self._channels = {name: _Channel(name, sample_rate, self._options) for name in names}
        self._shortest = sample_rate * _SHORTEST_MS // 1000
        self._longest = sample_rate * _LONGEST_MS // 1000
        self._timeline = VadTimeline(self._options.timeline_window_ms)
        self._history: dict[str, dict[str, float]] = {}
        self._handlers: list[Callable[..., Any]] = []
        client.on(RealTimeEvents.Turn, self._handle_turn)

    def on(self, event: RealTimeEvents, handler: Callable[..., Any]) -> None:
        """As the client's ``on()``; handlers of turns get a DualChannelTurnEvent."""
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
            raise ConfigurationError(f"no such channel: {name!r}; there are {', '.join(self.channels)}")
        return self._channels[name]

    def _take(self, name: str, data: Audio | Iterable[Audio]) -> None:
        channel = self._channel(name)
        for piece in (data,) if is_audio(data) else data:  # type: ignore[union-attr]
            for frame in channel.take(as_bytes(piece)):
                self._timeline.push_frame(frame)
                if self._on_vad is not None:
                    self._on_vad(frame)

    def _mixed(self, *, all_of_it: bool = False) -> Iterator[bytes]:
        """What can be sent now. A channel that has ended counts as silent; the others wait for each other."""
        while True:
            live = [len(each.waiting) for each in self._channels.values() if not each.ended]
            most = max(len(each.waiting) for each in self._channels.values())
            ready = most if all_of_it or not live else min(live)
            if not ready or (ready < self._shortest and not all_of_it and live):
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
    """Mixes channels into one session and tells of every word which of them it came from.

    Feed every channel 16-bit little-endian PCM (or an array) of one rate without gaps, silence as zeros.
    :meth:`close_channel` when a source ends before the others, :meth:`flush` before
    ``client.disconnect(terminate=True)``.

    Args:
        client: Whose session it is.
        channels: Names of the sources, two or more.
        sample_rate: Of all of them, in Hz.
        attribution: How words are attributed.
        on_vad: Called with every frame of every channel.

    Raises:
        ConfigurationError: The names are too few, empty, or the same.
    """

    _client: RealTimeTranscriber

    def _handle_turn(self, client: RealTimeTranscriber, turn: TurnEvent) -> None:
        mixed = self._attributed(turn)
        for handler in self._handlers:
            handler(client, mixed)

    def stream(self, channel: str, data: Audio | Iterable[Audio]) -> None:
        """Take sound of a channel, and send what can be mixed by now.

        Raises:
            ConfigurationError: There is no such channel.
            RealTimeError: No session is open.
        """
        self._take(channel, data)
        self._send()

    def close_channel(self, channel: str) -> None:
        """Say that no more comes from a channel, so that the others don't wait for it.

        Raises:
            ConfigurationError: There is no such channel.
        """
        self._channel(channel).ended = True
        self._send()

    def flush(self) -> None:
        """Send all that is left."""
        self._send(all_of_it=True)

    def _send(self, *, all_of_it: bool = False) -> None:
        for piece in self._mixed(all_of_it=all_of_it):
            self._client.stream(piece)


class AsyncChannelStreamer(_Mixer):
    """As :class:`ChannelStreamer`, with coroutines. Handlers may be coroutine functions."""

    _client: AsyncRealTimeTranscriber

    async def _handle_turn(self, client: AsyncRealTimeTranscriber, turn: TurnEvent) -> None:
        mixed = self._attributed(turn)
        for handler in self._handlers:
            result = handler(client, mixed)
            if inspect.isawaitable(result):
                await result

    async def stream(self, channel: str, data: Audio | Iterable[Audio]) -> None:
        """Take sound of a channel, and send what can be mixed by now.

        Raises:
            ConfigurationError: There is no such channel.
            RealTimeError: No session is open.
        """
        self._take(channel, data)
        await self._send()

    async def close_channel(self, channel: str) -> None:
        """Say that no more comes from a channel, so that the others don't wait for it.

        Raises:
            ConfigurationError: There is no such channel.
        """
        self._channel(channel).ended = True
        await self._send()

    async def flush(self) -> None:
        """Send all that is left."""
        await self._send(all_of_it=True)

    async def _send(self, *, all_of_it: bool = False) -> None:
        for piece in self._mixed(all_of_it=all_of_it):
            await self._client.stream(piece)
