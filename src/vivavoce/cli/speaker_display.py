"""Options that ask who speaks, and how outputs show it; they need v3 of the protocol."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from vivavoce.captions import SpeakerMark
from vivavoce.captions.speakers import SpeakerNames
from vivavoce.cli.speaker_options import MaxSpeakersOption, SpeakersOption
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vivavoce.protocol.speaker_runs import Voice

__all__ = [
    "NO_SPEAKERS",
    "MaxSpeakersOption",
    "SpeakerDisplay",
    "SpeakerMarkOption",
    "SpeakerNameOption",
    "SpeakersOption",
    "speaker_display",
]

_UNKNOWN: Final = "?"
_LETTERS: Final = re.compile(r"\d*[A-Za-z]{0,2}")  # what the server gives; a voice that it knows has a name

SpeakerNameOption = Annotated[
    list[str] | None,
    typer.Option(
        "--speaker-name",
        metavar="LABEL=NAME",
        show_default=False,
        help="Like --speakers, and this speaker has this name, as in A=Anna; repeatable.",
    ),
]
SpeakerMarkOption = Annotated[
    SpeakerMark | None,
    typer.Option(
        "--speaker-mark",
        metavar="dash|name|none",
        show_default=False,
        help="What captions show where the speaker changes (default: name if there is a --speaker-name, or "
        "else dash).",
    ),
]


@dataclass(frozen=True, slots=True)
class SpeakerDisplay:
    """How outputs show who speaks.

    Attributes:
        max_speakers: The greatest number of speakers; None: any.
        names: Their names, by label.
        mark: What captions show where the speaker changes.
        is_on: Whether speakers are told apart.
    """

    max_speakers: int | None = None
    names: Mapping[str, str] | None = None
    mark: SpeakerMark = SpeakerMark.DASH
    is_on: bool = True

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters of v3 that ask for it; empty if speakers are not told apart."""
        if not self.is_on:
            return {}
        most = {} if self.max_speakers is None else {"max_speakers": self.max_speakers}
        return {"speaker_labels": True, **most}

    def name(self, voice: Voice) -> str:
        """Return the name of a voice, for people; a question mark if it is not known."""
        return SpeakerNames(self.names).of(voice) or _UNKNOWN

    def given_name(self, voice: Voice) -> str | None:
        """Return the name that a voice was given; None if it has none."""
        return (self.names or {}).get(voice.label)


NO_SPEAKERS: Final = SpeakerDisplay(is_on=False)
"""Speakers are not told apart."""


def speaker_display(
    speakers: bool, max_speakers: int | None, names: Sequence[str] | None, mark: SpeakerMark | None
) -> SpeakerDisplay:
    """Return how outputs show who speaks.

    Args:
        speakers: Value of ``--speakers``.
        max_speakers: Value of ``--max-speakers``.
        names: Values of ``--speaker-name``.
        mark: Value of ``--speaker-mark``.

    Raises:
        ConfigurationError: A name has no label, or a mark is asked for where nobody is told apart.
    """
    known = dict(_label_and_name(value) for value in names or ())
    if not speakers and max_speakers is None and not known:
        if mark is not None:
            raise ConfigurationError("--speaker-mark needs --speakers: without it nobody is told apart")
        return NO_SPEAKERS
    return SpeakerDisplay(max_speakers, known, mark or (SpeakerMark.NAME if known else SpeakerMark.DASH))


def _label_and_name(value: str) -> tuple[str, str]:
    label, is_there, name = value.partition("=")
    if not (label.strip() and is_there and name.strip()):
        raise ConfigurationError(f"--speaker-name must be LABEL=NAME, such as A=Anna, got {value}")
    label = label.strip()
    return label.upper() if _LETTERS.fullmatch(label) else label, name.strip()
