"""How the words of a session are shown: formatted or plain, with or without what must not be seen."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting import formatted_groups, frozen_groups
from vivavoce.asr.text.formatting.pieces import tokens_of
from vivavoce.asr.text.profanity import without_profanity
from vivavoce.asr.text.redaction import redacted_groups
from vivavoce.asr.text.spelling import separated, spell_out, spelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.types import PiiPolicy, Word

__all__ = ["NOTHING_FROZEN", "FrozenWords", "TurnRenderer"]

_COVER: Final = re.compile(r"#+|\[[A-Z_]+\]")


@dataclass(frozen=True, slots=True)
class FrozenWords:
    """Words of an unfinished turn that were told to be final, and so are never told otherwise.

    Attributes:
        words: As they were told.
        n: How many of the recogniser's words they stand for.
        is_tentative: Whether the last of them might have begun an address, for all that is known.
    """

    words: tuple[Word, ...] = ()
    n: int = 0
    is_tentative: bool = False


NOTHING_FROZEN: Final = FrozenWords()


@dataclass(frozen=True, slots=True)
class TurnRenderer:
    """Turns the recogniser's words into those that are told.

    Attributes:
        formats: Whether finished turns keep case and get figures; else all is lower case and in words.
        punctuates: Whether finished turns keep their punctuation.
        formats_partials: Whether words of unfinished turns keep case and punctuation.
        masks_profanity: Whether profane words get stars.
        redacts: What is taken out of finished turns; nothing is told of unfinished ones then.
        redacts_by_name: Whether the name of its kind stands in its place, not a ``#`` for each character.
    """

    formats: bool = True
    punctuates: bool = True
    formats_partials: bool = False
    masks_profanity: bool = False
    redacts: frozenset[PiiPolicy] = frozenset()
    redacts_by_name: bool = False

    def freeze(self, words: Sequence[Word], before: FrozenWords = NOTHING_FROZEN) -> FrozenWords:
        """What of an unfinished turn can be told to be final.

        Where the finished turn is formatted, that is what formatting makes of committed words whatever
        follows them; else it is every committed word.

        Args:
            words: As the recogniser wrote them.
            before: What was told to be final before; it comes first.
        """
        if self.redacts:
            return before  # the half of a number is not known for one
        committed = [word for word in separated(words) if word.is_final]
        if len(committed) <= before.n:
            return before
        if not (self.formats_partials and self.formats):
            rest = committed[before.n :]
            plain = rest if self.formats_partials else spell_out(rest)
            return FrozenWords((*before.words, *self._decent(plain)), len(committed))
        groups, is_tentative = frozen_groups(committed, before.n, is_tentative=before.is_tentative)
        if not groups:
            return before
        told = [word for word, _ in groups]
        if not self.punctuates:
            told = _bare(told)
        n = before.n + sum(n for _, n in groups)
        return FrozenWords((*before.words, *self._decent(told)), n, is_tentative)

    def partial(self, words: Sequence[Word], frozen: FrozenWords | None = None) -> tuple[Word, ...]:
        """The words of an unfinished turn, as they are told.

        Args:
            words: As the recogniser wrote them.
            frozen: Those that are told to be final; None: all that can be.
        """
        if self.redacts:
            return ()  # the half of a number is not known for one
        if frozen is None:
            frozen = self.freeze(words)
        rest = [_open(word) for word in separated(words)[frozen.n :]]
        return (*frozen.words, *self._decent(rest if self.formats_partials else spell_out(rest)))

    def final(self, words: Sequence[Word], frozen: FrozenWords = NOTHING_FROZEN) -> tuple[Word, ...]:
        """The words of a finished turn, as they are told.

        Args:
            words: As the recogniser wrote them.
            frozen: Those that were told to be final before: they stay as they were told.
        """
        words = separated(words)
        if not self.redacts:
            rest = self._written(words, frozen.n) if self.formats else self._spoken(words[frozen.n :])
            return (*frozen.words, *self._decent(rest))
        told: list[Word] = []
        at = 0
        for group in redacted_groups(words, self.redacts, by_name=self.redacts_by_name):
            if group.is_redacted:
                told.append(group.word if self.punctuates else _bare_cover(group.word))
            elif self.formats:
                told += [group.word] if self.punctuates else _bare([group.word])
            else:
                told += self._spoken(words[at : at + group.n])
            at += group.n
        return self._decent(told)

    def _written(self, words: Sequence[Word], start: int) -> Sequence[Word]:
        """Words from one on; what belongs together with words before it stays as it was said."""
        written: list[Word] = []
        at = 0
        for word, n in formatted_groups(words):
            if at >= start:
                written.append(word)
            else:
                written += words[max(at, start) : at + n]
            at += n
        return written if self.punctuates else _bare(written)

    def _spoken(self, words: Sequence[Word]) -> Sequence[Word]:
        return _spelled_with_marks(words) if self.punctuates else spell_out(words)

    def _decent(self, words: Sequence[Word]) -> tuple[Word, ...]:
        return without_profanity(words) if self.masks_profanity else tuple(words)


def _open(word: Word) -> Word:
    """The word, as one that may still change."""
    return dataclasses.replace(word, is_final=False) if word.is_final else word


def _bare(words: Sequence[Word]) -> list[Word]:
    """Words without the marks around them."""
    return [
        dataclasses.replace(word, text=token.core or word.text)
        for word, token in zip(words, tokens_of(words), strict=True)
    ]


def _bare_cover(word: Word) -> Word:
    """What stands for something that was taken out, without the marks around it."""
    found = _COVER.search(word.text)
    return dataclasses.replace(word, text=found[0]) if found else word


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
