"""Words made comparable, and laid beside each other."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from vivavoce.bench.model import need

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["align", "normalise", "tokens", "written_tokens"]

# NIST sclite's weights: they prefer a match beside an insertion to two substitutions, so that matched words
# are those that were said.
_GAP = 3
_SUBSTITUTION = 4


@cache
def _normaliser() -> Any:
    return need("whisper_normalizer.english").EnglishTextNormalizer()


def normalise(text: str) -> str:
    """A text as WER sees it: Whisper's English normaliser."""
    # It leaves a lone full stop of an ellipsis standing as if it were a word.
    words = str(_normaliser()(text)).split()
    return " ".join(word for word in words if any(map(str.isalnum, word)))


@cache
def tokens(word: str) -> tuple[str, ...]:
    """One written word in comparable form: the same normaliser, applied to it alone.

    Usually one token; two for a contraction, none for a hesitation or a lone dash. Joining numbers across
    words ("twenty five") is left out on purpose: positions have to stay where they are.
    """
    return tuple("1" if form == "one" else form for form in normalise(word).split())


def written_tokens(text: str) -> tuple[list[str], list[bool]]:
    """The tokens of a written text, and which of them end a sentence."""
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
    """Pair the tokens of two sequences at the least edit cost.

    Returns:
        Pairs of positions (in the reference, in the hypothesis), ascending in both; equal or substituted.
        What was left out or put in is in no pair.
    """
    width = len(hypothesis) + 1
    costs = [list(range(0, _GAP * width, _GAP))]
    for i, said in enumerate(reference, 1):
        before = costs[-1]
        row = [i * _GAP]
        for j, heard in enumerate(hypothesis, 1):
            row.append(
                min(
                    before[j - 1] + (0 if said == heard else _SUBSTITUTION),
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
