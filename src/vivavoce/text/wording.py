"""How the words of a session are shown: formatted or plain, with or without what must not be seen."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vivavoce.text.formatting import formatted_groups, n_settled
from vivavoce.text.formatting.tokens import tokens_of
from vivavoce.text.profanity import without_profanity
from vivavoce.text.redaction import redacted_groups
from vivavoce.text.spelling import separated, spell_out, spelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.types import PiiPolicy, Word

__all__ = ["Wording"]


@dataclass(frozen=True, slots=True)
class Wording:
    """Turns the recogniser's words into those that are told.

    Attributes:
        formats: Whether finished turns keep case and get figures; else all is lower case and in words.
        punctuates: Whether finished turns keep their punctuation.
        formats_partials: Whether words of unfinished turns keep case and punctuation.
        hides_profanity: Whether profane words get stars.
        redacts: What is taken out of finished turns; nothing is told of unfinished ones then.
        redacts_by_name: Whether the name of its kind stands in its place, not a ``#`` for each character.
    """

    formats: bool = True
    punctuates: bool = True
    formats_partials: bool = False
    hides_profanity: bool = False
    redacts: frozenset[PiiPolicy] = frozenset()
    redacts_by_name: bool = False

    def partial(self, words: Sequence[Word], n_promised: int = 0) -> tuple[Word, ...]:
        """The words of an unfinished turn, as they are told.

        Where the finished turn is formatted, committed words that formatting may change are not told
        to be final.

        Args:
            words: As the recogniser wrote them.
            n_promised: How many of them were told to be final before.
        """
        if self.redacts:
            return ()  # the half of a number is not known for one
        words = separated(words)
        if not self.formats_partials:
            return self._decent(spell_out(words))
        if self.formats:
            n = max(n_promised, n_settled(words))
            words = [*words[:n], *(dataclasses.replace(word, is_final=False) for word in words[n:])]
        return self._decent(words)

    def final(self, words: Sequence[Word], n_promised: int = 0) -> tuple[Word, ...]:
        """The words of a finished turn, as they are told.

        Args:
            words: As the recogniser wrote them.
            n_promised: How many of them were told to be final before: they stay as they were told.
        """
        words = separated(words)
        if not self.redacts:
            return self._decent(self._written(words, n_promised) if self.formats else self._spoken(words))
        told: list[Word] = []
        at = 0
        for group in redacted_groups(words, self.redacts, by_name=self.redacts_by_name):
            if group.is_redacted:
                told.append(group.word)
            elif self.formats:
                told += [group.word] if self.punctuates else _bare([group.word])
            else:
                told += self._spoken(words[at : at + group.n])
            at += group.n
        return self._decent(told)

    def _written(self, words: Sequence[Word], n_promised: int) -> Sequence[Word]:
        written: list[Word] = []
        at = 0
        for word, n in formatted_groups(words):
            written += words[at : at + n] if at < n_promised else [word]
            at += n
        return written if self.punctuates else _bare(written)

    def _spoken(self, words: Sequence[Word]) -> Sequence[Word]:
        return _spelled_with_marks(words) if self.punctuates else spell_out(words)

    def _decent(self, words: Sequence[Word]) -> tuple[Word, ...]:
        return without_profanity(words) if self.hides_profanity else tuple(words)


def _bare(words: Sequence[Word]) -> list[Word]:
    """Words without the marks around them."""
    return [
        dataclasses.replace(word, text=token.core or word.text)
        for word, token in zip(words, tokens_of(words), strict=True)
    ]


def _spelled_with_marks(words: Sequence[Word]) -> list[Word]:
    """Words in lower case and without figures, their punctuation kept."""
    told: list[Word] = []
    for word, token in zip(words, tokens_of(words), strict=True):
        parts = (
            list(spell_out([dataclasses.replace(word, text=token.core)])) if spelled(token.core) else [word]
        )
        parts[0] = dataclasses.replace(parts[0], text=token.lead + parts[0].text)
        parts[-1] = dataclasses.replace(parts[-1], text=parts[-1].text + token.trail)
        told += parts if spelled(token.core) else [word]
    return told
