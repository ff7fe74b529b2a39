"""Cues: the text on screen, with its start and end."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Final

from vivavoce.captions.drafts import Draft, read_ms
from vivavoce.captions.line_breaking import Style, break_into_cues, ends_sentence
from vivavoce.captions.speakers import Marker, SpeakerMark, SpeakerNames
from vivavoce.captions.spoken import SpokenWord, spoken_words
from vivavoce.word_joining import join_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vivavoce.captions.spoken import CaptionTurn, CaptionWord

__all__ = ["Captioner", "Cue", "captions"]

_SAME_BREATH_MS: Final = 300
"""A sentence continues over the end of a turn if the pause is shorter: the turn was cut for its length."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption.

    Attributes:
        start_ms: When it appears, in milliseconds.
        end_ms: When it disappears, in milliseconds.
        lines: Its lines, none empty.
        speakers: Who says each line, by name or label; empty where that is not known.
    """

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    speakers: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All lines, joined by spaces where their script has some."""
        return join_words(self.lines)


class _Breaker:
    """Breaks the turns of one channel into cues; the newest one waits for the words after it.

    Args:
        style: Limits of a cue.
    """

    def __init__(self, style: Style) -> None:
        self._style = style
        self._pending: Sequence[SpokenWord] = ()  # the words of the newest cue

    @property
    def upcoming(self) -> SpokenWord | None:
        """First word of the cue that waits; None if none does."""
        return self._pending[0] if self._pending else None

    def add(self, words: Sequence[SpokenWord], shown_until_ms: int = 0) -> list[Draft]:
        """Add the next words, all of one voice, and return the cues that are complete now.

        Args:
            words: At least one.
            shown_until_ms: End of the last cue that can't be changed any more.
        """
        complete: list[Draft] = []
        if self._pending and self._continues(words[0], shown_until_ms):
            words = spoken_words([*self._pending, *words])
        elif self._pending:
            complete.append(Draft.of(self._pending, self._style))
        *finished, self._pending = break_into_cues(words, self._style)
        return complete + [Draft.of(cue_words, self._style) for cue_words in finished]

    def finish(self) -> list[Draft]:
        """Return the last cue, if there is one."""
        last, self._pending = self._pending, ()
        return [Draft.of(last, self._style)] if last else []

    def _continues(self, word: SpokenWord, shown_until_ms: int) -> bool:
        """Return whether the first word of a turn may share a cue with the words that wait.

        It may if the turn before was cut in mid-sentence, or if the words that wait would disappear too soon.
        """
        last = self._pending[-1]
        if word.voice != last.voice:
            return False
        is_cut = word.start_ms - last.end_ms < _SAME_BREATH_MS and not ends_sentence(last.text)
        room_ms = word.start_ms - max(self._pending[0].start_ms, shown_until_ms)
        return is_cut or room_ms < self._style.shortest_ms


class _Clock:
    """Gives one cue after another its times: none overlaps the one before it, none is too short.

    Args:
        style: Limits of a cue.
        names: The names of the speakers.

    Attributes:
        shown_until_ms: End of the last cue.
    """

    def __init__(self, style: Style, names: SpeakerNames) -> None:
        self._style = style
        self._names = names
        self.shown_until_ms = 0

    def time(self, draft: Draft, next_ms: int | None) -> Cue:
        """Return the next cue.

        Args:
            draft: The cue.
            next_ms: Start of the one after it, if there is one.
        """
        start_ms = max(draft.start_ms, self.shown_until_ms)
        end_ms = self._end_ms(draft, start_ms, next_ms)
        self.shown_until_ms = end_ms
        speakers = tuple(map(self._names.of, draft.voices))
        return Cue(start_ms, end_ms, draft.lines, speakers if any(speakers) else ())

    def _end_ms(self, draft: Draft, start_ms: int, next_ms: int | None) -> int:
        """Return the end: after the last word, and after the time that reading takes, if the next cue allows.

        The blank before the next cue is at least the style's gap, or there is none.
        """
        style = self._style
        until_ms = start_ms + read_ms(draft.n_cells, style)
        wanted_ms = min(max(draft.spoken_until_ms, until_ms), start_ms + style.max_ms)
        if next_ms is None or wanted_ms + style.gap_ms <= next_ms:
            return wanted_ms
        blanked_ms = next_ms - style.gap_ms
        shortest_ms = start_ms + style.shortest_ms
        if blanked_ms >= until_ms or (next_ms > start_ms + style.max_ms and blanked_ms >= shortest_ms):
            return blanked_ms
        return max(next_ms, shortest_ms)


class Captioner:
    """Makes cues from the words of one turn after another.

    The end of a cue depends on the words that follow, so the newest cue stays pending until the next turn or
    :meth:`finish`.

    Args:
        style: Limits of a cue; the defaults of :class:`Style` if None.
        speakers: What cues show where the speaker changes; None: names if there are any, or else nothing.
        names: The names of the speakers, as for :func:`captions`.
    """

    def __init__(
        self,
        style: Style | None = None,
        *,
        speakers: SpeakerMark | str | None = None,
        names: Mapping[str, str] | None = None,
    ) -> None:
        style, known = style or Style(), SpeakerNames(names)
        self._breaker = _Breaker(style)
        self._marker = Marker(style, _mark(speakers, known), known)
        self._clock = _Clock(style, known)

    def add(self, words: Iterable[CaptionWord] | CaptionTurn) -> list[Cue]:
        """Add the next turn.

        The end of a turn ends a cue, unless the turn was cut in mid-sentence, or the cue would be too short.
        Two voices never share a line, and a cue only if marks tell them apart.

        Args:
            words: In spoken order, or a turn or transcript of the SDK. Blank words are skipped. Words that
                start together share their time. A start before the previous one is moved up to it.

        Returns:
            The cues that are complete now.
        """
        drafts: list[Draft] = []
        for part in _by_voice(spoken_words(words)):
            drafts += self._breaker.add(part, self._clock.shown_until_ms)
        return self._timed(drafts)

    def finish(self) -> list[Cue]:
        """Return the last cues, if there are any."""
        return self._timed(self._breaker.finish())

    def _timed(self, drafts: Sequence[Draft]) -> list[Cue]:
        upcoming = self._breaker.upcoming
        drafts = self._marker.add(drafts, upcoming)
        next_ms = self._marker.held_ms
        if next_ms is None and upcoming is not None:
            next_ms = upcoming.start_ms
        starts = [*(draft.start_ms for draft in drafts[1:]), next_ms]
        return [self._clock.time(draft, next_ms) for draft, next_ms in zip(drafts, starts, strict=False)]


def captions(
    turns: Iterable[Iterable[CaptionWord] | CaptionTurn],
    style: Style | None = None,
    *,
    speakers: SpeakerMark | str | None = None,
    names: Mapping[str, str] | None = None,
) -> list[Cue]:
    """Make cues from finished turns.

    Args:
        turns: The words of each turn, in spoken order: anything with ``text`` and with times in milliseconds,
            ``start`` and ``end`` as in `vivavoce.Word` or ``start_ms`` and ``end_ms`` as in
            `vivavoce.types.Word`. Or the turns themselves, such as those of `vivavoce.transcribe()`; their
            channels and speakers never share a line. After a revision of the speakers, take the turns of a
            `TurnLog`.
        style: Limits of a cue: lengths, durations, reading speed.
        speakers: What cues show where the speaker changes: ``dash``, ``name`` or ``none``. None: names if
            there are any, or else nothing. With nothing, two speakers never share a cue.
        names: Names of the speakers, by label: ``A``, or ``1A`` and ``2A`` in a session of two channels, or
            ``1`` and ``2`` where only its channels are told apart. A label without a name stands for itself.

    Returns:
        Cues in order, without overlaps, that hold all words. The gap between two is 0 or at least the
        style's.

    Raises:
        ValueError: ``speakers`` or ``names`` is invalid.
    """
    style, known = style or Style(), SpeakerNames(names)
    parts = [words for turn in turns for words in _by_voice(spoken_words(turn))]
    if len({words[0].voice for words in parts}) > 1 and not _one_at_a_time(parts):
        return _captions_of_voices(parts, style, _mark(speakers, known), known)
    captioner = Captioner(style, speakers=speakers, names=names)
    return [cue for words in parts for cue in captioner.add(words)] + captioner.finish()


def _one_at_a_time(parts: Sequence[Sequence[SpokenWord]]) -> bool:
    """Whether all parts are of one channel and in order, so that nobody speaks while another does."""
    return len({words[0].voice.channel for words in parts}) == 1 and all(
        before[-1].end_ms <= after[0].start_ms for before, after in pairwise(parts)
    )


def _mark(speakers: SpeakerMark | str | None, names: SpeakerNames) -> SpeakerMark:
    if speakers is None:
        return SpeakerMark.NAME if names else SpeakerMark.NONE
    try:
        return SpeakerMark(speakers)
    except ValueError:
        allowed = ", ".join(SpeakerMark)
        raise ValueError(f"speakers must be one of {allowed}, got {speakers!r}") from None


def _captions_of_voices(
    parts: Iterable[Sequence[SpokenWord]], style: Style, mark: SpeakerMark, names: SpeakerNames
) -> list[Cue]:
    """Break each channel into cues as if it were alone, and put the cues in order."""
    breakers: dict[object, _Breaker] = {}
    drafts: list[Draft] = []
    for words in parts:
        drafts += breakers.setdefault(words[0].voice.channel, _Breaker(style)).add(words)
    drafts += [draft for breaker in breakers.values() for draft in breaker.finish()]
    drafts = _taking_turns(sorted(drafts, key=lambda draft: draft.start_ms))
    drafts = Marker(style, mark, names).add(drafts, None)
    clock = _Clock(style, names)
    starts = [*(draft.start_ms for draft in drafts[1:]), None]
    return [clock.time(draft, next_ms) for draft, next_ms in zip(drafts, starts, strict=True)]


def _by_voice(words: Sequence[SpokenWord]) -> list[list[SpokenWord]]:
    return [list(part) for _, part in groupby(words, key=lambda word: word.voice)]


def _taking_turns(drafts: Sequence[Draft]) -> list[Draft]:
    """Share time between voices: a cue that begins while another voice speaks waits for that one's share.

    Args:
        drafts: In the order of their starts.
    """
    fair: list[Draft] = []
    for index, draft in enumerate(drafts):
        before = fair[-1] if fair else None
        start_ms = draft.start_ms
        if before and before.voice != draft.voice and start_ms < before.spoken_until_ms:
            until_ms = max(before.spoken_until_ms, draft.spoken_until_ms)
            if index + 1 < len(drafts):
                until_ms = min(until_ms, drafts[index + 1].start_ms)
            share = before.n_cells / max(1, before.n_cells + draft.n_cells)
            start_ms = max(start_ms, before.start_ms + round((until_ms - before.start_ms) * share))
        fair.append(dataclasses.replace(draft, start_ms=start_ms))
    return fair
