"""A short trial of the model: server, SDK and the first seconds of the sample recording."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.cli.chunks import first_seconds
from vivavoce.cli.demo_recording import demo_recording_path
from vivavoce.cli.interrupt import Interrupt
from vivavoce.cli.live_session import run_session
from vivavoce.cli.server_choice import local_server
from vivavoce.configuration import settings
from vivavoce.errors import VivavoceError
from vivavoce.recordings.sources import from_file
from vivavoce.word_joining import join_words

if TYPE_CHECKING:
    from vivavoce.cli.transcript_line import TranscriptLine

__all__ = ["TRIAL_AUDIO_S", "ModelTrial", "ModelTrialInterruptedError", "run_model_trial"]

TRIAL_AUDIO_S: Final = 4.0
_READY_TIMEOUT_S: Final = 120.0


class ModelTrialInterruptedError(VivavoceError):
    """Ctrl-C ended the trial, which therefore says nothing about the model."""


@dataclass(frozen=True, slots=True)
class ModelTrial:
    """Result of a trial.

    Attributes:
        load_s: Time until the model was ready, in seconds.
        spent_s: From then to the last final of `TRIAL_AUDIO_S` seconds of audio sent at once, in seconds.
        text: Text of all finals.
    """

    load_s: float
    spent_s: float
    text: str


def run_model_trial() -> ModelTrial:
    """Load the model and transcribe the first seconds of the sample recording.

    Raises:
        VivavoceError: The model or the server does not work.
        ModelTrialInterruptedError: Ctrl-C ended it.
    """
    transcripts: list[TranscriptLine] = []
    began = time.monotonic()
    previous = settings.base_url if settings.source_of("base_url") == "program" else None
    with contextlib.ExitStack() as stack:
        stack.callback(setattr, settings, "base_url", previous)
        audio = stack.enter_context(from_file(demo_recording_path()))
        server = stack.enter_context(local_server())
        interrupt = stack.enter_context(Interrupt(live=False))
        server.wait_ready(_READY_TIMEOUT_S)
        loaded = time.monotonic()
        settings.base_url = server.base_url
        try:
            run_session(
                first_seconds(audio.chunks, TRIAL_AUDIO_S, audio.bytes_per_second),
                sample_rate=audio.sample_rate,
                encoding=audio.encoding,
                show=transcripts.append,
                interrupt=interrupt,
            )
        finally:
            if interrupt.was_signalled:
                raise ModelTrialInterruptedError("interrupted")
        spent_s = time.monotonic() - loaded
    text = join_words(transcript.text for transcript in transcripts if transcript.is_final)
    return ModelTrial(loaded - began, spent_s, text)
