"""Calls that the state of a session does not allow raise a RealtimeError that is a RuntimeError, too."""

import asyncio

import pytest

import vivavoce
from support.simulated_network import Network, is_dead
from vivavoce.streaming.v3 import AsyncStreamingClient, ChannelStreamer, StreamingClient, StreamingParameters

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
        with pytest.raises(error, match="no session is open"):
            CALLS[name](StreamingClient())
        with pytest.raises(error, match="no session is open"):
            asyncio.run(CALLS[name](AsyncStreamingClient()))


def test_a_second_connection_and_a_call_after_the_end():
    client = StreamingClient(transport=Network(is_dead))
    client.connect(PARAMETERS)
    for error in BOTH:
        with pytest.raises(error, match="open already"):
            client.connect(PARAMETERS)
    client.disconnect()
    for error in BOTH:
        with pytest.raises(error, match="was closed"):
            client.stream(bytes(3_200))


def test_a_transcriber_of_v2_without_a_session():
    transcriber = vivavoce.RealtimeTranscriber(sample_rate=16_000, on_data=print, on_error=print)
    for error in BOTH:
        with pytest.raises(error, match="no session is open"):
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
