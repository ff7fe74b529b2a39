"""Email and web addresses that are spoken: "john dot smith at example dot com"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.words import Replacement
from vivavoce.asr.text.numerals import ONES, TEENS, TENS
from vivavoce.asr.text.word_lists import FUNCTION_WORDS, word_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.text.formatting.words import SplitWord

__all__ = ["MAIL_PROVIDERS", "TOP_LEVEL_DOMAINS", "address"]

TOP_LEVEL_DOMAINS: Final = word_set(
    "com org net edu gov mil int info biz io ai app dev co uk us ca au de fr es it nl eu ch at jp cn in "
    "br ru me tv"
)
MAIL_PROVIDERS: Final = word_set("gmail yahoo hotmail outlook icloud proton protonmail aol gmx live msn")
_DOMAINS_THAT_ARE_WORDS: Final = word_set("in it at me us be no so to")  # "the last dot in the path"
_MARKS: Final = {
    "dot": ".",
    "point": ".",
    "underscore": "_",
    "dash": "-",
    "hyphen": "-",
    "minus": "-",
    "plus": "+",
}
_MAILBOX_MARKS: Final = frozenset(_MARKS) - {"point"}
_HOST_MARKS: Final = frozenset({"dot", "dash", "hyphen"})
_PATH_MARKS: Final = frozenset({"dash", "hyphen", "underscore", "dot"})
_SLASHES: Final = (["colon", "slash", "slash"], ["colon", "forward", "slash", "slash"])
_ROLES: Final = word_set("info support sales contact help admin office hello press jobs billing service")
_MAIL_WORDS: Final = frozenset({"email", "e-mail", "mail", "address", "emails"})
_MAIL_WORD_REACH: Final = 6  # how many words before a mailbox such a word may be
_NEVER_NAMES: Final = (
    FUNCTION_WORDS
    | frozenset((*TEENS, *TENS))
    | word_set(
        "me us them him this these no every each another available online here there available down out up "
        "look found find visit go see get reach buy meet book sign log shop order live now today is website "
        "site page also only just more information mail email"
    )
)
"""Words that are neither a mailbox nor the first part of a host."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of an address.

    Attributes:
        text: As it is written.
        end: Index after its last word.
    """

    text: str
    end: int


def address(words: Sequence[SplitWord], start: int) -> Replacement | None:
    """Write the address that begins at a word; None if none begins there."""
    if not words[start].core:
        return None
    scheme, at = _scheme(words, start)
    if not scheme and (mailbox := _name_with_marks(words, start, _MAILBOX_MARKS)) is not None:
        end = mailbox.end
        if (
            end + 1 < len(words)
            and not words[end - 1].trail
            and words[end].key == "at"
            and not words[end].trail
        ):
            host = _host(words, end + 1)
            if host is not None and _may_be_mailbox(words, start, mailbox.text, host.text):
                return Replacement(host.end - start, f"{mailbox.text}@{host.text}")
    if at >= len(words):
        return None
    host = _host(words, at)
    if host is None:
        return None
    url = _with_path(words, host)
    n_words = url.end - start
    return Replacement(n_words, scheme + url.text) if n_words > 1 else None


def _scheme(words: Sequence[SplitWord], at: int) -> tuple[str, int]:
    """The scheme of a web address and the index after it; empty and ``at`` if there is none."""
    if words[at].key in {"http", "https"}:
        for slashes in _SLASHES:
            end = at + 1 + len(slashes)
            if [word.key for word in words[at + 1 : end]] == slashes:
                return f"{words[at].key}://", end
    return "", at


def _name(words: Sequence[SplitWord], at: int) -> _Part | None:
    """A name: one word, or letters and digits spoken one by one."""
    text = ""
    end = at
    while end < len(words):
        word = words[end]
        part = str(ONES[word.key]) if word.key in ONES else word.key
        is_short = len(part) == 1
        if not (part.isascii() and part.replace("-", "").isalnum()) or word.lead or (text and not is_short):
            break
        text += part
        end += 1
        if word.trail:
            break
        if not is_short and not (end < len(words) and words[end].key in ONES):
            break
    return _Part(text, end) if text else None


def _name_with_marks(words: Sequence[SplitWord], at: int, marks: frozenset[str]) -> _Part | None:
    """One or more names with spoken marks between them: "john dot smith"."""
    whole = _name(words, at)
    while (
        whole
        and whole.end + 1 < len(words)
        and not words[whole.end - 1].trail
        and words[whole.end].key in marks
    ):
        if words[whole.end].trail:
            break
        name = _name(words, whole.end + 1)
        if name is None:
            break
        whole = _Part(whole.text + _MARKS[words[whole.end].key] + name.text, name.end)
    return whole


def _host(words: Sequence[SplitWord], at: int) -> _Part | None:
    """The longest host name from a word on that ends in a top-level domain."""
    if at < len(words) and _is_written_host(words[at]):
        return _Part(words[at].key, at + 1)
    if at + 2 >= len(words) or (words[at].key in _NEVER_NAMES and words[at + 1].key == "dot"):
        return None
    host = _name_with_marks(words, at, _HOST_MARKS)
    while host:
        name, dot, top = host.text.rpartition(".")
        if dot and top in TOP_LEVEL_DOMAINS - _DOMAINS_THAT_ARE_WORDS and name[-1:].isalnum():
            return host
        # "example dot com dot": no domain after the last dot, so try without it.
        marks = [index for index in range(at + 1, host.end) if words[index].key in _HOST_MARKS]
        host = _name_with_marks(words[: marks[-1]], at, _HOST_MARKS) if len(marks) > 1 else None
    return None


def _is_written_host(word: SplitWord) -> bool:
    """Whether the recogniser wrote a host name already."""
    name, dot, top = word.key.rpartition(".")
    is_host = bool(dot and name) and top in TOP_LEVEL_DOMAINS
    return is_host and name.replace("-", "").replace(".", "").isalnum()


def _with_path(words: Sequence[SplitWord], host: _Part) -> _Part:
    """The host with the path that follows it: "example dot com slash about"."""
    url = host
    while url.end + 1 < len(words) and not words[url.end - 1].trail and words[url.end].key == "slash":
        part = _name_with_marks(words, url.end + 1, _PATH_MARKS)
        if part is None or words[url.end].trail or words[url.end + 1].key in TENS:
            break
        url = _Part(f"{url.text}/{part.text}", part.end)
    return url


def _may_be_mailbox(words: Sequence[SplitWord], at: int, mailbox: str, host: str) -> bool:
    """Whether "... at HOST" is an email address rather than a place on the web."""
    if any(mark in mailbox for mark in "._-+") or any(c.isdigit() for c in mailbox):
        return True
    if mailbox in _NEVER_NAMES:
        return False
    if host.split(".", maxsplit=1)[0] in MAIL_PROVIDERS or mailbox in _ROLES:
        return True
    before = {word.key for word in words[max(0, at - _MAIL_WORD_REACH) : at]}
    return bool(before & _MAIL_WORDS)
