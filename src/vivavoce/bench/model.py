"""What a measurement is about: recordings and their references, what was sent, what came back.

Times are seconds unless a name says otherwise. The timeline of a session begins when its first sample would
have been spoken.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vivavoce.errors import ExtrasNotInstalledError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Clip", "Placed", "RefWord", "Script", "ShownWord", "SilenceRule", "Trace", "TurnMessage", "need"]


@dataclass(frozen=True, slots=True)
class RefWord:
    """A word that was really said; times in seconds from the start of its recording."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording and what is known of it.

    Attributes:
        id: Name within its set.
        kind: What sort of recording it is; figures are also given by kind.
        audio: The file.
        text: What is said. Empty: nothing is. None: something is, but nobody wrote down what.
        duration_s: Length.
        sample_rate: In Hz.
        words: The words of ``text`` with their times; empty if nobody aligned them.
        text_written: The same with case and punctuation, if known; tells where sentences end.
        derived: Whether it is made from other recordings of its set.
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
    """A word a server showed; its times are None if the server gave none."""

    text: str
    start_ms: int | None = None
    end_ms: int | None = None
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class TurnMessage:
    """One message about one turn, in no protocol's words.

    Attributes:
        arrival_s: When it came, on the session's timeline.
        turn: Which turn it is about, counted from 0.
        words: All words of the turn now on the screen, volatile ones too.
        ended: Whether the turn is finished.
        end_confidence: How complete the turn sounded, 0 to 1; None if the protocol doesn't say.
    """

    arrival_s: float
    turn: int
    words: tuple[ShownWord, ...]
    ended: bool = False
    end_confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """What came of one session.

    Attributes:
        messages: Those about turns, in the order of their arrival.
        sent_s: Audio sent, silence at the end included.
        terminated_s: When the end was asked for, on the session's timeline; None: it never came to that.
        closed_s: When the session was over, on the same timeline.
        lag_s: By how much the sender was late at worst: a server that does not read makes it wait.
        speed: How many times faster than speech it was sent; times mean nothing unless it is 1.
        opened_s: From dialling to the session's beginning; None: it never began.
        begun_s: Where its timeline begins on the machine's monotonic clock.
        error: Why the session failed; None: it ended as it should.
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
        min_ms: Enough for a turn that sounds complete.
        max_ms: Enough for any turn.
        threshold: Confidence from which a turn counts as complete, 0 to 1.
    """

    min_ms: int
    max_ms: int
    threshold: float = 0.0

    def in_force_s(self, end_confidence: float | None) -> float | None:
        """The silence, in seconds, that ended a turn which sounded that complete.

        None where confidence ended it, somewhere between the two: it grows with silence, and nobody tells
        when it was enough.
        """
        confident = end_confidence is not None and end_confidence >= self.threshold
        return None if confident and self.min_ms < self.max_ms else self.max_ms / 1000


def need(module: str) -> Any:
    """Import a module of the ``bench`` extra.

    Raises:
        ExtrasNotInstalledError: It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ExtrasNotInstalledError(
            f'{module} is missing: pip install "vivavoce[bench,server,cli]"'
        ) from error
