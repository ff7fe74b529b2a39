"""How captions show who speaks: a dash or a name where the speaker changes."""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING, Final

from vivavoce.captions.drafts import Draft, read_ms
from vivavoce.captions.line_breaking import break_into_cues
from vivavoce.captions.scripts import cells
from vivavoce.captions.spoken import SpokenWord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vivavoce.captions.line_breaking import Style
    from vivavoce.protocol.speaker_runs import Voice

__all__ = ["Marker", "SpeakerMark", "SpeakerNames"]

_DASH: Final = "-"


class SpeakerMark(enum.StrEnum):
    """What captions show where the speaker changes."""

    NONE = "none"
    """Nothing; two speakers never share a cue."""

    DASH = "dash"
    """A dash before the line, as in ``- Are you coming?``. Two short turns share a cue, on a line each."""

    NAME = "name"
    """The speaker's name before the line, as in ``Anna: Are you coming?``. Two short turns share a cue."""


class SpeakerNames:
    """The names of speakers.

    Args:
        names: By label: ``A``, or ``1A`` and ``2A`` in a session of two channels, or ``1`` and ``2`` where
            only its channels are told apart. A label without a name stands for itself. None: no names.

    Raises:
        ValueError: A label or a name is no string, or empty.
    """

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        self._names: dict[str, str] = {}
        for label, name in (names or {}).items():
            pair: tuple[object, object] = (label, name)
            if not all(isinstance(text, str) and text.strip() for text in pair):
                raise ValueError(f"names must map labels to names, got {label!r}: {name!r}")
            self._names[label.strip()] = " ".join(name.split())  # on one line

    def __bool__(self) -> bool:
        return bool(self._names)

    def of(self, voice: Voice) -> str:
        """Return the name of a voice; empty if it is not known."""
        return self._names.get(voice.label, voice.label)


class Marker:
    """Marks the cues in which another speaker begins, and lets two short turns share a cue.

    Args:
        style: Limits of a cue.
        mark: What stands at a change.
        names: The names of the speakers.
    """

    def __init__(self, style: Style, mark: SpeakerMark, names: SpeakerNames) -> None:
        self._style = style
        self._mark = mark
        self._names = names
        self._last: Voice | None = None  # that was known; None: nobody has spoken yet
        self._held: Draft | None = None  # a short turn, with which the next one may share a cue

    @property
    def held_ms(self) -> int | None:
        """Start of the cue that waits; None if none does."""
        return None if self._held is None else self._held.start_ms

    def add(self, drafts: Sequence[Draft], upcoming: SpokenWord | None) -> list[Draft]:
        """Add the next cues and return those that are complete.

        Args:
            drafts: In order, each of one voice.
            upcoming: The first word of the cue that follows; None if the captions are over.
        """
        if self._mark is SpeakerMark.NONE:
            return list(drafts)
        waiting = [*([] if self._held is None else [self._held]), *drafts]
        self._held = None
        complete: list[Draft] = []
        while waiting:
            first = waiting.pop(0)
            if waiting and self._share(first, waiting[0]):
                complete.append(self._pair(first, waiting.pop(0)))
            elif not waiting and upcoming is not None and self._may_share(first, upcoming):
                self._held = first
            else:
                complete += self._marked(first)
        return complete

    def _may_share(self, first: Draft, word: SpokenWord) -> bool:
        """Whether a cue is one line of a known voice, and another voice begins before it can be read."""
        return (
            self._style.lines > 1
            and self._fits(first)
            and first.voice != word.voice
            and word.voice.is_known
            and word.start_ms - first.start_ms < read_ms(first.n_cells, self._style)
        )

    def _share(self, first: Draft, second: Draft) -> bool:
        return (
            self._may_share(first, second.words[0])
            and self._fits(second)
            and second.spoken_until_ms - first.start_ms <= self._style.max_ms
        )

    def _fits(self, draft: Draft) -> bool:
        return (
            draft.voice.is_known
            and len(draft.lines) == 1
            and cells(self._prefixed(draft.lines[0], draft.voice)) <= self._style.line_characters
        )

    def _pair(self, first: Draft, second: Draft) -> Draft:
        keeps_first = self._mark is SpeakerMark.NAME and first.voice == self._last
        self._last = second.voice
        return dataclasses.replace(
            first,
            spoken_until_ms=max(first.spoken_until_ms, second.spoken_until_ms),
            lines=(
                first.lines[0] if keeps_first else self._prefixed(first.lines[0], first.voice),
                self._prefixed(second.lines[0], second.voice),
            ),
            voices=(first.voice, second.voice),
        )

    def _marked(self, draft: Draft) -> list[Draft]:
        """Mark a cue if its speaker is another than before; the mark may make two cues of it."""
        if not draft.voice.is_known or draft.voice == self._last:
            return [draft]
        is_first, self._last = self._last is None, draft.voice
        if is_first and self._mark is SpeakerMark.DASH:
            return [draft]
        first, *rest = draft.words
        text = self._prefixed(first.text, first.voice)
        begun = [dataclasses.replace(first, text=text)]
        if cells(text) > self._style.line_characters:
            if self._mark is SpeakerMark.DASH:
                return [draft]
            begun = [
                *(
                    SpokenWord(part, first.start_ms, first.start_ms, first.voice)
                    for part in text.split()[:-1]
                ),
                first,
            ]
        made = [Draft.of(words, self._style) for words in break_into_cues([*begun, *rest], self._style)]
        made = [
            dataclasses.replace(
                each,
                start_ms=max(each.start_ms, draft.start_ms),
                spoken_until_ms=max(each.spoken_until_ms, draft.start_ms),
            )
            for each in made
        ]
        made[0] = dataclasses.replace(made[0], start_ms=draft.start_ms)
        return made

    def _prefixed(self, text: str, voice: Voice) -> str:
        return f"{_DASH} {text}" if self._mark is SpeakerMark.DASH else f"{self._names.of(voice)}: {text}"
