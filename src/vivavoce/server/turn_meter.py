"""Measures what a live client sees: how late words come, and how often they change.

The figures are those of `docs/performance.md`, as far as a server can know them. Where a person would take
the time at which a word was spoken, the server takes the time at which its last sample arrived, and the word
times of the recogniser: no network is in its figures, and an error of the word times is.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.protocol.events import TurnUpdated
    from vivavoce.types import Word

__all__ = ["ArrivalClock", "TurnMeter", "TurnReport"]

_KEPT_MS: Final = 90_000.0  # two turns of the greatest length
_LIVE_LEAD_S: Final = 1.0
_NOT_A_LETTER: Final = re.compile(r"[^\w]+")


class ArrivalClock:
    """Knows when audio arrived.

    Audio that came ahead of the clock, such as that of a recording, or what a client sends again after a
    broken connection, has no time: nobody waits for its words as it is spoken.
    """

    def __init__(self) -> None:
        self._ends_ms: list[float] = []  # of the audio up to each message, rising
        self._times_s: list[float] = []  # when each came
        self._start_s = 0.0  # when the first began, if it came at the speed of speech

    def note(self, audio_ms: float, now: float) -> None:
        """Note that audio has arrived.

        Args:
            audio_ms: All audio up to now, in milliseconds.
            now: The time, in seconds.
        """
        if not self._ends_ms:
            self._start_s = now - audio_ms / 1000
        elif audio_ms <= self._ends_ms[-1]:
            return
        self._ends_ms.append(audio_ms)
        self._times_s.append(now)
        if len(self._ends_ms) > 1 and self._ends_ms[len(self._ends_ms) // 2] < audio_ms - _KEPT_MS:
            first = bisect_left(self._ends_ms, audio_ms - _KEPT_MS)
            del self._ends_ms[:first], self._times_s[:first]

    def time_of(self, audio_ms: float) -> float | None:
        """Return when a moment of the audio arrived, in seconds; None: it is not known, or it came early.

        Args:
            audio_ms: The moment, in milliseconds from the start of the audio.
        """
        index = bisect_left(self._ends_ms, audio_ms)
        if not self._ends_ms or (index == 0 and self._ends_ms[0] - audio_ms > _KEPT_MS):
            return None
        index = min(index, len(self._ends_ms) - 1)  # a word may seem to end after the audio
        time_s = self._times_s[index]
        lead_s = self._start_s + self._ends_ms[index] / 1000 - time_s
        return None if lead_s > _LIVE_LEAD_S else time_s


@dataclass(frozen=True, slots=True)
class TurnReport:
    """What a finished turn was like for its client. Times are seconds of the clock of the caller.

    Attributes:
        turn_order: Number of the turn, from 0.
        channel: The channel, from 0; None if the session has only one.
        n_words: Words of the final.
        n_shown: Places of words that were shown.
        n_changes: How often a word that was shown became another one, or none.
        n_broken: Words that changed although they were reported as final; must be 0.
        started_s: When the first word began to arrive; None: not known.
        shown_s: When the first words were sent.
        spoken_s: When the last word had arrived; None: not known.
        sent_s: When the final was sent.
        word_latencies_s: For each word the time from its end to the message after which it did not change;
            empty if the time of any is not known.
    """

    turn_order: int
    channel: int | None
    n_words: int
    n_shown: int
    n_changes: int
    n_broken: int
    started_s: float | None
    shown_s: float
    spoken_s: float | None
    sent_s: float
    word_latencies_s: tuple[float, ...] = ()

    @property
    def first_word_latency_s(self) -> float | None:
        """From the start of the first word to the first message with words, in seconds."""
        return None if self.started_s is None else max(0.0, self.shown_s - self.started_s)

    @property
    def final_latency_s(self) -> float | None:
        """From the end of the last word to the final, in seconds; the silence that ends a turn is in it."""
        return None if self.spoken_s is None else max(0.0, self.sent_s - self.spoken_s)


class _Shown:
    """What was shown of an unfinished turn."""

    def __init__(self, turn_order: int, now: float) -> None:
        self.turn_order = turn_order
        self.first_s = now
        self.words: list[str] = []  # normalised
        self.since_s: list[float] = []  # when each place got its word
        self.is_final: list[bool] = []
        self.n_shown = 0
        self.n_changes = 0
        self.n_broken = 0

    def update(self, words: Sequence[Word], now: float) -> None:
        new = [_normalised(word.text) for word in words]
        for place, old in enumerate(self.words):
            if place >= len(new) or new[place] != old:
                self.n_changes += 1
                self.n_broken += self.is_final[place]
        same = [place < len(self.words) and self.words[place] == word for place, word in enumerate(new)]
        self.since_s = [self.since_s[place] if kept else now for place, kept in enumerate(same)]
        self.words, self.is_final = new, [word.is_final for word in words]
        self.n_shown = max(self.n_shown, len(new))


class TurnMeter:
    """Follows the turns of one session as its client gets them."""

    def __init__(self, clock: ArrivalClock) -> None:
        self._clock = clock
        self._shown: dict[int | None, _Shown] = {}  # by channel

    def update(self, turn: TurnUpdated, now: float) -> TurnReport | None:
        """Take a message that was sent.

        Args:
            turn: The turn so far, or finished.
            now: The time, in seconds.

        Returns:
            What the turn was like; None: it is not finished, or has no words.
        """
        shown = self._shown.get(turn.channel)
        if shown is None or shown.turn_order != turn.turn_order:
            if not turn.words:
                return None
            shown = self._shown[turn.channel] = _Shown(turn.turn_order, now)
        shown.update(turn.words, now)
        if not turn.ended:
            return None
        del self._shown[turn.channel]
        return self._report(turn, shown, now) if turn.words else None

    def _report(self, turn: TurnUpdated, shown: _Shown, now: float) -> TurnReport:
        ends_s = [self._clock.time_of(word.end_ms) for word in turn.words]
        started_s = self._clock.time_of(turn.words[0].start_ms)
        is_live = started_s is not None and None not in ends_s
        return TurnReport(
            turn.turn_order,
            turn.channel,
            n_words=len(turn.words),
            n_shown=shown.n_shown,
            n_changes=shown.n_changes,
            n_broken=shown.n_broken,
            started_s=started_s if is_live else None,
            shown_s=shown.first_s,
            spoken_s=ends_s[-1] if is_live else None,
            sent_s=now,
            word_latencies_s=tuple(
                max(0.0, since_s - end_s)
                for since_s, end_s in zip(shown.since_s, ends_s, strict=True)
                if is_live and end_s is not None
            ),
        )


def _normalised(text: str) -> str:
    return _NOT_A_LETTER.sub("", text).casefold() or text
