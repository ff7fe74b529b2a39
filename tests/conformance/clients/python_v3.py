"""The vendor's Python SDK from 0.41, or ours: the threaded client of Universal-Streaming."""

import importlib

from common import CONFIG, KEY, RATE, SDK, chunks, report
from v3_events import UPDATE, client_options, parameters, register_handlers

v3 = importlib.import_module(f"{SDK}.streaming.v3")

# Renamed in 1.0.0; the old names stay as aliases.
Client = getattr(v3, "RealTimeTranscriber", None) or v3.StreamingClient

client = Client(client_options(v3, KEY))
if CONFIG["with_token"]:
    token = client.create_temporary_token(expires_in_seconds=60, max_session_duration_seconds=600)
    client = Client(client_options(v3, token=token))
streamer = None
if CONFIG["channels"]:
    streamer = v3.ChannelStreamer(client, CONFIG["channels"], RATE)
register_handlers(v3, streamer or client)
client.connect(v3.StreamingParameters(**parameters(v3)))


def control():
    report("force")
    client.force_endpoint()
    client.set_params(v3.StreamingSessionParameters(**UPDATE))


if streamer is None:
    client.stream(chunks(control if CONFIG["with_controls"] else None))
else:
    # One channel has the audio, the other is silent. Midway they change.
    channels = list(CONFIG["channels"])
    for chunk in chunks(channels.reverse):
        streamer.stream(channels[0], chunk)
        streamer.stream(channels[1], bytes(len(chunk)))
    streamer.flush()
client.disconnect(terminate=True)
report("done")
