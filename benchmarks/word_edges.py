"""First and last words: compares what partials showed with the finals and with the transcript.

It only counts; `benchmarks.words_kept` runs the sessions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from vivavoce.bench.align import align, tokens
from vivavoce.bench.records import ShownWord
from vivavoce.bench.turns import Utterance

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vivavoce.bench.records import RefWord, TurnMessage

__all__ = ["LostWord", "lacks_first_word", "lost_word", "lost_words", "shown_utterances", "was_said"]

_MOVED_MS: Final = 300
"""Largest distance at which a word of another pass is still the same word: the times of the last word of a
pass are the least certain."""
_AROUND_MS: Final = 1_000
_MARKS: Final = ".,?!;:-"


class LostWord(NamedTuple):
    """A word that was the last one of a partial and is missing from the finals.

    Attributes:
        word: As it was shown.
        place: Number of final words before it.
        of_last: Whether it was in the last partial that had words.
    """

    word: ShownWord
    place: int
    of_last: bool


def shown_utterances(messages: Iterable[TurnMessage]) -> list[Utterance]:
    """Return utterances as they were shown, each up to the end of its turn.

    An utterance whose words were all taken back is over as well if the next words are later ones; so is the
    last one of the session.
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
    """Return the last word of a partial if the final words lack it, and the number of final words before it.

    Both are aligned. The word is there if the final has it at its place, at most 0.3 s off. Another word of
    the final at the same time has replaced it, and then none is missing either, unless that one was an
    earlier word of the partial.
    """
    partial = [(word, forms) for word in shown if (forms := _forms(word.text))]
    if not partial:
        return None
    in_partial = [(form, i) for i, (_, forms) in enumerate(partial) for form in forms]
    in_final = [(form, j) for j, word in enumerate(final) for form in _forms(word.text)]
    pairs = [
        (in_partial[a][1], in_final[b][1])
        for a, b in align([form for form, _ in in_partial], [form for form, _ in in_final])
        if in_partial[a][0] == in_final[b][0]
    ]
    last = len(partial) - 1
    word, last_forms = partial[last]
    # Of a word that was shown twice the final may have kept the first.
    paired = {i for i, _ in pairs}
    alike = [
        word,
        *(each for i, (each, forms) in enumerate(partial) if forms == last_forms and i not in paired),
    ]
    same = {
        j for i, j in pairs if i == last and min(alike, key=lambda each: _apart_ms(each, final[j])) is word
    }
    earlier = {j for _, j in pairs} - same
    for j, other in enumerate(final):
        gap_ms = _gap_ms(word, other)
        if gap_ms <= _MOVED_MS if j in same else gap_ms < 0 and j not in earlier:
            return None
    return word, max(earlier, default=-1) + 1


def _apart_ms(one: ShownWord, other: ShownWord) -> int:
    """Return the time between the starts of two words; 0 if one of them is unknown."""
    return (
        abs(one.start_ms - other.start_ms) if one.start_ms is not None and other.start_ms is not None else 0
    )


def _gap_ms(one: ShownWord, other: ShownWord) -> int:
    """Return the time between two words; negative where they overlap, and 0 if a time is unknown."""
    times = (one.start_ms, one.end_ms, other.start_ms, other.end_ms)
    if None in times:
        return 0
    start, end, other_start, other_end = (time or 0 for time in times)
    return max(start, other_start) - min(end, other_end)


def lost_words(utterance: Utterance, finals: Sequence[ShownWord]) -> list[LostWord]:
    """Return the last words of its partials that no final has, each once.

    Of partials before the last one only words after the whole final count: an earlier word was not the last
    one of the utterance.

    Args:
        utterance: What was shown.
        finals: The final words of the whole recording: where an utterance is cut because it is too long, the
            next one has the rest of its words.
    """
    partials = [message.words for message in utterance.messages if message.words and not message.ended]
    found: dict[str, LostWord] = {}
    for number, shown in enumerate(partials, 1):
        around = [j for j, word in enumerate(finals) if _is_around(word, shown)]
        first = around[0] if around else _before(finals, shown[0])
        if (lost := lost_word(shown, finals[first : around[-1] + 1] if around else ())) is None:
            continue
        word, place = lost
        is_at_end = all(
            (each.end_ms or 0) <= (word.start_ms or 0) + _MOVED_MS for each in utterance.final_words
        )
        of_last = number == len(partials)
        if is_at_end or of_last:
            found[word.text.lower()] = LostWord(word, first + place, of_last)
    return list(found.values())


def _is_around(word: ShownWord, shown: Sequence[ShownWord]) -> bool:
    whole = replace(shown[0], end_ms=shown[-1].end_ms)
    return _gap_ms(word, whole) <= _AROUND_MS


def _before(words: Sequence[ShownWord], at: ShownWord) -> int:
    return sum((word.start_ms or 0) < (at.start_ms or 0) for word in words)


def was_said(lost: LostWord, finals: Sequence[ShownWord], reference: str) -> bool:
    """Return whether the final transcript would have fewer errors with that word.

    Args:
        lost: A word that is missing.
        finals: The final words of the whole recording.
        reference: The transcript of the recording.
    """
    expected = _forms(reference)
    texts = [word.text for word in finals]
    without = _errors(expected, texts)
    texts.insert(lost.place, lost.word.text)
    return _errors(expected, texts) < without


def _errors(expected: Sequence[str], texts: Iterable[str]) -> int:
    recognised = _forms(" ".join(texts))
    pairs = align(expected, recognised)
    right = sum(expected[i] == recognised[j] for i, j in pairs)
    return len(expected) + len(recognised) - len(pairs) - right


def lacks_first_word(reference: str, recognised: Sequence[ShownWord], first: RefWord | None = None) -> bool:
    """Return whether no recognised word is in the place of the first word of the transcript.

    Args:
        reference: The transcript.
        recognised: The recognised words.
        first: The first word with its times, if they are known: a word at that time is in its place.
    """
    expected = _forms(reference)
    forms = _forms(" ".join(word.text for word in recognised))
    if not expected or any(i == 0 for i, _ in align(expected, forms)):
        return False
    if first is None:
        return True
    spoken = ShownWord(first.text, round(first.start_s * 1000), round(first.end_s * 1000))
    return all(_gap_ms(spoken, word) >= 0 for word in recognised)


def _forms(text: str) -> list[str]:
    """Return words in comparable form, numbers digit by digit: "2 5" and "25" are the same."""
    forms: list[str] = []
    for word in text.split():
        if word.strip(_MARKS).replace("-", "").isdecimal():
            forms += [character for character in word if character.isdecimal()]
        else:
            forms += [piece for form in tokens(word) for piece in (form if form.isdecimal() else (form,))]
    return forms
