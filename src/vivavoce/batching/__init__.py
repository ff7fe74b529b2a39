"""One engine for all sessions of a process: what runs next, and the threads it runs on."""

from vivavoce.batching.engine import Engine, EngineState, Member
from vivavoce.batching.scheduler import Scheduler
from vivavoce.batching.stats import EngineStats, Histogram

__all__ = ["Engine", "EngineState", "EngineStats", "Histogram", "Member", "Scheduler"]
