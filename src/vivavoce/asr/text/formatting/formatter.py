"""Applies the formatting rules to the words of a turn, from left to right."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

from vivavoce.asr.text.formatting.addresses import address
from vivavoce.asr.text.formatting.digit_strings import digit_string
from vivavoce.asr.text.formatting.grammar import number_phrase
from vivavoce.asr.text.formatting.numbers import parse_run
from vivavoce.asr.text.formatting.rules import RunInContext, rewrite_run
from vivavoce.asr.text.formatting.words import UNCHANGED, Decision, SplitWord, split_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.types import Word

__all__ = ["FormattedWord", "apply", "formatted_words", "merged", "rewrite_at"]


class FormattedWord(NamedTuple):
    """A word as it is written.

    Attributes:
        word: The written word.
        n_spoken: How many spoken words it stands for.
    """

    word: Word
    n_spoken: int


def formatted_words(words: Sequence[Word]) -> list[FormattedWord]:
    """Format a finished turn; as `format_turn`, with the number of spoken words for each written one."""
    split = split_words(words)
    may_hold_address = any(word.key == "dot" or "." in word.key for word in split)
    formatted: list[FormattedWord] = []
    at = 0
    while at < len(split):
        decision = rewrite_at(split, at, may_hold_address=may_hold_address)
        written = apply(decision, words, split, at)
        formatted += written
        at += sum(it.n_spoken for it in written)
    return formatted


def rewrite_at(words: Sequence[SplitWord], at: int, *, may_hold_address: bool) -> Decision:
    """Decide how the words from index ``at`` on are written.

    Args:
        words: The words of the turn.
        at: Index of the first word to decide about.
        may_hold_address: Whether to look for an address, which takes time.
    """
    if not words[at].core:
        return UNCHANGED
    if may_hold_address and (written_address := address(words, at)) is not None:
        return Decision((written_address,), 0)
    run = parse_run(words, at)
    if (decision := number_phrase(words, at, run)) is not None:
        return decision
    if (digits := digit_string(words, at)) is not None:
        return Decision((digits,), 0)
    if run is None:
        return UNCHANGED
    return Decision(rewrite_run(RunInContext(words, run)) or (), run.end - at)


def apply(
    decision: Decision, words: Sequence[Word], split: Sequence[SplitWord], at: int
) -> list[FormattedWord]:
    """Write the words from index ``at`` on as the rules decided.

    Args:
        decision: The result of `rewrite_at` at this index.
        words: The words of the turn.
        split: The same words, split.
        at: Index of the first word that the decision concerns.
    """
    if not decision.rewrite:
        return [FormattedWord(word, 1) for word in words[at : at + decision.n_unchanged]]
    written: list[FormattedWord] = []
    for replacement in decision.rewrite:
        end = at + replacement.n_words
        text = _with_punctuation(replacement.text, split[at], split[end - 1])
        written.append(FormattedWord(merged(words[at:end], text), replacement.n_words))
        at = end
    return written


def _with_punctuation(text: str, first: SplitWord, last: SplitWord) -> str:
    """Put the punctuation of the replaced words around a text, without doubling a mark that it ends in."""
    trail = last.trail
    if text in {"a.m", "p.m"} and not trail.startswith("."):
        text += "."
    elif text.endswith(",") and trail:
        text = text[:-1]
    return f"{first.lead}{text}{trail}"


def merged(words: Sequence[Word], text: str) -> Word:
    """Merge one or more words in a row into one with the given text."""
    first = words[0]
    if len(words) == 1:
        return first if text == first.text else dataclasses.replace(first, text=text)
    confidence = sum(word.confidence for word in words) / len(words)
    return dataclasses.replace(
        first,
        text=text,
        end_ms=max(word.end_ms for word in words),
        confidence=confidence,
        is_final=all(word.is_final for word in words),
    )
