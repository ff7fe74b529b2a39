"""The profanity filter: it replaces the letters of profane words by asterisks, except the first one."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.types import Word

__all__ = ["mask_profane_words", "mask_profanity"]

# Stems take endings. The words of the second list do not, because with an ending they may be harmless
# ("cocktail", "assess"). Both lists hold what is coarse in nearly every use: a filter that masks harmless
# words hides the meaning.
_STEMS: Final = (
    "(?:mother|cluster)?fuck|(?:bull|horse|dip|bat)?shit|cunt|asshole|arsehole|dumbass|jackass|bastard|bitch|wank"
    "|twat|slut|whore|cocksuck|goddamn|nigg(?:er|a)|faggot|dickhead|bollock|jizz|blowjob|pussy|tosser|douchebag"
)
_ENDINGS: Final = (
    "(?:s|es|ed|er|ers|in|in'|ing|ings|y|ier|iest|ty|tier|tiest|head|heads|face|faces|off|up|wit|wits|'s)?"
)
_WITHOUT_ENDINGS: Final = (
    "ass|asses|arse|arses|tits|piss|pissed|pissing|prick|pricks|cock|fag|fags|shite|pussies"
)
_PROFANE: Final = re.compile(f"(?:{_STEMS}){_ENDINGS}|{_WITHOUT_ENDINGS}", re.IGNORECASE)
_LETTERS: Final = re.compile(r"[\w'\u2019]+")  # the parts of "smart-ass" are checked one by one


def mask_profanity(text: str) -> str:
    """Mask a word if it is profane; its first letter, punctuation and hyphens stay.

    >>> mask_profanity("Shit!"), mask_profanity("class")
    ('S***!', 'class')
    """
    return _LETTERS.sub(_mask, text)


def _mask(match: re.Match[str]) -> str:
    letters = match[0]
    if not _PROFANE.fullmatch(letters.replace("\u2019", "'")):
        return letters
    return letters[0] + "*" * (len(letters) - 1)


def mask_profane_words(words: Sequence[Word]) -> tuple[Word, ...]:
    """Return the words, the profane ones masked."""
    return tuple(
        word if (text := mask_profanity(word.text)) == word.text else dataclasses.replace(word, text=text)
        for word in words
    )
