"""One engine for all sessions of a process: what runs next, and the threads it runs on."""

from vivavoce.asr.engine.engine import Engine, EngineState, Member
from vivavoce.asr.engine.scheduler import Scheduler
from vivavoce.asr.engine.stats import EngineStats, Histogram

__all__ = ["Engine", "EngineState", "EngineStats", "Histogram", "Member", "Scheduler"]
