"""LiveKit Agents' plug-in for AssemblyAI, without a room: audio frames in, speech events out."""

import asyncio
import inspect
from urllib.parse import urlsplit

import aiohttp
from common import CONFIG, KEY, RATE, chunks_async, report
from livekit import rtc
from livekit.agents import stt
from livekit.plugins import assemblyai

IS_FINAL = {
    stt.SpeechEventType.INTERIM_TRANSCRIPT: False,
    stt.SpeechEventType.FINAL_TRANSCRIPT: True,
}


class Redirected:
    """An HTTP session that opens its sockets on our server: old releases have no option for the address."""

    def __init__(self, session):
        self._session = session

    def ws_connect(self, url, **options):
        address = urlsplit(url)
        return self._session.ws_connect(f"{CONFIG['base_url']}{address.path}?{address.query}", **options)


def on_event(event):
    if event.type not in IS_FINAL:
        report("other", name=event.type.value)
        return
    (best, *_) = event.alternatives
    report(
        "turn",
        text=best.text,
        is_final=IS_FINAL[event.type],
        words=[
            {"text": str(it), "start": round(it.start_time * 1000), "end": round(it.end_time * 1000)}
            for it in getattr(best, "words", None) or []
        ],
    )


async def main():
    async with aiohttp.ClientSession() as session:
        accepted = inspect.signature(assemblyai.STT.__init__).parameters
        has_address = "base_url" in accepted
        recogniser = assemblyai.STT(
            api_key=KEY,
            http_session=session if has_address else Redirected(session),
            **({"base_url": CONFIG["base_url"]} if has_address else {}),
            sample_rate=RATE,
            **({"model": CONFIG["speech_model"]} if CONFIG["speech_model"] else {}),
            **CONFIG["options"],
        )
        recogniser.on("error", lambda it: report("error", text=str(it.error)))
        stream = recogniser.stream()

        async def send_audio():
            async for chunk in chunks_async():
                stream.push_frame(rtc.AudioFrame(chunk, RATE, 1, len(chunk) // 2))
            stream.end_input()

        sending = asyncio.create_task(send_audio())
        async for event in stream:
            on_event(event)
        await sending
        await stream.aclose()
        await recogniser.aclose()


asyncio.run(main())
report("done")
