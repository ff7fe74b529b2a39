"""Pipecat's service for AssemblyAI in a pipeline without a transport: audio frames in, transcripts out."""

import asyncio

from common import CONFIG, KEY, RATE, chunks_async, report
from loguru import logger
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.assemblyai.stt import AssemblyAISTTService
from pipecat.workers.runner import WorkerRunner

logger.remove()


class Reporter(FrameProcessor):
    """Reports frames that pass. It runs before and after the service: errors go up, transcripts go down."""

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, ErrorFrame):
            report("error", text=frame.error)
        elif direction is FrameDirection.DOWNSTREAM and isinstance(
            frame, TranscriptionFrame | InterimTranscriptionFrame
        ):
            turn = frame.result
            report(
                "turn",
                text=frame.text,
                is_final=isinstance(frame, TranscriptionFrame),
                order=turn.turn_order,
                words=[
                    {"text": it.text, "start": it.start, "end": it.end, "is_final": it.word_is_final}
                    for it in turn.words
                ],
                is_formatted=turn.turn_is_formatted,
            )
        await self.push_frame(frame, direction)


async def main():
    settings = AssemblyAISTTService.Settings(
        **({"model": CONFIG["speech_model"]} if CONFIG["speech_model"] else {})
    )
    service = AssemblyAISTTService(
        api_key=KEY,
        api_endpoint_base_url=f"{CONFIG['base_url']}/v3/ws",
        settings=settings,
        **CONFIG["options"],
    )
    worker = PipelineWorker(
        Pipeline([Reporter(), service, Reporter()]),
        params=PipelineParams(audio_in_sample_rate=RATE),
        cancel_on_idle_timeout=False,
    )
    started = asyncio.Event()

    @worker.event_handler("on_pipeline_started")
    async def on_started(_worker, _frame):
        started.set()

    async def send_audio():
        await asyncio.wait_for(started.wait(), 30)

        async def control():
            report("force")
            await worker.queue_frame(VADUserStoppedSpeakingFrame())

        async for chunk in chunks_async(control if CONFIG["with_controls"] else None):
            await worker.queue_frame(InputAudioRawFrame(chunk, RATE, 1))
        await worker.queue_frame(EndFrame())

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await asyncio.gather(runner.run(), send_audio())


asyncio.run(main())
report("done")
