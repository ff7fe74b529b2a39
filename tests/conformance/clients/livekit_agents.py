"""LiveKit Agents' plug-in for AssemblyAI, without a room: frames in, speech events out."""

import asyncio

import aiohttp
from common import CONFIG, KEY, RATE, chunks_async, tell
from livekit import rtc
from livekit.agents import stt
from livekit.plugins import assemblyai

KINDS = {
    stt.SpeechEventType.INTERIM_TRANSCRIPT: False,
    stt.SpeechEventType.FINAL_TRANSCRIPT: True,
}


def show(event):
    if event.type not in KINDS:
        tell("other", name=event.type.value)
        return
    (best, *_) = event.alternatives
    tell(
        "turn",
        text=best.text,
        is_final=KINDS[event.type],
        words=[
            {"text": str(it), "start": round(it.start_time * 1000), "end": round(it.end_time * 1000)}
            for it in best.words or []
        ],
    )


async def main():
    async with aiohttp.ClientSession() as session:
        recogniser = assemblyai.STT(
            api_key=KEY,
            base_url=CONFIG["base_url"],
            http_session=session,
            sample_rate=RATE,
            **({"model": CONFIG["speech_model"]} if CONFIG["speech_model"] else {}),
            **CONFIG["options"],
        )
        recogniser.on("error", lambda it: tell("error", text=str(it.error)))
        stream = recogniser.stream()

        async def speak():
            async for chunk in chunks_async():
                stream.push_frame(rtc.AudioFrame(chunk, RATE, 1, len(chunk) // 2))
            stream.end_input()

        speaking = asyncio.create_task(speak())
        async for event in stream:
            show(event)
        await speaking
        await stream.aclose()
        await recogniser.aclose()


asyncio.run(main())
tell("done")
