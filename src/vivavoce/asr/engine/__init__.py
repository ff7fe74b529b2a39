"""One engine for all sessions of a process: what runs next, and the threads it runs on."""

from vivavoce.asr.engine.engine import Engine, EngineState
from vivavoce.asr.engine.enrolment import LEAST_SPEECH_S, Enrolment
from vivavoce.asr.engine.model_tuning import tuning_of
from vivavoce.asr.engine.pool import EnginePool
from vivavoce.asr.engine.pump import Pump
from vivavoce.asr.engine.scheduler import Batch, Scheduler
from vivavoce.asr.engine.served_stream import ServedStream
from vivavoce.asr.engine.stats import EngineStats, Histogram
from vivavoce.asr.engine.voices import VoiceModels, Voices, hear_turns, load_voices

__all__ = [
    "LEAST_SPEECH_S",
    "Batch",
    "Engine",
    "EnginePool",
    "EngineState",
    "EngineStats",
    "Enrolment",
    "Histogram",
    "Pump",
    "Scheduler",
    "ServedStream",
    "VoiceModels",
    "Voices",
    "hear_turns",
    "load_voices",
    "tuning_of",
]
