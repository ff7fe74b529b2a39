"""What an output has shown, for the case that speakers are revised later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vivavoce.cli.speaker_display import SpeakerDisplay
    from vivavoce.cli.transcript_line import TranscriptLine

__all__ = ["ShownTranscripts"]

_MOST_REPORTED: Final = 10


class ShownTranscripts:
    """Keeps the transcripts that an output has shown, with their speakers as last revised.

    Args:
        speakers: How the output shows who speaks; without speakers nothing is kept.

    Attributes:
        lines: The transcripts, in the order in which they were shown.
    """

    def __init__(self, speakers: SpeakerDisplay) -> None:
        self.lines: list[TranscriptLine] = []
        self._speakers = speakers
        self._finals: dict[tuple[object, ...], int] = {}  # position of each turn in the lines
        self._revised: dict[int, None] = {}  # positions of those with other speakers than were shown

    @property
    def is_revised(self) -> bool:
        """Whether a transcript has other speakers than were shown."""
        return bool(self._revised)

    def add(self, transcript: TranscriptLine) -> None:
        """Keep a transcript that is shown."""
        if self._speakers.is_on:
            if transcript.is_final:
                self._finals[transcript.key] = len(self.lines)
            self.lines.append(transcript)

    def revise(self, revised: TranscriptLine) -> None:
        """Give a final that was shown other speakers; one that was not shown is skipped."""
        at = self._finals.get(revised.key)
        if at is not None:
            self.lines[at] = self.lines[at].with_speakers_of(revised)
            self._revised[at] = None

    def forget_revisions(self) -> None:
        """Take what is kept for what is shown."""
        self._revised.clear()

    def report(self) -> Iterator[str]:
        """Yield messages that say which transcripts have other speakers than were shown."""
        for at in [*self._revised][:_MOST_REPORTED]:
            line = self.lines[at]
            said = " ".join(f"{self._speakers.name(voice)}: {text}" for voice, text in line.runs())
            yield f"Speaker corrected at {_clock(line.start_ms)}: {said}"
        if len(self._revised) > _MOST_REPORTED:
            yield f"Speakers corrected in {len(self._revised) - _MOST_REPORTED} more utterances."


def _clock(ms: int) -> str:
    minutes, seconds = divmod(ms // 1_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
