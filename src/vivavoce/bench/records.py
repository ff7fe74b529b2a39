"""The data of a measurement: recordings and their references, what was sent, what came back.

Times are in seconds unless a name says otherwise. The timeline of a session begins when its first sample
would have been spoken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Clip", "Placed", "RefWord", "Script", "ShownWord", "SilenceRule", "Trace", "TurnMessage"]


@dataclass(frozen=True, slots=True)
class RefWord:
    """A word of the reference; times in seconds from the start of its recording."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording and its reference.

    Attributes:
        id: Name within its set.
        kind: What sort of recording it is; figures are also given by kind.
        audio: The file.
        text: The transcript. Empty: a recording without speech. None: the transcript is unknown.
        duration_s: Length.
        sample_rate: In Hz.
        words: The words of ``text`` with their times; empty where the times are unknown.
        text_written: The same with case and punctuation, if known; shows where sentences end.
        derived: Whether it is made from other recordings of its set.
        speaker: Who speaks, if known.
    """

    id: str
    kind: str
    audio: Path
    text: str | None
    duration_s: float
    sample_rate: int
    words: tuple[RefWord, ...] = ()
    text_written: str | None = None
    derived: bool = False
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A recording within a session; ``offset_s`` is where it begins there."""

    clip: Clip
    offset_s: float


@dataclass(frozen=True, slots=True)
class Script:
    """What is sent in one session: recordings with silence between them.

    Attributes:
        clips: In their order.
        sample_rate: In Hz, the same for all.
        duration_s: From the start of the first to the end of the last.
    """

    clips: tuple[Placed, ...]
    sample_rate: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class ShownWord:
    """A word that a server showed; its times are None if the server sent none."""

    text: str
    start_ms: int | None = None
    end_ms: int | None = None
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class TurnMessage:
    """One message about one turn, whatever the protocol.

    Attributes:
        arrival_s: Arrival on the session's timeline.
        turn: Number of the turn, counted from 0.
        words: All words of the turn that are now shown, volatile ones included.
        ended: Whether the turn is finished.
        end_confidence: Confidence that the turn is complete, 0 to 1; None if the protocol does not send it.
    """

    arrival_s: float
    turn: int
    words: tuple[ShownWord, ...]
    ended: bool = False
    end_confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """The course of one session.

    Attributes:
        messages: Those about turns, in the order of their arrival.
        sent_s: Audio sent, silence at the end included.
        terminated_s: When the client ended the session, on the session's timeline; None: it never did.
        closed_s: When the session was over, on the same timeline.
        lag_s: How late the sender was at worst: a server that does not read delays it.
        speed: How many times faster than speech; latencies are valid at 1 only.
        opened_s: From dialling to the session's beginning; None: it never began.
        begun_s: Where its timeline begins on the machine's monotonic clock.
        error: Why the session failed; None: it ended as requested.
    """

    messages: tuple[TurnMessage, ...] = ()
    sent_s: float = 0.0
    terminated_s: float | None = None
    closed_s: float = 0.0
    lag_s: float = 0.0
    speed: float = 1.0
    opened_s: float | None = None
    begun_s: float = 0.0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class SilenceRule:
    """How much silence ends a turn.

    Attributes:
        min_ms: Enough for a complete turn.
        max_ms: Enough for any turn.
        threshold: Confidence from which a turn counts as complete, 0 to 1.
    """

    min_ms: int
    max_ms: int
    threshold: float = 0.0

    def in_force_s(self, end_confidence: float | None) -> float | None:
        """Return the silence that ended a turn with this confidence, in seconds.

        None where confidence ended it, somewhere between the two: confidence grows with silence, and the
        protocol does not say when it passed the threshold.
        """
        confident = end_confidence is not None and end_confidence >= self.threshold
        return None if confident and self.min_ms < self.max_ms else self.max_ms / 1000
