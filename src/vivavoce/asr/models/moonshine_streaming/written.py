"""Which tokens of a growing span stay as they are in its next partial pass.

A partial pass would verify each token of its draft against all of the audio, and the longer the span, the
more it verifies that can no longer change. So tokens are kept, with the decoder's keys and values, once
enough audio has come after them and a pass has confirmed them. Exact passes keep none.

Source of keeping what two hypotheses agree on: D. Liu et al., "Low-Latency Sequence-to-Sequence Speech
Recognition and Translation by Partial Hypothesis Selection", 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.asr.models.moonshine.greedy import Kept

if TYPE_CHECKING:
    from vivavoce.asr.models.moonshine.greedy import Decoded

__all__ = ["SETTLED_FRAMES", "Written"]

SETTLED_FRAMES: Final = 40
"""Frames, 0.8 s, that must be final after the audio with which a token was first written.

Moonshine, which is not a streaming model, keeps the states of frames after as long; see decision 0018.
"""


@dataclass(frozen=True, slots=True)
class Written:
    """The text of the last pass over a span.

    Attributes:
        tokens: All of them.
        seen: For each token the number of frames that the span had when it was first written; it has been
            there ever since.
        terms: The terms that were expected.
        kept: The tokens that the next partial pass need not verify; None if there are none.
    """

    tokens: tuple[int, ...]
    seen: tuple[int, ...]
    terms: tuple[str, ...]
    kept: Kept | None

    def kept_with(self, terms: tuple[str, ...]) -> Kept | None:
        """What the next partial pass may keep if these terms are expected."""
        return self.kept if terms == self.terms else None

    @classmethod
    def after(
        cls,
        before: Written | None,
        decoded: Decoded,
        *,
        terms: tuple[str, ...],
        n_frames: int,
        n_finished: int,
    ) -> Written:
        """Take note of a pass.

        Args:
            before: Of the pass before.
            decoded: What this pass decoded.
            terms: The terms that were expected.
            n_frames: Frames of the span.
            n_finished: Those of them that are final.
        """
        same = 0
        if before is not None:
            for now, then in zip(decoded.tokens, before.tokens, strict=False):
                if now != then:
                    break
                same += 1
        seen = before.seen[:same] if before is not None else ()
        seen += (n_frames,) * (len(decoded.tokens) - same)
        n_kept = 0
        confirmed = 0 if decoded.states is None else decoded.states.shape[2] - 1
        while n_kept < confirmed and seen[n_kept] + SETTLED_FRAMES <= n_finished:
            n_kept += 1
        kept = None
        if n_kept and decoded.states is not None:
            kept = Kept(
                tuple(decoded.tokens[:n_kept]),
                tuple(decoded.log_probabilities[:n_kept]),
                tuple(decoded.attention[:n_kept]),
                decoded.states[:, :, :n_kept],
            )
        return cls(tuple(decoded.tokens), seen, terms, kept)
