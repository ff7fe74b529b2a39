"""First and last words: whether what a partial showed is still there, and what the model hears at once.

Only counting; `vivavoce.bench.kept` runs the sessions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from vivavoce.bench.align import align, tokens
from vivavoce.bench.turns import Utterance, positions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vivavoce.bench.model import ShownWord, TurnMessage

__all__ = ["Lost", "lacks_first_word", "lost_word", "lost_words", "stretches", "was_said"]

_MOVED_MS: Final = 300
"""How far off a word of another pass may lie and still be the same one: the times of the last word that was
heard so far are the least certain."""


class Lost(NamedTuple):
    """A word that was the last one of a partial and is missing from the final.

    Attributes:
        word: As it was shown.
        place: How many words of the final come before it.
        is_at_end: Whether it lies behind all words of the final.
        of_last: Whether it was in the last partial that had words.
    """

    word: ShownWord
    place: int
    is_at_end: bool
    of_last: bool


def stretches(messages: Iterable[TurnMessage]) -> list[Utterance]:
    """Utterances as they were shown, a turn that was ended each.

    Where all words were taken back it is over too, if the next to be shown are later ones; so it is with
    the session, without any words.
    """
    found: list[Utterance] = []
    shown: list[TurnMessage] = []
    words: Sequence[ShownWord] = ()
    for message in messages:
        if not shown and not message.words:
            continue
        if message.words:
            if shown and not shown[-1].words and (message.words[0].start_ms or 0) >= (words[-1].end_ms or 0):
                found.append(Utterance(shown[-1].turn, tuple(shown)))
                shown = []
            words = message.words
        shown.append(message)
        if message.ended:
            found.append(Utterance(message.turn, tuple(shown)))
            shown = []
    if shown:
        found.append(Utterance(shown[-1].turn, tuple(shown)))
    return found


def lost_word(shown: Sequence[ShownWord], final: Sequence[ShownWord]) -> tuple[ShownWord, int] | None:
    """The last word of a partial, if it is missing from the final, and how many words of that come before.

    Both are aligned. The word is there if the final has it at its place, no more than 0.3 s off. Another
    word of the final in its time has taken its place, and then none is missing either; unless that one was
    in the partial before it.
    """
    partial = positions(shown)
    if not partial:
        return None
    whole = positions(final)
    said = [(form, i) for i, position in enumerate(partial) for form in position.tokens]
    heard = [(form, j) for j, position in enumerate(whole) for form in position.tokens]
    pairs = [
        (said[a][1], heard[b][1])
        for a, b in align([form for form, _ in said], [form for form, _ in heard])
        if said[a][0] == heard[b][0]
    ]
    last = len(partial) - 1
    word = partial[last].word
    earlier = {j for i, j in pairs if i < last}
    same: set[int] = set()
    for i, j in pairs:
        if i == last:  # of a word said twice it may be the first that is left
            alike = [position.word for position in partial if position.tokens == partial[last].tokens]
            is_last = min(reversed(alike), key=lambda each: _distance_ms(each, whole[j].word)) is word
            (same if is_last else earlier).add(j)
    for j, position in enumerate(whole):
        if j not in earlier and _gap_ms(word, position.word) <= (_MOVED_MS if j in same else -1):
            return None
    before = max(earlier, default=-1)
    return word, 0 if before < 0 else final.index(whole[before].word) + 1


def _distance_ms(one: ShownWord, other: ShownWord) -> int:
    """Time between the beginnings of two words; 0 if one of them is not known."""
    return (
        abs(one.start_ms - other.start_ms) if one.start_ms is not None and other.start_ms is not None else 0
    )


def _gap_ms(one: ShownWord, other: ShownWord) -> int:
    """Time between two words; negative where they overlap, and 0 if a time is not known."""
    times = (one.start_ms, one.end_ms, other.start_ms, other.end_ms)
    if None in times:
        return 0
    start, end, other_start, other_end = (time or 0 for time in times)
    return max(start, other_start) - min(end, other_end)


def lost_words(utterance: Utterance) -> list[Lost]:
    """Words that were the last ones of its partials and are missing from its final, each once.

    Of partials before the last only words behind all of the final: what is lost further to the front was
    not the last word of the utterance.
    """
    final = utterance.final_words
    partials = [message.words for message in utterance.messages if message.words and not message.ended]
    found: dict[str, Lost] = {}
    for number, shown in enumerate(partials, 1):
        if (lost := lost_word(shown, final)) is None:
            continue
        word, place = lost
        is_at_end = all((each.end_ms or 0) <= (word.start_ms or 0) + _MOVED_MS for each in final)
        of_last = number == len(partials)
        if is_at_end or of_last:
            found[word.text.lower()] = Lost(word, place, is_at_end, of_last)
    return list(found.values())


def was_said(lost: Lost, utterances: Sequence[Utterance], number: int, reference: str) -> bool:
    """Whether a transcript would be nearer to what was said if it had that word.

    Args:
        lost: A word that is missing.
        utterances: All of the recording.
        number: From which of them it is missing.
        reference: What was said.
    """
    said = _forms(reference)
    texts = [[word.text for word in utterance.final_words] for utterance in utterances]
    without = _errors(said, texts)
    texts[number].insert(lost.place, lost.word.text)
    return _errors(said, texts) < without


def _errors(said: Sequence[str], texts: Iterable[Sequence[str]]) -> int:
    heard = [form for text in texts for word in text for form in _forms(word)]
    pairs = align(said, heard)
    right = sum(said[i] == heard[j] for i, j in pairs)
    return len(said) + len(heard) - len(pairs) - right


def lacks_first_word(reference: str, heard: str) -> bool:
    """Whether nothing was heard in the place of the first word that was said."""
    said = _forms(reference)
    return bool(said) and all(i for i, _ in align(said, _forms(heard)))


def _forms(text: str) -> list[str]:
    """Words in comparable form, numbers digit by digit: "2 5" and "25" are the same."""
    forms = [form for word in text.split() for form in tokens(word)]
    return [piece for form in forms for piece in (form if form.isdecimal() else (form,))]
