"""How many turns of a conversation get the right speaker, and how many speakers are found.

Conversations are drawn from the voices of a set of recordings: the speaker changes with each turn, which is a
part of a recording of 1.6 to 5.6 s; one in four has the shortest. Nothing else is simulated: turns are cut
where their speech begins and ends. With ``--telephone`` the audio passes 8 kHz and mu-law before.

    python -m benchmarks.speakers [FOLDER] --kind read [--telephone] [--model pretrained.pt]

A label is right if it is that of the speaker under the best one-to-one assignment of labels to speakers.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from benchmarks.script import add_recording_options, exit_code_of, named_recordings
from vivavoce.asr.audio.pcm import decode_samples
from vivavoce.asr.models.registry import load_embedder
from vivavoce.asr.speakers import VoiceBook
from vivavoce.bench.audio import load_pcm, to_model_rate
from vivavoce.bench.requirements import require
from vivavoce.errors import ConfigurationError
from vivavoce.types import MODEL_RATE_HZ, Encoding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.models.base import SpeakerEmbedder
    from vivavoce.bench.records import Clip

__all__ = ["Scores", "Voices", "conversation", "main", "right_turns", "score", "through_telephone"]

Floats: TypeAlias = npt.NDArray[np.float32]
Turn: TypeAlias = "tuple[int, Floats]"
"""Number of the speaker, and the embeddings of the turn's windows."""
Voices: TypeAlias = "dict[str, list[Floats]]"
"""Embeddings of the windows of each recording, (windows, width), by speaker."""

_HOP_SAMPLES: Final = MODEL_RATE_HZ * 8 // 10
_LENGTHS: Final = (1, 1, 2, 2, 3, 4, 5, 6)  # windows of a turn
_LEAST_WINDOWS: Final = 6  # of a speaker who takes part
_TURNS: Final = 16
_LONE_TURNS: Final = 150  # ten minutes
_MOST_SPEAKERS: Final = 6
_FEWEST_VOICES: Final = 2


@dataclass(frozen=True, slots=True)
class Scores:
    """How conversations of so many speakers were labelled; all are shares, from 0 to 1.

    Attributes:
        shown: Turns labelled right while the session ran.
        revised: Turns labelled right at its end.
        counted: Conversations whose number of speakers was right at the end.
    """

    shown: float
    revised: float
    counted: float


def through_telephone(samples: Floats) -> Floats:
    """The same speech as a telephone carries it: 8 kHz, mu-law; shape (n,), float32, 16 kHz."""
    soxr = require("soxr")
    table = decode_samples(bytes(range(256)), Encoding.PCM_MULAW)
    levels = np.sort(table)
    narrow = soxr.resample(samples, MODEL_RATE_HZ, MODEL_RATE_HZ // 2)
    nearest = levels[np.searchsorted((levels[1:] + levels[:-1]) / 2, narrow)]
    wide: Floats = soxr.resample(nearest, MODEL_RATE_HZ // 2, MODEL_RATE_HZ).astype(np.float32)
    return wide


def embed_voices(
    clips: Sequence[Clip], embedder: SpeakerEmbedder, *, telephone: bool
) -> tuple[Voices, float, int]:
    """Embed recordings in windows that overlap by half.

    Returns:
        The embeddings, the CPU time that they took in seconds, and how many there are.
    """
    voices: Voices = {}
    cpu_s, count = 0.0, 0
    for clip in clips:
        if clip.speaker is None or not clip.words:
            continue
        samples = to_model_rate(load_pcm(clip), clip.sample_rate)
        first, last = clip.words[0].start_s, clip.words[-1].end_s
        samples = samples[int(first * MODEL_RATE_HZ) : int(last * MODEL_RATE_HZ)]
        if telephone:
            samples = through_telephone(samples)
        size = embedder.window_samples
        windows = [samples[at : at + size] for at in range(0, len(samples) - size + 1, _HOP_SAMPLES)]
        if windows:
            before = time.process_time()
            voices.setdefault(clip.speaker, []).append(embedder.embed(windows))
            cpu_s += time.process_time() - before
            count += len(windows)
    enough = {who: said for who, said in voices.items() if sum(map(len, said)) >= _LEAST_WINDOWS}
    return enough, cpu_s, count


def conversation(voices: Voices, n: int, turns: int, generator: np.random.Generator) -> list[Turn]:
    """Draw a conversation of n speakers."""
    chosen = [str(name) for name in generator.choice(sorted(voices), n, replace=False)]
    found: list[Turn] = []
    for _ in range(turns):
        others = [each for each in range(n) if n == 1 or not found or each != found[-1][0]]
        who = int(generator.choice(others))
        said = voices[chosen[who]]
        windows = said[int(generator.integers(len(said)))]
        length = int(generator.choice(_LENGTHS))
        at = int(generator.integers(max(1, len(windows) - length + 1)))
        found.append((who, windows[at : at + length]))
    return found


def right_turns(speakers: Sequence[int], labels: Sequence[int]) -> int:
    """Turns whose label is that of their speaker, by the best one-to-one assignment."""
    names, found = sorted(set(speakers)), sorted(set(labels))
    counts = np.zeros((len(names), len(found)), np.int64)
    for speaker, label in zip(speakers, labels, strict=True):
        counts[names.index(speaker), found.index(label)] += 1
    best = np.full(1 << len(names), -1, np.int64)  # by the set of speakers that have a label
    best[0] = 0
    for column in counts.T:
        for taken in range(len(best) - 1, -1, -1):
            if best[taken] >= 0:
                for row, count in enumerate(column):
                    more = taken | 1 << row
                    if more != taken:
                        best[more] = max(best[more], best[taken] + count)
    return int(best.max())


def score(voices: Voices, n: int, sessions: int, max_voices: int | None = None) -> Scores:
    """Label conversations of n speakers."""
    shown = revised = counted = turns = 0
    for seed in range(sessions):
        spoken = conversation(voices, n, _TURNS, np.random.default_rng((n, seed)))
        book = VoiceBook(max_voices)
        told = [book.hear(turn, windows) for turn, (_, windows) in enumerate(spoken)]
        final = book.revised()
        speakers = [who for who, _ in spoken]
        shown += right_turns(speakers, [label for label in told if label is not None])
        revised += right_turns(speakers, [final[turn] for turn in range(len(spoken))])
        counted += len(set(final.values())) == len(set(speakers))
        turns += len(spoken)
    return Scores(shown / turns, revised / turns, counted / sessions)


def lone_voices_split(voices: Voices, sessions: int) -> tuple[int, int]:
    """Ten minutes of one speaker each: how often more than one was found, and of how many sessions."""
    split = total = 0
    for who, seed in itertools.product(sorted(voices), range(sessions)):
        if sum(map(len, voices[who])) < 3 * _LEAST_WINDOWS:
            continue
        book = VoiceBook()
        for turn, (_, windows) in enumerate(
            conversation({who: voices[who]}, 1, _LONE_TURNS, np.random.default_rng(seed))
        ):
            book.hear(turn, windows)
        split += len(set(book.shown.values())) > 1
        total += 1
    return split, total


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Turns with the right speaker, in drawn conversations.")
    add_recording_options(parser)
    parser.add_argument("--model", type=Path, help="file of the voice encoder (default: that of its package)")
    parser.add_argument("--telephone", action="store_true", help="pass the audio through 8 kHz and mu-law")
    parser.add_argument("--sessions", type=int, default=60, metavar="N", help="conversations of each number")
    arguments = parser.parse_args()
    embedder = load_embedder(model=arguments.model)
    voices, cpu_s, count = embed_voices(named_recordings(arguments), embedder, telephone=arguments.telephone)
    if len(voices) < _FEWEST_VOICES:
        raise ConfigurationError("the recordings have too few speakers with enough speech: at least 2")
    sys.stdout.write(f"{len(voices)} voices, {count} windows, {1000 * cpu_s / max(1, count):.1f} ms each\n\n")
    sys.stdout.write("| speakers | turns right, shown | turns right, at the end | number right |\n")
    sys.stdout.write("|---:|---:|---:|---:|\n")
    for n in range(1, min(_MOST_SPEAKERS, len(voices)) + 1):
        found = score(voices, n, arguments.sessions)
        sys.stdout.write(f"| {n} | {found.shown:.1%} | {found.revised:.1%} | {found.counted:.0%} |\n")
    split, total = lone_voices_split(voices, 6)
    sys.stdout.write(f"\nlone speakers of ten minutes that were split: {split} of {total}\n")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code_of(main))
