"""The words of a turn, grouped by what is written for them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, TypeAlias

from vivavoce.asr.text.formatting.addresses import address
from vivavoce.asr.text.formatting.context import Context, Rewrite
from vivavoce.asr.text.formatting.digits import digit_string
from vivavoce.asr.text.formatting.numbers import read_run
from vivavoce.asr.text.formatting.pieces import Piece, Token, tokens_of
from vivavoce.asr.text.formatting.rules import write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.types import Word

__all__ = ["Group", "Reading", "formatted_groups", "grouped", "merged", "read"]

Group: TypeAlias = "tuple[Word, int]"
"""A word as it is written, and how many words were said for it."""

Reading: TypeAlias = tuple[tuple[Piece, ...], int]
"""What is written from a token on; without pieces, how many tokens stay as they were said."""


def formatted_groups(words: Sequence[Word]) -> list[Group]:
    """The words of `format_turn`, each with the number of words it was made of."""
    tokens = tokens_of(words)
    has_address = any(token.key == "dot" or "." in token.key for token in tokens)
    written: list[Group] = []
    at = 0
    while at < len(tokens):
        groups = grouped(words, tokens, at, read(tokens, at, has_address=has_address))
        written += groups
        at += sum(n for _, n in groups)
    return written


def read(tokens: Sequence[Token], at: int, *, has_address: bool) -> Reading:
    """Ask the rules what is written from a token on.

    Args:
        tokens: Of the turn.
        at: Which token.
        has_address: Whether an address may be among them: looking for one takes time.
    """
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


def grouped(words: Sequence[Word], tokens: Sequence[Token], at: int, reading: Reading) -> list[Group]:
    """Put what was read from a token on into words."""
    pieces, n_as_said = reading
    if not pieces:
        return [(word, 1) for word in words[at : at + n_as_said]]
    written: list[Group] = []
    for piece in pieces:
        text = _marked(piece, tokens[at : at + piece.n])
        written.append((merged(words[at : at + piece.n], text), piece.n))
        at += piece.n
    return written


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
