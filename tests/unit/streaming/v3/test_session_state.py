"""Calls that the state of a session does not allow raise a RealtimeError that is a RuntimeError, too."""

import asyncio
import logging
import threading

import pytest

import vivavoce
from support import virtual_time
from support.simulated_network import Network, is_dead, is_quick
from vivavoce.client.handlers import BLOCKED_HANDLERS
from vivavoce.streaming.v3 import (
    AsyncStreamingClient,
    ChannelStreamer,
    StreamingClient,
    StreamingClientOptions,
    StreamingEvents,
    StreamingParameters,
)

PARAMETERS = StreamingParameters(sample_rate=16_000)
CALLS = {
    "stream": lambda client: client.stream(bytes(3_200)),
    "force_endpoint": lambda client: client.force_endpoint(),
    "keep_alive": lambda client: client.keep_alive(),
    "set_params": lambda client: client.set_params(
        StreamingParameters(sample_rate=16_000, max_turn_silence=900)
    ),
}
BOTH = (vivavoce.RealtimeError, RuntimeError)


@pytest.mark.parametrize("name", CALLS)
def test_calls_before_the_first_connection(name):
    for error in BOTH:
        with pytest.raises(error, match="not connected"):
            CALLS[name](StreamingClient())
        with pytest.raises(error, match="not connected"):
            asyncio.run(CALLS[name](AsyncStreamingClient()))


def test_a_second_connection_and_a_call_after_the_end():
    client = StreamingClient(transport=Network(is_dead))
    client.connect(PARAMETERS)
    for error in BOTH:
        with pytest.raises(error, match="already been connected"):
            client.connect(PARAMETERS)
    client.disconnect()
    for error in BOTH:
        with pytest.raises(error, match="was closed"):
            client.stream(bytes(3_200))


def test_a_transcriber_of_v2_without_a_session():
    transcriber = vivavoce.RealtimeTranscriber(sample_rate=16_000, on_data=print, on_error=print)
    for error in BOTH:
        with pytest.raises(error, match="not connected"):
            transcriber.stream(bytes(3_200))


class Fast(list):
    """Pieces of audio from a microphone of another rate."""

    sample_rate = 44_100


def test_a_source_of_another_rate_is_refused():
    client = StreamingClient(transport=Network(is_dead))
    streamer = ChannelStreamer(client, ["mic", "system"], 16_000)
    client.connect(PARAMETERS)
    for stream in (client.stream, lambda source: streamer.stream("mic", source)):
        with pytest.raises(vivavoce.ConfigurationError, match=r"44100 Hz.*16000 Hz"):
            stream(Fast([bytes(3_200)]))
    client.disconnect()


def test_a_source_of_another_rate_is_refused_by_the_async_client():
    async def main():
        client = AsyncStreamingClient(transport=Network(is_dead))
        await client.connect(PARAMETERS)
        with pytest.raises(vivavoce.ConfigurationError, match=r"44100 Hz.*16000 Hz"):
            await client.stream(Fast([bytes(3_200)]))
        await client.disconnect()

    asyncio.run(main())


# --- handlers ------------------------------------------------------------------------------


@pytest.mark.parametrize("terminate", [False, True])
def test_disconnecting_cancels_a_handler_that_waits(terminate):
    async def main():
        begun, events = asyncio.Event(), []

        async def waits(client, event):
            begun.set()
            try:
                await asyncio.sleep(3_600)
            finally:
                events.append("cancelled")

        options = StreamingClientOptions(terminate_timeout=0.2 if terminate else 3_600.0)
        client = AsyncStreamingClient(options, transport=Network(is_quick))
        client.on(StreamingEvents.Begin, waits)
        client.on(StreamingEvents.Closed, lambda *_: events.append("closed"))
        await client.connect(PARAMETERS)
        await begun.wait()
        await client.disconnect(terminate=terminate)
        assert events == ["cancelled", "closed"]
        await client.disconnect()

    virtual_time.run(main())


def endless():
    """A source of an unknown length that ends at once: the test does not wait for its warning."""
    yield bytes(3_200)


def test_a_source_in_a_handler_is_warned_about(caplog):
    begun = threading.Event()

    def begin(client, event):
        client.stream([bytes(3_200)])
        assert not caplog.records
        client.stream(endless())
        client.stream(endless())
        begun.set()

    client = StreamingClient(transport=Network(is_quick))
    client.on(StreamingEvents.Begin, begin)
    with caplog.at_level(logging.WARNING):
        client.connect(PARAMETERS)
        assert begun.wait(20)
        client.stream(endless())
        client.disconnect()
    assert [record.getMessage() for record in caplog.records] == [BLOCKED_HANDLERS]


def test_a_source_in_a_handler_is_warned_about_by_the_async_client(caplog):
    async def main():
        begun = asyncio.Event()

        async def begin(client, event):
            await client.stream([bytes(3_200)])
            assert not caplog.records
            await client.stream(endless())
            begun.set()

        client = AsyncStreamingClient(transport=Network(is_quick))
        client.on(StreamingEvents.Begin, begin)
        await client.connect(PARAMETERS)
        await begun.wait()
        await client.stream(endless())
        await client.disconnect()

    with caplog.at_level(logging.WARNING):
        asyncio.run(main())
    assert [record.getMessage() for record in caplog.records] == [BLOCKED_HANDLERS]
