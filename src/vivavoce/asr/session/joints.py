"""Where an utterance was cut although its speaker continued: how the text on both sides fits together.

The recogniser takes each side for a whole: it closes the first with a full stop and begins the second with a
capital. A pass over the audio around the cut shows what is there: the end of a sentence, a comma or nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.asr.text import plain_word
from vivavoce.asr.text.word_lists import FUNCTION_WORDS, word_set
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from vivavoce.asr.models import Hypothesis

__all__ = ["Joint"]

_MARKS: Final = re.compile(r"[.?!,;:\u2026\u2013\u2014-]+(?=[\"')\]]*$)")
_CLOSING: Final = frozenset(".?!…")
# Words that are no names: others keep a capital where only the side after the cut was recognised.
_NO_NAMES: Final = (FUNCTION_WORDS - {"will"}) | word_set(
    "also an any be been can could did do does down each even every few having here hers him how into just "
    "like many me might more most much must never no nor not now off once one only other out over shall "
    "should some still such than them these those though through thus too under up upon us very well what "
    "whether whom whose why without yet"
)
_ALWAYS_CAPITAL: Final = re.compile(r"\W*I(?:$|\W)")  # and "I'm", "I'll"


@dataclass(slots=True)
class Joint:
    """A cut through continuous speech, shared by the utterances before and after it.

    Attributes:
        at: Position of the cut.
        start: Position of the first sample of a pass over the audio around it.
        end: Position after the last one.
        is_known: Whether nothing is missing: that pass was done, or there is no audio for one.
        last: The last word before the cut as it was reported; empty if there is none.
    """

    at: int
    start: int
    end: int
    is_known: bool = False
    last: str = ""
    _mark: str | None = None  # punctuation between the sides; None: that of the side before
    _after: str | None = None  # the first word after the cut, as it was recognised with what is before it

    def take(self, hypothesis: Hypothesis) -> None:
        """Take the hypothesis of the pass."""
        self.is_known = True
        cut_s = (self.at - self.start) / MODEL_RATE_HZ
        words = [word for word in hypothesis.words if plain_word(word.text)]
        n_before = sum((word.start_s + word.end_s) / 2 < cut_s for word in words)
        if 0 < n_before < len(words):
            found = _MARKS.search(words[n_before - 1].text)
            self._mark = found[0] if found else ""
            self._after = words[n_before].text

    def before(self, text: str) -> str:
        """The last word before the cut, with the punctuation that is there."""
        if self._mark is None or not plain_word(text):
            return text
        found = _MARKS.search(text)
        if found:
            return text[: found.start()] + self._mark + text[found.end() :]
        return text + self._mark

    def after(self, text: str) -> str:
        """The first word after the cut, with a capital only where it needs one."""
        if not self.last:
            return text
        if self._after is not None and plain_word(self._after) == plain_word(text):
            return _capitalised(text) if _begins_with_capital(self._after) else _uncapitalised(text)
        found = _MARKS.search(self.last)
        if found and _CLOSING & set(found[0]):
            return _capitalised(text)
        return _uncapitalised(text) if plain_word(text) in _NO_NAMES else text


def _begins_with_capital(text: str) -> bool:
    return next((letter.isupper() for letter in text if letter.isalnum()), False)


def _first_letter(text: str) -> int:
    return next((index for index, letter in enumerate(text) if letter.isalnum()), len(text))


def _capitalised(text: str) -> str:
    at = _first_letter(text)
    return text[:at] + text[at : at + 1].upper() + text[at + 1 :]


def _uncapitalised(text: str) -> str:
    """The word without its capital, unless that is part of the word: "I'm", "NASA", "McKay"."""
    at = _first_letter(text)
    if _ALWAYS_CAPITAL.match(text) or any(letter.isupper() for letter in text[at + 1 :]):
        return text
    return text[:at] + text[at : at + 1].lower() + text[at + 1 :]
