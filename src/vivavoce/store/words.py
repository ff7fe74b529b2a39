"""The words of a kept turn after people, or the session itself, have changed its text or its speakers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from vivavoce.protocol.speaker_runs import PENDING
from vivavoce.word_times import spread_over

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vivavoce.types import Word

__all__ = ["NamedTurn", "assigned", "corrected", "labelled", "named", "parts", "revised"]


@dataclass(frozen=True, slots=True)
class NamedTurn:
    """A turn as captions need it: with the names of its speakers.

    Attributes:
        words: Its words, with names in place of labels.
        channel: Where it is spoken, if that has to stand for a speaker: if its session labels none.
    """

    words: tuple[Word, ...]
    channel: int | None


def named(words: Sequence[Word], channel: int, names: Iterable[str | None]) -> NamedTurn:
    """Return a turn with the names of its speakers; captions show these.

    Args:
        words: Its words, with labels.
        channel: Of its session, or the number of its source in a room.
        names: The name of the speaker of each part; None: nobody knows who speaks.
    """
    if all(word.speaker is None for word in words):
        # Undecided, so that no caption shows the number of the channel as a name.
        return NamedTurn(tuple(dataclasses.replace(word, speaker=PENDING) for word in words), channel)
    found = (
        dataclasses.replace(word, speaker=name or PENDING)
        for name, run in zip(names, parts(words), strict=True)
        for word in run
    )
    return NamedTurn(tuple(found), None)


def parts(words: Sequence[Word]) -> list[tuple[Word, ...]]:
    """Split words where the speaker changes."""
    return [tuple(run) for _, run in groupby(words, key=lambda word: word.speaker)]


def labelled(words: Sequence[Word], speaker: str | None, confidence: float | None) -> tuple[Word, ...]:
    """Return words, of which those without a speaker have that of their turn.

    Args:
        words: The words.
        speaker: That of the turn; None: it has none.
        confidence: Of that speaker.
    """
    if speaker is None:
        return tuple(words)
    return tuple(
        word
        if word.speaker is not None
        else dataclasses.replace(word, speaker=speaker, speaker_confidence=confidence)
        for word in words
    )


def corrected(words: Sequence[Word], text: str, part: int | None = None) -> tuple[Word, ...] | None:
    """Replace the text of a turn, or of a part of it; the new words share the time of the old ones.

    Args:
        words: At least one.
        text: The text.
        part: Which part, from 0, as `parts` splits the turn; None: all. Then who spoke at the time of a new
            word is its speaker.

    Returns:
        All words of the turn; None: there is no such part, or the text is empty.
    """
    texts = text.split()
    found = _part(words, part)
    if found is None or not texts:
        return None
    first, after = found
    old = words[first:after]
    new = spread_over(texts, old[0].start_ms, max(word.end_ms for word in old))
    return (*words[:first], *revised(tuple(new), old), *words[after:])


def assigned(words: Sequence[Word], speaker: str, part: int | None = None) -> tuple[Word, ...] | None:
    """Give the words of a turn, or of a part of it, another speaker.

    Args:
        words: At least one.
        speaker: The label of the speaker.
        part: As in `corrected`.

    Returns:
        All words of the turn; None: there is no such part.
    """
    found = _part(words, part)
    if found is None:
        return None
    first, after = found
    return tuple(
        dataclasses.replace(word, speaker=speaker, speaker_confidence=None)
        if first <= place < after
        else word
        for place, word in enumerate(words)
    )


def revised(words: Sequence[Word], labels: Sequence[Word]) -> tuple[Word, ...]:
    """Give words the speakers of others that are spoken at the same time.

    Args:
        words: At least one; people may have corrected them.
        labels: The words of the same turn, with other speakers; at least one.
    """
    if len(words) == len(labels):  # the same words, or as many
        pairs = zip(words, labels, strict=True)
        return tuple(_as_spoken_by(word, label) for word, label in pairs)
    found, at = [], 0
    for word in words:
        middle_ms = (word.start_ms + word.end_ms) / 2
        while at + 1 < len(labels) and labels[at + 1].start_ms <= middle_ms:
            at += 1
        found.append(_as_spoken_by(word, labels[at]))
    return tuple(found)


def _as_spoken_by(word: Word, label: Word) -> Word:
    if (word.speaker, word.speaker_confidence) == (label.speaker, label.speaker_confidence):
        return word
    return dataclasses.replace(word, speaker=label.speaker, speaker_confidence=label.speaker_confidence)


def _part(words: Sequence[Word], part: int | None) -> tuple[int, int] | None:
    """The places of the words of a part: the first, and the one after the last."""
    if part is None:
        return 0, len(words)
    sizes = [len(each) for each in parts(words)]
    if not 0 <= part < len(sizes):
        return None
    first = sum(sizes[:part])
    return first, first + sizes[part]
