"""Several sources in one session, and the words of each."""

import asyncio

import numpy as np
import pytest

import vivavoce
from vivavoce.streaming.v3 import (
    AsyncChannelStreamer,
    ChannelAttributionOptions,
    ChannelStreamer,
    RealTimeEvents,
    TurnEvent,
)

RATE = 16_000
CHUNK = bytes(3_200)  # 100 ms


class Recorder:
    """Stands for a client: keeps what is streamed to it."""

    def __init__(self):
        self.sent, self.handlers = [], {}

    def on(self, event, handler):
        self.handlers[event] = handler

    def stream(self, data):
        self.sent.append(data)


class AsyncRecorder(Recorder):
    async def stream(self, data):
        self.sent.append(data)


def tone(milliseconds, level):
    return np.full(RATE * milliseconds // 1000, level, np.int16)


def spoken_turn():
    words = [("one", 100, 300), ("both", 400, 500), ("two", 600, 900)]
    return TurnEvent(
        turn_order=0,
        end_of_turn=True,
        transcript="one both two",
        words=[
            vivavoce.Word(text=text, start=start, end=end, confidence=0.9, speaker="A")
            for text, start, end in words
        ],
    )


MIC = np.concatenate([tone(380, 8_000), tone(140, 4_000), tone(480, 0)])
SYSTEM = np.concatenate([tone(380, 0), tone(140, 4_000), tone(480, 8_000)])


@pytest.mark.parametrize(
    ("method", "middle"), [("none", "unknown"), ("window", "unknown"), ("speaker-history", "unknown")]
)
def test_words_are_attributed_to_the_louder_channel(method, middle):
    client, turns, frames = Recorder(), [], []
    options = ChannelAttributionOptions(resolve_unknown_channels_method=method)
    streamer = ChannelStreamer(client, ["mic", "system"], RATE, options, frames.append)
    streamer.on(RealTimeEvents.Turn, lambda _, event: turns.append(event))
    streamer.stream("mic", MIC)
    assert client.sent == [], "channels wait for each other"
    streamer.stream("system", [SYSTEM.tobytes()[:7_001], SYSTEM.tobytes()[7_001:]])
    streamer.flush()
    mixed = np.frombuffer(b"".join(client.sent), "<i2")
    assert mixed.tolist() == ((MIC.astype(int) + SYSTEM) / 2).round().astype(int).tolist()
    assert all(len(piece) <= 6_400 for piece in client.sent)
    assert {frame.channel for frame in frames} == {"mic", "system"}
    client.handlers[RealTimeEvents.Turn](client, spoken_turn())
    assert [word.channel for word in turns[0].words] == ["mic", middle, "system"]
    assert turns[0].channel == "system", "most of the time"
    assert turns[0].transcript == "one both two"


def test_unknown_words_follow_their_neighbours():
    client, turns = Recorder(), []
    streamer = ChannelStreamer(client, ["mic", "system"], RATE)
    streamer.on(RealTimeEvents.Turn, lambda _, event: turns.append(event))
    streamer.stream("mic", np.concatenate([MIC[: RATE * 520 // 1000], tone(480, 8_000)]))
    streamer.stream("system", np.concatenate([SYSTEM[: RATE * 520 // 1000], tone(480, 0)]))
    client.handlers[RealTimeEvents.Turn](client, spoken_turn())
    assert [(word.channel, word.channel_resolved) for word in turns[0].words] == [
        ("mic", None), ("mic", True), ("mic", None)
    ]  # fmt: skip


def test_a_channel_that_ends_does_not_hold_up_the_others():
    async def talk():
        client = AsyncRecorder()
        streamer = AsyncChannelStreamer(client, ["mic", "system"], RATE)
        await streamer.stream("mic", MIC)
        assert client.sent == []
        await streamer.close_channel("system")
        await streamer.flush()
        return np.frombuffer(b"".join(client.sent), "<i2")

    assert asyncio.run(talk()).tolist() == (MIC / 2).round().astype(int).tolist()


@pytest.mark.parametrize("names", [["one"], ["a", "a"], ["a", ""]])
def test_channels_have_different_names(names):
    with pytest.raises(vivavoce.ConfigurationError, match="different names"):
        ChannelStreamer(Recorder(), names, RATE)
    with pytest.raises(vivavoce.ConfigurationError, match="channel must be one of"):
        ChannelStreamer(Recorder(), ["a", "b"], RATE).stream("c", CHUNK)
    with pytest.raises(vivavoce.ConfigurationError, match="speaker-history"):
        ChannelAttributionOptions(resolve_unknown_channels_method="guess")
