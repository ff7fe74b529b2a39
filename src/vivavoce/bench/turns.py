"""How stable the words of a turn are: pure functions over what was shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from vivavoce.bench.align import tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vivavoce.bench.records import ShownWord, Trace, TurnMessage

__all__ = [
    "Changes",
    "Flicker",
    "Position",
    "Utterance",
    "changed_finals",
    "flicker",
    "stable_since",
    "utterances",
]


class Position(NamedTuple):
    """A word in comparable form, and as it was shown."""

    tokens: tuple[str, ...]
    word: ShownWord


@dataclass(frozen=True, slots=True)
class Utterance:
    """All messages about one turn, in the order of their arrival."""

    turn: int
    messages: tuple[TurnMessage, ...]

    @property
    def end(self) -> TurnMessage | None:
        """The message that ended it; None if none did."""
        return next((message for message in self.messages if message.ended), None)

    @property
    def final_words(self) -> tuple[ShownWord, ...]:
        """Its final words; of a turn that ended twice (plain, then formatted), those of the second end."""
        ends = [message.words for message in self.messages if message.ended]
        return ends[-1] if ends else ()

    @property
    def final_text(self) -> str:
        """The final words, joined by spaces."""
        return " ".join(word.text for word in self.final_words)

    @property
    def shown_words(self) -> int:
        """The largest number of words that it showed."""
        return max((len(message.words) for message in self.messages), default=0)


def utterances(trace: Trace) -> list[Utterance]:
    """Return the turns of a session in which at least one word was shown."""
    turns: dict[int, list[TurnMessage]] = {}
    for message in trace.messages:
        turns.setdefault(message.turn, []).append(message)
    found = (Utterance(turn, tuple(turns[turn])) for turn in sorted(turns))
    return [utterance for utterance in found if utterance.shown_words]


def positions(words: Iterable[ShownWord]) -> tuple[Position, ...]:
    """Return words in comparable form; a word with nothing to compare (a dash, "um") has no position."""
    return tuple(Position(form, word) for word in words if (form := tokens(word.text)))


class Flicker(NamedTuple):
    """Counts behind the unstable partial word ratio.

    Attributes:
        unstable: Positions that held another word, or none, in the next message, over all messages.
        first_shown: Positions that ever held a word.
    """

    unstable: int
    first_shown: int


def flicker(utterance: Utterance) -> Flicker:
    """Count the words that were taken back."""
    unstable = first_shown = 0
    before: tuple[tuple[str, ...], ...] = ()
    for message in utterance.messages:
        now = tuple(position.tokens for position in positions(message.words))
        unstable += sum(1 for i, word in enumerate(before) if i >= len(now) or now[i] != word)
        first_shown = max(first_shown, len(now))
        before = now
    return Flicker(unstable, first_shown)


def stable_since(utterance: Utterance) -> list[tuple[Position, float]]:
    """Return each word of the finished utterance, and since when it is stable.

    That is the arrival, in seconds on the session's timeline, of the first message after which the word at
    its position never changes again. Case and punctuation do not count as a change.
    """
    final = positions(utterance.final_words)
    since: list[float] = [0.0] * len(final)
    stable = [True] * len(final)
    for message in reversed(utterance.messages):
        now = positions(message.words)
        for i, position in enumerate(final):
            stable[i] = stable[i] and i < len(now) and now[i].tokens == position.tokens
            if stable[i]:
                since[i] = message.arrival_s
    return list(zip(final, since, strict=True))


class Changes(NamedTuple):
    """Words marked final that changed later.

    Attributes:
        words: Another word stood there later, or none.
        spellings: The same, with changes of case or punctuation alone.
    """

    words: int
    spellings: int


def changed_finals(utterance: Utterance) -> Changes:
    """Count the words marked final that changed; a word counts once however often it changed."""
    finals: dict[int, str] = {}
    words: set[int] = set()
    spellings: set[int] = set()
    for message in utterance.messages:
        for i, text in finals.items():
            now = message.words[i].text if i < len(message.words) else None
            if now == text:
                continue
            spellings.add(i)
            if now is None or tokens(now) != tokens(text):
                words.add(i)
        for i, word in enumerate(message.words):
            if word.is_final:
                finals.setdefault(i, word.text)
    return Changes(len(words), len(spellings))
