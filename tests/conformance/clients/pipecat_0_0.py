"""Pipecat's service for AssemblyAI before 1.0: over the vendor's SDK (v2) at first, then on its own (v3)."""

import asyncio
import inspect

from common import CONFIG, KEY, RATE, chunks_async, report
from loguru import logger
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    StartFrame,
    TranscriptionFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineParams, PipelineTask
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.assemblyai.stt import AssemblyAISTTService

logger.remove()
logger.add(lambda line: report("error", text=line), level="ERROR", format="{message}")
# The service stops before its last transcript has passed the pipeline, as it would in a call that goes on.
SILENCE_S = 3.0
started = asyncio.Event()


class Reporter(FrameProcessor):
    """Reports frames that pass. It runs before and after the service: errors go up, transcripts go down."""

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, ErrorFrame):
            report("error", text=frame.error)
        elif isinstance(frame, StartFrame):
            started.set()
        elif direction is FrameDirection.DOWNSTREAM and isinstance(
            frame, TranscriptionFrame | InterimTranscriptionFrame
        ):
            turn = getattr(frame, "result", None)
            report(
                "turn",
                text=frame.text,
                is_final=isinstance(frame, TranscriptionFrame),
                order=turn.turn_order if turn else None,
                words=[
                    {"text": it.text, "start": it.start, "end": it.end, "is_final": it.word_is_final}
                    for it in (turn.words if turn else [])
                ],
                is_formatted=turn.turn_is_formatted if turn else None,
            )
        await self.push_frame(frame, direction)


def make_service():
    if "api_endpoint_base_url" in inspect.signature(AssemblyAISTTService).parameters:
        return AssemblyAISTTService(api_key=KEY, api_endpoint_base_url=f"{CONFIG['base_url']}/v3/ws")
    import assemblyai

    assemblyai.settings.base_url = CONFIG["base_url"]
    return AssemblyAISTTService(api_key=KEY)


async def main():
    pipeline = Pipeline([Reporter(), make_service(), Reporter()])
    task = PipelineTask(
        pipeline, params=PipelineParams(audio_in_sample_rate=RATE), cancel_on_idle_timeout=False
    )

    async def control():
        report("force")
        await task.queue_frame(UserStoppedSpeakingFrame())

    async def send_audio():
        await asyncio.wait_for(started.wait(), 30)
        async for chunk in chunks_async(control if CONFIG["with_controls"] else None, silence_s=SILENCE_S):
            await task.queue_frame(InputAudioRawFrame(chunk, RATE, 1))
        await task.queue_frame(EndFrame())

    runner = PipelineRunner(handle_sigint=False)
    await asyncio.gather(runner.run(task), send_audio())


asyncio.run(main())
report("done")
