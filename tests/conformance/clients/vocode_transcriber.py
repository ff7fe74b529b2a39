"""Vocode's transcriber for AssemblyAI without a call: chunks of audio in, transcriptions out."""

import asyncio
import contextlib
import sys

from common import CONFIG, KEY, RATE, chunks_async, report
from vocode.streaming.models.transcriber import AssemblyAITranscriberConfig

try:
    from vocode.streaming.models.audio import AudioEncoding
except ImportError:  # before 0.1.112
    from vocode.streaming.models.audio_encoding import AudioEncoding
import websockets
from vocode.streaming.transcriber.assembly_ai_transcriber import AssemblyAITranscriber

# It has no option for the address.
sys.modules[AssemblyAITranscriber.__module__].ASSEMBLY_AI_URL = f"{CONFIG['base_url']}/v2/realtime/ws"


async def main():
    config = AssemblyAITranscriberConfig(
        sampling_rate=RATE,
        audio_encoding=AudioEncoding.LINEAR16,
        chunk_size=CONFIG["chunk_bytes"],
        word_boost=["epoch"],
    )
    transcriber = AssemblyAITranscriber(config, api_key=KEY)

    async def receive():
        while True:
            it = await transcriber.output_queue.get()
            report("turn", text=it.message, is_final=it.is_final, words=[])

    receiving = asyncio.create_task(receive())
    working = transcriber.start() or transcriber.worker_task
    async for chunk in chunks_async():
        transcriber.send_audio(chunk)
    # It ends the session after 5 s without audio, and does not expect the end of the connection.
    with contextlib.suppress(websockets.exceptions.ConnectionClosedOK):
        await working
    await asyncio.sleep(0.1)
    receiving.cancel()


asyncio.run(main())
report("done")
