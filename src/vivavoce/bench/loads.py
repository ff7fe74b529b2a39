"""Load shapes: which recordings go into which session. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from vivavoce.bench.model import Placed, Script

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vivavoce.bench.model import Clip

__all__ = ["GAP_S", "MIN_SESSION_S", "Load", "continuous", "scripts", "short"]

Load: TypeAlias = Literal["short", "continuous"]

GAP_S = 1.2
MIN_SESSION_S = 60.0


def short(clips: Iterable[Clip]) -> list[Script]:
    """A session per recording."""
    return [Script((Placed(clip, 0.0),), clip.sample_rate, clip.duration_s) for clip in clips]


def continuous(clips: Iterable[Clip]) -> list[Script]:
    """Recordings laid end to end, ``GAP_S`` apart, into sessions of ``MIN_SESSION_S`` or more.

    A session holds one kind and one sample rate, so that figures can be given by kind. Recordings without a
    transcript, or without speech, are left out: what they would add could not be told from what their
    neighbours said. Where there is less than a session's worth of a kind, the session is shorter.
    """
    groups: dict[tuple[str, int], list[Clip]] = {}
    for clip in clips:
        if clip.text:
            groups.setdefault((clip.kind, clip.sample_rate), []).append(clip)
    return [_lay(part) for group in groups.values() for part in _portions(group)]


def _portions(clips: Sequence[Clip]) -> list[list[Clip]]:
    portions: list[list[Clip]] = [[]]
    length_s = 0.0
    for clip in clips:
        if length_s >= MIN_SESSION_S:
            portions.append([])
            length_s = 0.0
        portions[-1].append(clip)
        length_s += clip.duration_s + (GAP_S if len(portions[-1]) > 1 else 0.0)
    if length_s < MIN_SESSION_S and len(portions) > 1:
        portions[-2].extend(portions.pop())
    return portions


def _lay(clips: Sequence[Clip]) -> Script:
    placed: list[Placed] = []
    at_s = 0.0
    for clip in clips:
        placed.append(Placed(clip, at_s))
        at_s += clip.duration_s + GAP_S
    return Script(tuple(placed), clips[0].sample_rate, at_s - GAP_S)


def scripts(clips: Sequence[Clip], load: Load, streams: int) -> list[Script]:
    """The sessions of a run: at least one per stream, from the beginning again if there are fewer."""
    once = short(clips) if load == "short" else continuous(clips)
    if not once:
        return []
    return [once[i % len(once)] for i in range(max(streams, len(once)))]
