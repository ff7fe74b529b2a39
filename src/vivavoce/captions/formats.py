"""Writes cues as SubRip and as WebVTT (W3C, section 4)."""

from __future__ import annotations

import re
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vivavoce.captions.cues import Cue

__all__ = ["srt_block", "to_srt", "to_vtt", "vtt_block", "vtt_head"]

_ARROW: Final = re.compile("--+>")


def _timestamp(ms: int, mark: str) -> str:
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{mark}{ms:03}"


def _without_arrow(line: str) -> str:
    return _ARROW.sub("->", line)  # an arrow starts the next cue


def srt_block(number: int, cue: Cue) -> str:
    """One cue of an SRT file and the blank line after it; numbers count from 1."""
    times = f"{_timestamp(cue.start_ms, ',')} --> {_timestamp(cue.end_ms, ',')}"
    return "\n".join([str(number), times, *map(_without_arrow, cue.lines), "", ""])


def vtt_head() -> str:
    """The first lines of a WebVTT file."""
    return "WEBVTT\n\n"


def vtt_block(cue: Cue, *, voices: bool = False) -> str:
    """One cue of a WebVTT file and the blank line after it.

    Args:
        cue: The cue.
        voices: Whether the lines of a known speaker stand in a voice span, such as ``<v Anna>Hello.</v>``
            (W3C, section 3.5). Players do not show it, but pages can give each voice a style.
    """
    times = f"{_timestamp(cue.start_ms, '.')} --> {_timestamp(cue.end_ms, '.')}"
    lines = [_escaped(line) for line in cue.lines]
    if voices and cue.speakers:
        runs = groupby(zip(cue.speakers, lines, strict=True), key=itemgetter(0))
        lines = [_voice_span(speaker, "\n".join(line for _, line in run)) for speaker, run in runs]
    return "\n".join([times, *lines, "", ""])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _voice_span(speaker: str, text: str) -> str:
    return f"<v {_escaped(speaker)}>{text}</v>" if speaker else text


def to_srt(cues: Iterable[Cue]) -> str:
    """A whole SRT file."""
    return "".join(srt_block(number, cue) for number, cue in enumerate(cues, 1))


def to_vtt(cues: Iterable[Cue], *, voices: bool = False) -> str:
    """A whole WebVTT file; `voices` is that of :func:`vtt_block`."""
    return vtt_head() + "".join(vtt_block(cue, voices=voices) for cue in cues)
