"""A recording with the times of its words, cut into parts that sessions can stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.bench.records import Clip, RefWord
from vivavoce.bench.requirements import require

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["parts_of", "sample_clips"]

_LEAST_S: Final = 7.0
_PAUSE_S: Final = 0.25


def parts_of(words: Sequence[RefWord], least_s: float = _LEAST_S) -> Iterator[Sequence[RefWord]]:
    """Cut words where the speaker pauses, into parts of a length or more; the last one may be shorter.

    Args:
        words: In their order.
        least_s: The least length of a part, in seconds.
    """
    first = 0
    for place in range(1, len(words)):
        is_long = words[place - 1].end_s - words[first].start_s >= least_s
        if is_long and words[place].start_s - words[place - 1].end_s >= _PAUSE_S:
            yield words[first:place]
            first = place
    if words:
        yield words[first:]


def sample_clips(recording: Path, words: Sequence[tuple[str, float, float]], folder: Path) -> list[Clip]:
    """Cut a recording into parts.

    Args:
        recording: A mono file.
        words: Its words: text, start and end in seconds.
        folder: Where the parts are written.

    Raises:
        ExtrasNotInstalledError: soundfile is missing.
    """
    soundfile = require("soundfile")
    samples, rate = soundfile.read(recording, dtype="int16")
    clips = []
    for number, part in enumerate(parts_of([RefWord(*word) for word in words])):
        start_s = max(0.0, part[0].start_s - _PAUSE_S / 2)
        end_s = part[-1].end_s + _PAUSE_S / 2
        cut = samples[round(start_s * rate) : round(end_s * rate)]
        path = folder / f"{number}.wav"
        soundfile.write(path, cut, rate, subtype="PCM_16")
        own = tuple(RefWord(word.text, word.start_s - start_s, word.end_s - start_s) for word in part)
        text = " ".join(word.text for word in part)
        clips.append(Clip(f"part-{number}", "sample", path, text, len(cut) / rate, rate, own))
    return clips
