"""Who says which words of a turn: its voices, and the runs of words of one voice."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

__all__ = ["NO_VOICE", "PENDING", "Voice", "runs_by_voice", "voices_of"]

PENDING: Final = "PENDING"
"""The label of words whose speaker is not known yet."""

_UNDECIDED: Final = frozenset((PENDING, "UNKNOWN", ""))  # the vendor's names, now and before


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of a session: speaker A of one channel is not speaker A of another.

    Attributes:
        channel: The channel, from 0, or its name; None if the session has only one.
        speaker: The label; `PENDING` while it is undecided; None in a session that labels no speakers.
    """

    channel: int | str | None = None
    speaker: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether it can be told from other voices."""
        return self.speaker != PENDING and (self.speaker is not None or self.channel is not None)

    @property
    def label(self) -> str:
        """Its name in the session: the label, after the number of the channel where there are several.

        Channels count from 1 here, as in the vendor's transcripts: ``A``, ``1A``, ``2``. Empty while the
        voice is not known.
        """
        if not self.is_known:
            return ""
        if self.channel is None:
            return str(self.speaker)
        if isinstance(self.channel, int):
            return f"{self.channel + 1}{self.speaker or ''}"
        return f"{self.channel} {self.speaker or ''}".rstrip()


NO_VOICE: Final = Voice()
"""The voice of a session with one channel and without speakers."""


def voices_of(turn: Any) -> list[Voice]:
    """Return who says each word of a turn.

    A word without a label of its own is the turn's speaker's. Words that are undecided belong to the speaker
    of the words on both sides, if that is one speaker.

    Args:
        turn: A turn or transcript with ``words``, or its words. Channels are read from ``channel``, speakers
            from ``speaker`` or ``speaker_label``.
    """
    words = getattr(turn, "words", turn)
    channel, speaker = getattr(turn, "channel", None), getattr(turn, "speaker_label", None)
    if speaker is None:
        speaker = getattr(turn, "speaker", None)
    return _settled([_voice(word, channel, speaker) for word in words])


def runs_by_voice(turn: Any) -> list[tuple[Voice, list[Any]]]:
    """Split the words of a turn where the voice changes.

    Args:
        turn: As for `voices_of`.

    Returns:
        Each voice and its words, in spoken order.
    """
    words = getattr(turn, "words", turn)
    pairs = zip(voices_of(turn), words, strict=True)
    return [(voice, [word for _, word in run]) for voice, run in groupby(pairs, key=lambda pair: pair[0])]


def _voice(word: Any, channel: Any, speaker: Any) -> Voice:
    own_channel, own_speaker = getattr(word, "channel", None), getattr(word, "speaker", None)
    found = speaker if own_speaker is None else own_speaker
    return Voice(channel if own_channel is None else own_channel, PENDING if found in _UNDECIDED else found)


def _settled(voices: list[Voice]) -> list[Voice]:
    """Give undecided voices between two of the same to it."""
    runs = [(voice, len(list(run))) for voice, run in groupby(voices)]
    settled: list[Voice] = []
    for index, (voice, n) in enumerate(runs):
        before = runs[index - 1][0] if index else None
        after = runs[index + 1][0] if index + 1 < len(runs) else None
        is_within = voice.speaker == PENDING and before is not None and before == after
        settled += [before if is_within and before is not None else voice] * n
    return settled
