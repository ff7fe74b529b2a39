"""Stars for profane words, as the vendor writes them: the first letter stays."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.types import Word

__all__ = ["starred", "without_profanity"]

# Stems that take endings, and words that would be others with one ("cocktail", "Dickens", "assess"). Only
# what is coarse in nearly every use: a filter that hides what was meant harmlessly hides the sense.
_STEMS: Final = (
    "(?:mother|cluster)?fuck|(?:bull|horse|dip|bat)?shit|cunt|asshole|arsehole|dumbass|jackass|bastard|bitch|wank"
    "|twat|slut|whore|cocksuck|goddamn|nigg(?:er|a)|faggot|dickhead|bollock|jizz|blowjob|pussy|tosser|douchebag"
)
_ENDINGS: Final = (
    "(?:s|es|ed|er|ers|in|in'|ing|ings|y|ier|iest|ty|tier|tiest|head|heads|face|faces|off|up|wit|wits|'s)?"
)
_WHOLE: Final = "ass|asses|arse|arses|tits|piss|pissed|pissing|prick|pricks|cock|fag|fags|shite|pussies"
_PROFANE: Final = re.compile(f"(?:{_STEMS}){_ENDINGS}|{_WHOLE}", re.IGNORECASE)
_NAMES: Final = re.compile(r"[\w'\u2019]+")


def starred(text: str) -> str:
    """A word with stars for its letters behind the first, where it is profane; marks and hyphens stay.

    >>> starred("Shit!"), starred("class")
    ('S***!', 'class')
    """
    return _NAMES.sub(_star, text)


def _star(match: re.Match[str]) -> str:
    name = match[0]
    if not _PROFANE.fullmatch(name.replace("\u2019", "'")):
        return name
    return name[0] + "*" * (len(name) - 1)


def without_profanity(words: Sequence[Word]) -> tuple[Word, ...]:
    """The words with stars where they are profane."""
    return tuple(
        word if (text := starred(word.text)) == word.text else dataclasses.replace(word, text=text)
        for word in words
    )
