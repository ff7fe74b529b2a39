"""Finished turns as one would write them: figures for numbers that were said, addresses, times, dates.

Rules over words, each sure of what it does; what no rule knows stays as it was said. The lines of
tests/data/formatting.tsv say what comes out.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from vivavoce.text.formatting.addresses import address
from vivavoce.text.formatting.context import Context, Rewrite
from vivavoce.text.formatting.digits import digit_string
from vivavoce.text.formatting.numbers import read_run
from vivavoce.text.formatting.rules import write
from vivavoce.text.formatting.tokens import Piece, Token, tokens_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.types import Word

__all__ = ["format_turn", "formatted_groups", "merged", "n_settled"]

_LEAST_NUMBER: Final = 10
_HOST: Final = 4  # "at" and the words up to the "dot" of a host


def format_turn(words: Sequence[Word]) -> tuple[Word, ...]:
    """Write a finished turn.

    Args:
        words: Of the turn, with case and punctuation, in the order they were said.

    Returns:
        The words as they are written. Words that became one have the first one's start, the last one's
        end and their mean confidence; all others are unchanged.
    """
    return tuple(word for word, _ in formatted_groups(words))


def formatted_groups(words: Sequence[Word]) -> list[tuple[Word, int]]:
    """The words of `format_turn`, each with the number of words it was made of."""
    tokens = tokens_of(words)
    has_address = any(token.key == "dot" or "." in token.key for token in tokens)
    written: list[tuple[Word, int]] = []
    at = 0
    while at < len(tokens):
        pieces, n_as_said = _rewrite(tokens, at, has_address=has_address)
        if not pieces:
            written += [(word, 1) for word in words[at : at + n_as_said]]
            at += n_as_said
        for piece in pieces:
            text = _marked(piece, tokens[at : at + piece.n])
            written.append((merged(words[at : at + piece.n], text), piece.n))
            at += piece.n
    return written


def n_settled(words: Sequence[Word]) -> int:
    """How many leading words of an unfinished turn the formatting of the finished one will hardly change.

    All in front of the first number, which what follows may still make a date, a price or part of a
    longer number, or of what may become an address. Single digits do not count: most stay words.
    """
    tokens = tokens_of(words)
    keys = [token.key for token in tokens]
    for at, token in enumerate(tokens):
        run = read_run(tokens, at) if token.core else None
        if run is not None and (run.end - at > 1 or run.numbers[0].value >= _LEAST_NUMBER):
            return at
        may_be_host = token.key == "at" and ("dot" in keys[at:][:_HOST] or len(keys) - at < _HOST)
        if may_be_host or token.key == "dot":
            return max(0, at - 1)
    return len(tokens)


def _rewrite(tokens: Sequence[Token], at: int, *, has_address: bool) -> tuple[tuple[Piece, ...], int]:
    """What is written from a token on; without pieces, how many tokens stay as they were said."""
    if not tokens[at].core:
        return (), 1
    piece = (address(tokens, at) if has_address else None) or digit_string(tokens, at)
    if piece is not None:
        return (piece,), 0
    run = read_run(tokens, at)
    if run is None:
        return (), 1
    rewrite = write(Context(tokens, run)) or Rewrite(())
    return rewrite.pieces, run.end - at


def _marked(piece: Piece, tokens: Sequence[Token]) -> str:
    """The text of a piece with the marks around its tokens; a full stop it ends in already is not doubled."""
    text = piece.text
    trail = tokens[-1].trail
    if text in {"a.m", "p.m"} and not trail.startswith("."):
        text += "."
    elif text.endswith(",") and trail:
        text = text[:-1]
    return f"{tokens[0].lead}{text}{trail}"


def merged(words: Sequence[Word], text: str) -> Word:
    """Several words in a row as one, at least one of them."""
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
