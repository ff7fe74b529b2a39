"""Load shapes: which recordings are streamed in which session. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.bench.records import Placed, Script

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vivavoce.bench.options import LoadName
    from vivavoce.bench.records import Clip

__all__ = ["GAP_S", "MIN_SESSION_S", "continuous", "scripts", "short"]

GAP_S = 1.2
MIN_SESSION_S = 60.0


def short(clips: Iterable[Clip]) -> list[Script]:
    """Return one session per recording."""
    return [Script((Placed(clip, 0.0),), clip.sample_rate, clip.duration_s) for clip in clips]


def continuous(clips: Iterable[Clip], least_s: float = MIN_SESSION_S) -> list[Script]:
    """Lay recordings end to end, ``GAP_S`` apart, into sessions of at least ``least_s`` seconds.

    A session holds one kind and one sample rate, so that figures can be given by kind. Recordings without a
    transcript, or without speech, are left out: words that they add could not be separated from those of
    their neighbours. A kind that is too short for a whole session gives a shorter one.
    """
    groups: dict[tuple[str, int], list[Clip]] = {}
    for clip in clips:
        if clip.text:
            groups.setdefault((clip.kind, clip.sample_rate), []).append(clip)
    return [_lay(part) for group in groups.values() for part in _portions(group, least_s)]


def _portions(clips: Sequence[Clip], least_s: float) -> list[list[Clip]]:
    portions: list[list[Clip]] = [[]]
    length_s = 0.0
    for clip in clips:
        if length_s >= least_s:
            portions.append([])
            length_s = 0.0
        portions[-1].append(clip)
        length_s += clip.duration_s + (GAP_S if len(portions[-1]) > 1 else 0.0)
    if length_s < least_s and len(portions) > 1:
        portions[-2].extend(portions.pop())
    return portions


def _lay(clips: Sequence[Clip]) -> Script:
    placed: list[Placed] = []
    at_s = 0.0
    for clip in clips:
        placed.append(Placed(clip, at_s))
        at_s += clip.duration_s + GAP_S
    return Script(tuple(placed), clips[0].sample_rate, at_s - GAP_S)


def scripts(
    clips: Sequence[Clip], load: LoadName, streams: int, least_s: float = MIN_SESSION_S
) -> list[Script]:
    """Return the sessions of a run: at least one per stream, repeated from the beginning if necessary.

    Args:
        clips: The recordings.
        load: Its shape.
        streams: How many streams there are.
        least_s: Least length of a session, for a continuous load.
    """
    once = short(clips) if load == "short" else continuous(clips, least_s)
    if not once:
        return []
    return [once[i % len(once)] for i in range(max(streams, len(once)))]
