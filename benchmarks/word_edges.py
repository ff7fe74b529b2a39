"""First and last words: whether what a partial showed is still there, and what the model hears at once.

Only counting; `benchmarks.words_kept` runs the sessions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from vivavoce.bench.align import align, tokens
from vivavoce.bench.model import ShownWord
from vivavoce.bench.turns import Utterance

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vivavoce.bench.model import RefWord, TurnMessage

__all__ = ["Lost", "lacks_first_word", "lost_word", "lost_words", "stretches", "was_said"]

_MOVED_MS: Final = 300
"""How far off a word of another pass may lie and still be the same one: the times of the last word that was
heard so far are the least certain."""
_AROUND_MS: Final = 1_000
_MARKS: Final = ".,?!;:-"


class Lost(NamedTuple):
    """A word that was the last one of a partial and is missing from the finals.

    Attributes:
        word: As it was shown.
        place: How many words of all finals come before it.
        of_last: Whether it was in the last partial that had words.
    """

    word: ShownWord
    place: int
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
    """The last word of a partial, if it is missing from final words, and how many of those come before.

    Both are aligned. The word is there if the final has it at its place, no more than 0.3 s off. Another
    word of the final in its time has taken its place, and then none is missing either; unless that one was
    in the partial before it.
    """
    partial = [(word, forms) for word in shown if (forms := _forms(word.text))]
    if not partial:
        return None
    said = [(form, i) for i, (_, forms) in enumerate(partial) for form in forms]
    heard = [(form, j) for j, word in enumerate(final) for form in _forms(word.text)]
    pairs = [
        (said[a][1], heard[b][1])
        for a, b in align([form for form, _ in said], [form for form, _ in heard])
        if said[a][0] == heard[b][0]
    ]
    last = len(partial) - 1
    word, last_forms = partial[last]
    # Of a word that was shown twice it may be the first that is left.
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


def lost_words(utterance: Utterance, finals: Sequence[ShownWord]) -> list[Lost]:
    """Words that were the last ones of its partials and are in no final, each once.

    Of partials before the last only words behind all of the final: what is lost further to the front was
    not the last word of the utterance.

    Args:
        utterance: What was shown.
        finals: The final words of the whole recording: where an utterance is cut because it is too long,
            what was shown of the rest is in the next one.
    """
    partials = [message.words for message in utterance.messages if message.words and not message.ended]
    found: dict[str, Lost] = {}
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
            found[word.text.lower()] = Lost(word, first + place, of_last)
    return list(found.values())


def _is_around(word: ShownWord, shown: Sequence[ShownWord]) -> bool:
    whole = replace(shown[0], end_ms=shown[-1].end_ms)
    return _gap_ms(word, whole) <= _AROUND_MS


def _before(words: Sequence[ShownWord], at: ShownWord) -> int:
    return sum((word.start_ms or 0) < (at.start_ms or 0) for word in words)


def was_said(lost: Lost, finals: Sequence[ShownWord], reference: str) -> bool:
    """Whether a transcript would be nearer to what was said if it had that word.

    Args:
        lost: A word that is missing.
        finals: The final words of the whole recording.
        reference: What was said.
    """
    said = _forms(reference)
    texts = [word.text for word in finals]
    without = _errors(said, texts)
    texts.insert(lost.place, lost.word.text)
    return _errors(said, texts) < without


def _errors(said: Sequence[str], texts: Iterable[str]) -> int:
    heard = _forms(" ".join(texts))
    pairs = align(said, heard)
    right = sum(said[i] == heard[j] for i, j in pairs)
    return len(said) + len(heard) - len(pairs) - right


def lacks_first_word(reference: str, heard: Sequence[ShownWord], first: RefWord | None = None) -> bool:
    """Whether nothing was heard in the place of the first word that was said.

    Args:
        reference: What was said.
        heard: Words that were heard.
        first: When the first one was said, if that is known: what was heard then is in its place.
    """
    said = _forms(reference)
    if not said or any(i == 0 for i, _ in align(said, _forms(" ".join(word.text for word in heard)))):
        return False
    if first is None:
        return True
    spoken = ShownWord(first.text, round(first.start_s * 1000), round(first.end_s * 1000))
    return all(_gap_ms(spoken, word) >= 0 for word in heard)


def _forms(text: str) -> list[str]:
    """Words in comparable form, numbers digit by digit: "2 5" and "25" are the same."""
    forms: list[str] = []
    for word in text.split():
        if word.strip(_MARKS).replace("-", "").isdecimal():
            forms += [character for character in word if character.isdecimal()]
        else:
            forms += [piece for form in tokens(word) for piece in (form if form.isdecimal() else (form,))]
    return forms
