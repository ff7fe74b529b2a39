"""The vendor's Python SDK from 0.64.3, or ours: the asyncio client of Universal-Streaming."""

import asyncio
import importlib

from common import CONFIG, KEY, RATE, SDK, chunks_async, report
from v3_events import UPDATE, client_options, parameters, register_handlers

v3 = importlib.import_module(f"{SDK}.streaming.v3")

Client = getattr(v3, "AsyncRealTimeTranscriber", None) or v3.AsyncStreamingClient


async def main():
    options = client_options(v3, KEY)
    if CONFIG["with_token"]:
        token = await Client(options).create_temporary_token(expires_in_seconds=60)
        options = client_options(v3, token=token)
    client = Client(options)
    streamer = v3.AsyncChannelStreamer(client, CONFIG["channels"], RATE) if CONFIG["channels"] else None
    register_handlers(v3, streamer or client)
    await client.connect(v3.StreamingParameters(**parameters(v3)))

    async def control():
        report("force")
        await client.force_endpoint()
        await client.set_params(v3.StreamingSessionParameters(**UPDATE))

    if streamer is None:
        await client.stream(chunks_async(control if CONFIG["with_controls"] else None))
    else:
        # One channel has the audio, the other is silent. Midway they change.
        channels = list(CONFIG["channels"])

        async def change():
            channels.reverse()

        async for chunk in chunks_async(change):
            await streamer.stream(channels[0], chunk)
            await streamer.stream(channels[1], bytes(len(chunk)))
        await streamer.flush()
    await client.disconnect(terminate=True)


asyncio.run(main())
report("done")
