"""What the vendor's articles show for `websockets`: two coroutines; base64 in v2, nothing but turns in v3."""

import asyncio
import base64
import json
from urllib.parse import urlencode

import websockets
from common import CONFIG, KEY, RATE, chunks_async, report

IS_V3 = CONFIG["protocol"] == "v3"
PATH, TERMINATE = (
    ("/v3/ws", {"type": "Terminate"}) if IS_V3 else ("/v2/realtime/ws", {"terminate_session": True})
)
URL = f"{CONFIG['base_url']}{PATH}?{urlencode({'sample_rate': RATE} | CONFIG['options'])}"
# The parameter for headers was renamed in 14.0.
HEADERS = "extra_headers" if int(websockets.__version__.partition(".")[0]) < 14 else "additional_headers"


def on_v3(message):
    """Everything after the begin is a turn, until the termination."""
    if message["type"] == "Termination":
        report("end", audio_s=message["audio_duration_seconds"])
        return
    report(
        "turn",
        text=message["transcript"],
        is_final=message["end_of_turn"],
        order=message["turn_order"],
        words=[it | {"is_final": it["word_is_final"]} for it in message["words"]],
    )


def on_v2(message):
    if message["message_type"] == "SessionTerminated":
        return
    report(
        "turn",
        text=message["text"],
        is_final=message["message_type"] == "FinalTranscript",
        words=message["words"],
        start=message["audio_start"],
        end=message["audio_end"],
    )


async def main():
    headers = {HEADERS: (("Authorization", KEY),)}
    async with websockets.connect(URL, ping_interval=5, ping_timeout=20, **headers) as connection:
        await asyncio.sleep(0.1)
        begin = json.loads(await connection.recv())
        report("begin", id=begin["id" if IS_V3 else "session_id"])

        async def send():
            async for chunk in chunks_async():
                if IS_V3:
                    await connection.send(chunk)
                else:
                    await connection.send(json.dumps({"audio_data": base64.b64encode(chunk).decode()}))
                await asyncio.sleep(0.01)
            await connection.send(json.dumps(TERMINATE))

        async def receive():
            try:
                while True:
                    (on_v3 if IS_V3 else on_v2)(json.loads(await connection.recv()))
            except websockets.exceptions.ConnectionClosedOK:
                report("closed")

        await asyncio.gather(send(), receive())


asyncio.run(main())
report("done")
