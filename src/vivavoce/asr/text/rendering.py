"""Renders the words of a turn for the client: formatting, punctuation, profanity filter and redaction."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting import formatted_words, frozen_words
from vivavoce.asr.text.formatting.words import split_words
from vivavoce.asr.text.profanity import mask_profane_words
from vivavoce.asr.text.redaction import redacted_words
from vivavoce.asr.text.spoken_form import split_at_spaces, spoken_form, to_spoken_form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.types import PiiPolicy, Word

__all__ = ["NOTHING_FROZEN", "FrozenWords", "TurnRenderer"]

_REDACTION_COVER: Final = re.compile(r"#+|\[[A-Z_]+\]")


@dataclass(frozen=True, slots=True)
class FrozenWords:
    """The first words of an unfinished turn as the client receives them: final, so they never change again.

    Attributes:
        words: The rendered words.
        n_spoken: How many of the recogniser's words they stand for.
        is_tentative: Whether the last of them was rendered before it was known that no address begins there.
    """

    words: tuple[Word, ...] = ()
    n_spoken: int = 0
    is_tentative: bool = False


NOTHING_FROZEN: Final = FrozenWords()


@dataclass(frozen=True, slots=True)
class TurnRenderer:
    """Renders the recogniser's words as those of partials and finals.

    Attributes:
        formats: Whether finals keep their case and have numbers in digits; if not, they are in lower case and
            numbers are spelled out.
        punctuates: Whether finals keep their punctuation.
        formats_partials: Whether partials keep case and punctuation.
        masks_profanity: Whether profane words are masked.
        redacts: The kinds of personal data that finals hide. Partials then have no words, because half a
            number does not look like one.
        redacts_by_name: Whether the name of its kind replaces the data, or one ``#`` for each character.
        is_english: Whether the words are English. Those of other languages are neither formatted nor masked,
            only written with or without case and punctuation.
    """

    formats: bool = True
    punctuates: bool = True
    formats_partials: bool = False
    masks_profanity: bool = False
    redacts: frozenset[PiiPolicy] = frozenset()
    redacts_by_name: bool = False
    is_english: bool = True

    def freeze(self, words: Sequence[Word], before: FrozenWords = NOTHING_FROZEN) -> FrozenWords:
        """Render those words of an unfinished turn that can be sent as final.

        If finals are formatted, these are the committed words whose formatting no later word can change; if
        not, all committed words.

        Args:
            words: The recogniser's words of the turn.
            before: The words that were frozen before; the result begins with them.
        """
        if self.redacts:
            return before
        committed = [word for word in split_at_spaces(words) if word.is_final]
        if len(committed) <= before.n_spoken:
            return before
        if not (self.formats_partials and self.formats and self.is_english):
            rest = committed[before.n_spoken :]
            rendered = rest if self.formats_partials else self._lowered(rest)
            return FrozenWords((*before.words, *self._masked(rendered)), len(committed))
        frozen, is_tentative = frozen_words(committed, before.n_spoken, is_tentative=before.is_tentative)
        if not frozen:
            return before
        written = [it.word for it in frozen]
        if not self.punctuates:
            written = _without_punctuation(written)
        n_spoken = before.n_spoken + sum(it.n_spoken for it in frozen)
        return FrozenWords((*before.words, *self._masked(written)), n_spoken, is_tentative)

    def partial(self, words: Sequence[Word], frozen: FrozenWords | None = None) -> tuple[Word, ...]:
        """Render an unfinished turn.

        Args:
            words: The recogniser's words of the turn.
            frozen: The words that are sent as final; None: as many as `freeze` allows.
        """
        if self.redacts:
            return ()
        if frozen is None:
            frozen = self.freeze(words)
        rest = [_not_final(word) for word in split_at_spaces(words)[frozen.n_spoken :]]
        return (*frozen.words, *self._masked(rest if self.formats_partials else self._lowered(rest)))

    def final(self, words: Sequence[Word], frozen: FrozenWords = NOTHING_FROZEN) -> tuple[Word, ...]:
        """Render a finished turn.

        Args:
            words: The recogniser's words of the turn.
            frozen: The words that partials sent as final; the result begins with them.
        """
        words = split_at_spaces(words)
        if self.redacts:
            return self._masked(self._redacted(words))
        if not self.is_english:
            rest = self._foreign(words[frozen.n_spoken :])
        elif self.formats:
            rest = self._formatted(words, frozen.n_spoken)
        else:
            rest = self._spoken(words[frozen.n_spoken :])
        return (*frozen.words, *self._masked(rest))

    def _redacted(self, words: Sequence[Word]) -> list[Word]:
        rendered: list[Word] = []
        at = 0
        for redacted in redacted_words(words, self.redacts, by_name=self.redacts_by_name):
            if redacted.is_redacted:
                rendered.append(redacted.word if self.punctuates else _cover_only(redacted.word))
            elif self.formats:
                rendered += [redacted.word] if self.punctuates else _without_punctuation([redacted.word])
            else:
                rendered += self._spoken(words[at : at + redacted.n_spoken])
            at += redacted.n_spoken
        return rendered

    def _formatted(self, words: Sequence[Word], start: int) -> Sequence[Word]:
        """Format words from index ``start`` on.

        A group of words that begins before ``start`` stays as spoken.
        """
        written: list[Word] = []
        at = 0
        for word, n_spoken in formatted_words(words):
            if at >= start:
                written.append(word)
            else:
                written += words[max(at, start) : at + n_spoken]
            at += n_spoken
        return written if self.punctuates else _without_punctuation(written)

    def _lowered(self, words: Sequence[Word]) -> Sequence[Word]:
        """Render words in lower case, without punctuation."""
        if self.is_english:
            return to_spoken_form(words)
        return [dataclasses.replace(word, text=word.text.lower()) for word in _without_punctuation(words)]

    def _foreign(self, words: Sequence[Word]) -> Sequence[Word]:
        """Render the words of a final in a language that has no rules here."""
        if not self.formats:
            words = [dataclasses.replace(word, text=word.text.lower()) for word in words]
        return words if self.punctuates else _without_punctuation(words)

    def _spoken(self, words: Sequence[Word]) -> Sequence[Word]:
        return _spoken_with_punctuation(words) if self.punctuates else to_spoken_form(words)

    def _masked(self, words: Sequence[Word]) -> tuple[Word, ...]:
        return mask_profane_words(words) if self.masks_profanity and self.is_english else tuple(words)


def _not_final(word: Word) -> Word:
    return dataclasses.replace(word, is_final=False) if word.is_final else word


def _without_punctuation(words: Sequence[Word]) -> list[Word]:
    """Remove the punctuation around words; a word that is nothing else stays."""
    return [
        dataclasses.replace(word, text=split.core or word.text)
        for word, split in zip(words, split_words(words), strict=True)
    ]


def _cover_only(word: Word) -> Word:
    """Remove the punctuation around what replaces personal data."""
    match = _REDACTION_COVER.search(word.text)
    return dataclasses.replace(word, text=match[0]) if match else word


def _spoken_with_punctuation(words: Sequence[Word]) -> list[Word]:
    """Render the spoken form of words with their punctuation."""
    rendered: list[Word] = []
    for word, split in zip(words, split_words(words), strict=True):
        if not spoken_form(split.core):
            rendered.append(word)
            continue
        parts = list(to_spoken_form([dataclasses.replace(word, text=split.core)]))
        parts[0] = dataclasses.replace(parts[0], text=split.lead + parts[0].text)
        parts[-1] = dataclasses.replace(parts[-1], text=parts[-1].text + split.trail)
        rendered += parts
    return rendered
