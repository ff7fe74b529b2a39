"""What a session asks the recogniser for."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["DecodeRequest", "PassKind"]


class PassKind(enum.StrEnum):
    """Why a pass is requested."""

    FINAL = "final"  # the utterance has ended and waits for its words
    JOINT = "joint"  # the utterance was cut in mid-speech: the pass covers the audio around the cut
    SETTLED = "settled"  # the speaker pauses: the pass covers what the utterance would be if it ended now
    REVISION = "revision"  # a better recogniser hears what the utterance is, or would be if it ended now
    PARTIAL = "partial"  # the speaker talks: the pass covers the window of partials


@dataclass(frozen=True, slots=True)
class DecodeRequest:
    """One pass of the recogniser over an utterance.

    Attributes:
        utterance: Number of the utterance within the session.
        start: Position in the session of the span's first sample.
        end: Position after its last one.
        kind: Why the pass is requested.
        terms: Words and phrases that are expected in it.
        is_patient: Whether no speaker waits for it: the audio is a recording.
    """

    utterance: int
    start: int
    end: int
    kind: PassKind
    terms: tuple[str, ...] = ()
    is_patient: bool = False

    @property
    def n_samples(self) -> int:
        """Length of the span, at 16 kHz."""
        return self.end - self.start

    @property
    def is_final(self) -> bool:
        """Whether an utterance that has ended waits for it."""
        return self.kind in {PassKind.FINAL, PassKind.JOINT}

    @property
    def is_whole(self) -> bool:
        """Whether the span holds the whole utterance, as it is or as it would be if it ended now."""
        return self.kind in {PassKind.FINAL, PassKind.SETTLED}

    @property
    def is_exact(self) -> bool:
        """Whether its result must depend on the audio alone: a final is made of it."""
        return self.kind is not PassKind.PARTIAL
