"""E-mail and web addresses said aloud."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.context import FUNCTION_WORDS
from vivavoce.asr.text.formatting.pieces import Piece
from vivavoce.asr.text.numerals import ONES, TEENS, TENS
from vivavoce.asr.text.word_lists import word_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.text.formatting.pieces import Token

__all__ = ["PROVIDERS", "TOP_DOMAINS", "address"]

TOP_DOMAINS: Final = word_set(
    "com org net edu gov mil int info biz io ai app dev co uk us ca au de fr es it nl eu ch at jp cn in "
    "br ru me tv"
)
_WORDS_TOO: Final = word_set("in it at me us be no so to")  # "the last dot in the path"
_MARKS: Final = {
    "dot": ".",
    "point": ".",
    "underscore": "_",
    "dash": "-",
    "hyphen": "-",
    "minus": "-",
    "plus": "+",
}
PROVIDERS: Final = word_set("gmail yahoo hotmail outlook icloud proton protonmail aol gmx live msn")
_ROLES: Final = word_set("info support sales contact help admin office hello press jobs billing service")
_MAIL_WORDS: Final = frozenset({"email", "e-mail", "mail", "address", "emails"})
_NO_NAMES: Final = (
    FUNCTION_WORDS
    | frozenset((*TEENS, *TENS))
    | word_set(
        "me us them him this these no every each another available online here there available down out up "
        "look found find visit go see get reach buy meet book sign log shop order live now today is website "
        "site page also only just more information mail email"
    )
)
_REACH: Final = 6


@dataclass(slots=True)
class _Scan:
    text: str
    end: int


def _spelled(tokens: Sequence[Token], at: int) -> _Scan | None:
    """A name: a word, or letters and digits said one by one."""
    text = ""
    end = at
    while end < len(tokens):
        token = tokens[end]
        part = str(ONES[token.key]) if token.key in ONES else token.key
        is_short = len(part) == 1
        if not (part.isascii() and part.replace("-", "").isalnum()) or token.lead or (text and not is_short):
            break
        text += part
        end += 1
        if token.trail:
            break
        if not is_short and not (end < len(tokens) and tokens[end].key in ONES):
            break
    return _Scan(text, end) if text else None


def _chain(tokens: Sequence[Token], at: int, marks: frozenset[str]) -> _Scan | None:
    """Names joined by marks that are said."""
    scan = _spelled(tokens, at)
    while (
        scan
        and scan.end + 1 < len(tokens)
        and not tokens[scan.end - 1].trail
        and tokens[scan.end].key in marks
    ):
        if tokens[scan.end].trail:
            break
        more = _spelled(tokens, scan.end + 1)
        if more is None:
            break
        scan = _Scan(scan.text + _MARKS[tokens[scan.end].key] + more.text, more.end)
    return scan


_LOCAL_MARKS: Final = frozenset(_MARKS) - {"point"}
_HOST_MARKS: Final = frozenset({"dot", "dash", "hyphen"})


def _host(tokens: Sequence[Token], at: int) -> _Scan | None:
    """A name that ends in a top-level domain; the longest that does."""
    if at < len(tokens) and _is_written_host(tokens[at]):
        return _Scan(tokens[at].key, at + 1)
    if at + 2 >= len(tokens) or (tokens[at].key in _NO_NAMES and tokens[at + 1].key == "dot"):
        return None
    scan = _chain(tokens, at, _HOST_MARKS)
    while scan:
        name, dot, top = scan.text.rpartition(".")
        if dot and top in TOP_DOMAINS - _WORDS_TOO and name[-1:].isalnum():
            return scan
        # "example dot com dot" - what follows the last dot is no domain: try without it.
        shorter = [index for index in range(at + 1, scan.end) if tokens[index].key in _HOST_MARKS]
        scan = _chain(tokens[: shorter[-1]], at, _HOST_MARKS) if len(shorter) > 1 else None
    return None


def _is_written_host(token: Token) -> bool:
    name, dot, top = token.key.rpartition(".")
    return bool(dot and name) and top in TOP_DOMAINS and name.replace("-", "").replace(".", "").isalnum()


def _path(tokens: Sequence[Token], host: _Scan) -> _Scan:
    scan = host
    while scan.end + 1 < len(tokens) and not tokens[scan.end - 1].trail and tokens[scan.end].key == "slash":
        part = _chain(tokens, scan.end + 1, frozenset({"dash", "hyphen", "underscore", "dot"}))
        if part is None or tokens[scan.end].trail or tokens[scan.end + 1].key in TENS:
            break
        scan = _Scan(f"{scan.text}/{part.text}", part.end)
    return scan


def _scheme(tokens: Sequence[Token], at: int) -> tuple[str, int]:
    if tokens[at].key in {"http", "https"}:
        if [token.key for token in tokens[at + 1 : at + 4]] == ["colon", "slash", "slash"]:
            return f"{tokens[at].key}://", at + 4
        if [token.key for token in tokens[at + 1 : at + 5]] == ["colon", "forward", "slash", "slash"]:
            return f"{tokens[at].key}://", at + 5
    return "", at


def _may_be_mailbox(tokens: Sequence[Token], at: int, local: str, host: str) -> bool:
    if any(mark in local for mark in "._-+") or any(c.isdigit() for c in local):
        return True
    if local in _NO_NAMES:
        return False
    if host.split(".", maxsplit=1)[0] in PROVIDERS or local in _ROLES:
        return True
    before = {token.key for token in tokens[max(0, at - _REACH) : at]}
    return bool(before & _MAIL_WORDS)


def address(tokens: Sequence[Token], start: int) -> Piece | None:
    """The address that begins at a token; None if none does."""
    if not tokens[start].core:
        return None
    scheme, at = _scheme(tokens, start)
    if not scheme and (local := _chain(tokens, start, _LOCAL_MARKS)) is not None:
        end = local.end
        if (
            end + 1 < len(tokens)
            and not tokens[end - 1].trail
            and tokens[end].key == "at"
            and not tokens[end].trail
        ):
            host = _host(tokens, end + 1)
            if host is not None and _may_be_mailbox(tokens, start, local.text, host.text):
                return Piece(host.end - start, f"{local.text}@{host.text}")
    if at >= len(tokens):
        return None
    host = _host(tokens, at)
    if host is None:
        return None
    whole = _path(tokens, host)
    n = whole.end - start
    return Piece(n, scheme + whole.text) if n > 1 else None
