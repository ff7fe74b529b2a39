"""Words in comparable form, and their alignment."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from vivavoce.bench.requirements import require

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["align", "normalise", "tokens", "written_tokens"]

# Weights of NIST's sclite: they prefer a match with an insertion beside it to two substitutions.
_GAP = 3
_SUBSTITUTION = 4


@cache
def _normaliser() -> Any:
    return require("whisper_normalizer.english").EnglishTextNormalizer()


def normalise(text: str) -> str:
    """Return a text as WER compares it, by Whisper's English normaliser."""
    # The normaliser leaves the full stop of an ellipsis as if it were a word.
    words = str(_normaliser()(text)).split()
    return " ".join(word for word in words if any(map(str.isalnum, word)))


@cache
def tokens(word: str) -> tuple[str, ...]:
    """Return one written word in comparable form, by the same normaliser applied to it alone.

    Usually one token; two for a contraction, none for a hesitation or a lone dash. Numbers are not joined
    across words ("twenty five"), so that every word keeps its position.
    """
    return tuple("1" if form == "one" else form for form in normalise(word).split())


def written_tokens(text: str) -> tuple[list[str], list[bool]]:
    """Return the tokens of a written text, and which of them end a sentence."""
    written: list[str] = []
    ends: list[bool] = []
    for word in text.split():
        form = tokens(word)
        written.extend(form)
        ends.extend([False] * len(form))
        if form and word.rstrip("\"')\u2019\u201d").endswith((".", "?", "!")):
            ends[-1] = True
    return written, ends


def align(reference: Sequence[str], hypothesis: Sequence[str]) -> list[tuple[int, int]]:
    """Align the tokens of two sequences at the least edit cost (Wagner and Fischer, 1974).

    Returns:
        Pairs of positions (in the reference, in the hypothesis), ascending in both; equal or substituted.
        Deleted and inserted tokens are in no pair.
    """
    width = len(hypothesis) + 1
    costs = [list(range(0, _GAP * width, _GAP))]
    for i, expected in enumerate(reference, 1):
        before = costs[-1]
        row = [i * _GAP]
        for j, recognised in enumerate(hypothesis, 1):
            row.append(
                min(
                    before[j - 1] + (0 if expected == recognised else _SUBSTITUTION),
                    before[j] + _GAP,
                    row[-1] + _GAP,
                )
            )
        costs.append(row)
    pairs: list[tuple[int, int]] = []
    i, j = len(reference), len(hypothesis)
    while i and j:
        step = 0 if reference[i - 1] == hypothesis[j - 1] else _SUBSTITUTION
        if costs[i][j] == costs[i - 1][j - 1] + step:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif costs[i][j] == costs[i - 1][j] + _GAP:
            i -= 1
        else:
            j -= 1
    pairs.reverse()
    return pairs
