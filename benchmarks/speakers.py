"""How many turns and words of a conversation get the right speaker, and how many speakers are found.

Conversations are drawn from the voices of a set of recordings: the speaker changes with each turn, which is a
part of a recording of 1.6 to 6 s; one in four has the shortest. Turns are cut where their speech begins and
ends. With ``--joined`` two speakers share each turn, without a pause between them. With ``--telephone`` the
audio passes 8 kHz and mu-law before.

    python -m benchmarks.speakers [FOLDER] --kind read [--telephone] [--joined] [--model campplus]
    python -m benchmarks.speakers [FOLDER] --kind read --known

A label is right if it is that of the speaker under the best one-to-one assignment of labels to speakers.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from benchmarks.diarization_error import best_assignment
from benchmarks.script import add_recording_options, exit_code_of, named_recordings
from vivavoce.asr.audio.pcm import decode_samples
from vivavoce.asr.engine import VoiceModels, hear_turns, load_voices
from vivavoce.asr.speakers import Stretch, VoiceBook, VoicePiece, owners
from vivavoce.bench.audio import load_pcm, to_model_rate
from vivavoce.bench.requirements import require
from vivavoce.errors import ConfigurationError
from vivavoce.types import MODEL_RATE_HZ, Encoding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.engine.voices import HeardPiece
    from vivavoce.bench.records import Clip

__all__ = [
    "Floats", "NameScores", "Said", "Scores", "Voices", "conversation", "main", "names_given",
    "right_labels", "score", "speech_of", "through_telephone", "voices_of",
]  # fmt: skip

Floats: TypeAlias = npt.NDArray[np.float32]
Voices: TypeAlias = "dict[str, list[Said]]"
"""Recordings, by speaker."""

_SECONDS: Final = (1.6, 1.6, 2.0, 2.4, 3.2, 4.0, 5.0, 6.0)  # of a turn
_LEAST_S: Final = 6.0  # of a speaker who takes part
_TURNS: Final = 16
_LONE_TURNS: Final = 150  # ten minutes
_LONE_S: Final = 20.0  # of a speaker who talks for ten minutes
_ENROLLED_S: Final = 15
_MOST_SPEAKERS: Final = 6
_FEWEST_VOICES: Final = 2


@dataclass(frozen=True, slots=True)
class Said:
    """A recording, from its first word to its last.

    Attributes:
        samples: Shape (n,), float32, 16 kHz.
        words: Start and end of each word, in samples.
    """

    samples: Floats
    words: tuple[tuple[int, int], ...]

    def part(self, start: int, end: int) -> Said:
        """A part of it, with the words that lie in it."""
        inside = [(first, last) for first, last in self.words if start <= first and last <= end]
        return Said(self.samples[start:end], tuple((first - start, last - start) for first, last in inside))


@dataclass(slots=True)
class Scores:
    """How conversations of so many speakers were labelled; all but the last are lists of truths.

    Attributes:
        shown: Of each turn, or word, whether it was labelled right while the session ran.
        revised: The same at its end.
        counted: Of each conversation, whether its number of speakers was right at the end.
        speech_s: Seconds of speech.
        cpu_s: CPU time of the models.
    """

    shown: list[bool] = field(default_factory=list)
    revised: list[bool] = field(default_factory=list)
    counted: list[bool] = field(default_factory=list)
    speech_s: float = 0.0
    cpu_s: float = 0.0


def through_telephone(samples: Floats) -> Floats:
    """The same speech as a telephone carries it: 8 kHz, mu-law; shape (n,), float32, 16 kHz."""
    soxr = require("soxr")
    table = decode_samples(bytes(range(256)), Encoding.PCM_MULAW)
    levels = np.sort(table)
    narrow = soxr.resample(samples, MODEL_RATE_HZ, MODEL_RATE_HZ // 2)
    nearest = levels[np.searchsorted((levels[1:] + levels[:-1]) / 2, narrow)]
    wide: Floats = soxr.resample(nearest, MODEL_RATE_HZ // 2, MODEL_RATE_HZ).astype(np.float32)
    return wide


def speech_of(clip: Clip) -> Said:
    """A recording from its first word to its last; empty if it has no words."""
    if not clip.words:
        return Said(np.zeros(0, np.float32), ())
    samples = to_model_rate(load_pcm(clip), clip.sample_rate).astype(np.float32)
    begin = int(clip.words[0].start_s * MODEL_RATE_HZ)
    end = min(len(samples), int(clip.words[-1].end_s * MODEL_RATE_HZ))
    words = [(int(word.start_s * MODEL_RATE_HZ), int(word.end_s * MODEL_RATE_HZ)) for word in clip.words]
    return Said(samples, tuple(words)).part(begin, end)


def voices_of(clips: Sequence[Clip], *, telephone: bool = False) -> Voices:
    """The recordings of all speakers who have enough speech.

    Args:
        clips: Recordings.
        telephone: Whether to pass them through a telephone.

    Raises:
        ConfigurationError: There are fewer than two such speakers.
    """
    voices: Voices = {}
    for clip in clips:
        said = speech_of(clip)
        if clip.speaker is not None and len(said.samples):
            if telephone:
                said = Said(through_telephone(said.samples), said.words)
            voices.setdefault(clip.speaker, []).append(said)
    least = _LEAST_S * MODEL_RATE_HZ
    voices = {who: all_ for who, all_ in voices.items() if sum(len(each.samples) for each in all_) >= least}
    if len(voices) < _FEWEST_VOICES:
        raise ConfigurationError("the recordings have too few speakers with enough speech: at least 2")
    return voices


def conversation(
    voices: Voices, n: int, turns: int, generator: np.random.Generator
) -> list[tuple[int, Said]]:
    """Draw a conversation of n speakers: who speaks, and what."""
    chosen = [str(name) for name in generator.choice(sorted(voices), n, replace=False)]
    found: list[tuple[int, Said]] = []
    for _ in range(turns):
        others = [each for each in range(n) if n == 1 or not found or each != found[-1][0]]
        who = int(generator.choice(others))
        said = voices[chosen[who]]
        lengths = np.array([len(each.samples) for each in said], float)
        whole = said[int(generator.choice(len(said), p=lengths / lengths.sum()))]
        length = int(float(generator.choice(_SECONDS)) * MODEL_RATE_HZ)
        at = int(generator.integers(max(1, len(whole.samples) - length + 1)))
        found.append((who, whole.part(at, at + length)))
    return found


def joined(spoken: Sequence[tuple[int, Said]]) -> list[list[tuple[int, Said]]]:
    """Two turns each, which follow one another without a pause."""
    return [list(spoken[at : at + 2]) for at in range(0, len(spoken), 2)]


def right_labels(speakers: Sequence[int], labels: Sequence[int | None]) -> list[bool]:
    """Whether each label is that of its speaker, by the best one-to-one assignment; None never is."""
    names, found = sorted(set(speakers)), sorted({label for label in labels if label is not None})
    counts = np.zeros((len(names), len(found)), np.int64)
    for speaker, label in zip(speakers, labels, strict=True):
        if label is not None:
            counts[names.index(speaker), found.index(label)] += 1
    assigned = {found[column]: names[row] for column, row in best_assignment(counts).items()}
    return [
        label is not None and assigned.get(label) == speaker
        for speaker, label in zip(speakers, labels, strict=True)
    ]


class _Session:
    """One conversation, labelled as a server does."""

    def __init__(self, models: VoiceModels, known: Sequence[Floats] = ()) -> None:
        self._models = models
        self._book = VoiceBook(None, models.embedder.tuning, known)
        self._heard: list[list[int]] = []  # pieces of each turn
        self._told: dict[int, int] = {}  # voices by piece
        self._owners: list[list[int]] = []  # the place of the piece of each word, by turn
        self._length = 0

    def hear(self, parts: Sequence[Said]) -> None:
        """Hear a turn, in which the parts follow one another."""
        samples = np.concatenate([part.samples for part in parts])
        starts = np.cumsum([0, *(len(part.samples) for part in parts)])
        words = [
            (self._length + int(start) + first, self._length + int(start) + last)
            for part, start in zip(parts, starts, strict=False)
            for first, last in part.words
        ]
        found: list[HeardPiece] = hear_turns(self._models, [[Stretch(self._length, samples)]])[0]
        numbers = list(range(sum(map(len, self._heard)), sum(map(len, self._heard)) + len(found)))
        pieces = [
            VoicePiece(number, each.windows, each.weights)
            for number, each in zip(numbers, found, strict=True)
        ]
        self._told |= {number: told.voice for number, told in self._book.hear_turn(pieces).items()}
        self._heard.append(numbers)
        self._owners.append([owner.place for owner in owners([each.piece for each in found], words)])
        self._length += len(samples) + MODEL_RATE_HZ

    def word_labels(self, voices: dict[int, int]) -> list[list[int | None]]:
        """The voice of each word, by turn."""
        return [
            [voices.get(numbers[place]) for place in places]
            for numbers, places in zip(self._heard, self._owners, strict=True)
        ]

    def turn_labels(self, voices: dict[int, int]) -> list[int | None]:
        """The voice of most words of each turn."""
        labels: list[int | None] = []
        for numbers, words in zip(self._heard, self.word_labels(voices), strict=True):
            said = [label for label in words if label is not None]
            first = next((voices[each] for each in numbers if each in voices), None)
            labels.append(max(set(said), key=said.count) if said else first)
        return labels

    @property
    def shown(self) -> dict[int, int]:
        """Voices by piece, as they were told."""
        return self._told

    def revised(self) -> dict[int, int]:
        """Voices by piece, at the end."""
        return self._book.revised()


def score(models: VoiceModels, voices: Voices, n: int, sessions: int, *, by_word: bool) -> Scores:
    """Label conversations of n speakers.

    Args:
        models: What tells voices apart.
        voices: Who may speak.
        n: How many of them do.
        sessions: How many conversations.
        by_word: Whether two speakers share each turn, and words are counted instead of turns.
    """
    scores = Scores()
    for seed in range(sessions):
        spoken = conversation(voices, n, _TURNS, np.random.default_rng((n, seed)))
        session = _Session(models)
        before = time.process_time()
        for turn in joined(spoken) if by_word else [[each] for each in spoken]:
            session.hear([said for _, said in turn])
        final = session.revised()
        scores.cpu_s += time.process_time() - before
        scores.speech_s += sum(len(said.samples) for _, said in spoken) / MODEL_RATE_HZ
        for voice_of, into in ((session.shown, scores.shown), (final, scores.revised)):
            if by_word:
                speakers = [who for who, said in spoken for _ in said.words]
                labels = [label for turn in session.word_labels(voice_of) for label in turn]
            else:
                speakers, labels = [who for who, _ in spoken], session.turn_labels(voice_of)
            into.extend(right_labels(speakers, labels))
        scores.counted.append(len(set(final.values())) == len({who for who, _ in spoken}))
    return scores


def lone_voices_split(models: VoiceModels, voices: Voices, sessions: int) -> tuple[int, int, int]:
    """Ten minutes of one speaker each: how often several were shown, or found at the end; of how many."""
    shown = revised = total = 0
    for who, seed in itertools.product(sorted(voices), range(sessions)):
        if sum(len(said.samples) for said in voices[who]) < _LONE_S * MODEL_RATE_HZ:
            continue
        session = _Session(models)
        for _, said in conversation({who: voices[who]}, 1, _LONE_TURNS, np.random.default_rng(seed)):
            session.hear([said])
        shown += len(set(session.shown.values())) > 1
        revised += len(set(session.revised().values())) > 1
        total += 1
    return shown, revised, total


@dataclass(slots=True)
class NameScores:
    """How often speech had a name; lists of truths, one for each turn that had a label.

    Attributes:
        known: Of turns of known voices, whether it was theirs.
        strangers: Of turns of others, whether they had one.
    """

    known: list[bool] = field(default_factory=list)
    strangers: list[bool] = field(default_factory=list)


def names_given(models: VoiceModels, voices: Voices, n: int, sessions: int) -> dict[str, NameScores]:
    """Label conversations in which every other voice is known: as shown, and at the end.

    Args:
        models: What tells voices apart.
        voices: Who may speak.
        n: How many of them do.
        sessions: How many conversations.
    """
    scores = {"shown": NameScores(), "at the end": NameScores()}
    names = sorted(voices)
    for seed, first in itertools.product(range(sessions), range(2)):
        known = names[first::2]
        enrolled = [_enrolled(models, voices[name]) for name in known]
        drawn = [str(name) for name in np.random.default_rng((n, seed)).choice(names, n, replace=False)]
        session = _Session(models, known=enrolled)
        spoken = conversation(voices, n, _TURNS, np.random.default_rng((n, seed)))
        for _, said in spoken:
            session.hear([said])
        for found, into in zip((session.shown, session.revised()), scores.values(), strict=True):
            for (who, _), label in zip(spoken, session.turn_labels(found), strict=True):
                if label is None:
                    continue
                if drawn[who] in known:
                    into.known.append(label == known.index(drawn[who]))
                else:
                    into.strangers.append(label < len(known))
    return scores


def _write_names(models: VoiceModels, voices: Voices, sessions: int) -> None:
    sys.stdout.write("| speakers | | turns of known voices with their name | of strangers with one |\n")
    sys.stdout.write("|---:|---|---:|---:|\n")
    for n in range(_FEWEST_VOICES, min(_MOST_SPEAKERS, len(voices)) + 1):
        for when, each in names_given(models, voices, n, sessions).items():
            known, strangers = (f"{sum(one)} of {len(one)}" for one in (each.known, each.strangers))
            sys.stdout.write(f"| {n} | {when} | {known} | {strangers} |\n")
            sys.stdout.flush()


def _enrolled(models: VoiceModels, said: Sequence[Said]) -> Floats:
    """The embedding of a voice from at most fifteen seconds."""
    samples = np.concatenate([each.samples for each in said])[: _ENROLLED_S * MODEL_RATE_HZ]
    heard = hear_turns(models, [[Stretch(0, samples)]])[0]
    weights = np.concatenate([each.weights for each in heard])
    found: Floats = weights @ np.concatenate([each.windows for each in heard]) / weights.sum()
    return found


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Turns with the right speaker, in drawn conversations.")
    add_recording_options(parser)
    parser.add_argument("--model", default="auto", help="voice encoder: auto, a name or a file")
    parser.add_argument("--telephone", action="store_true", help="pass the audio through 8 kHz and mu-law")
    parser.add_argument("--joined", action="store_true", help="two speakers in each turn; count words")
    parser.add_argument("--sessions", type=int, default=60, metavar="N", help="conversations of each number")
    parser.add_argument(
        "--lone", type=int, default=2, metavar="N", help="ten minutes of each speaker, N times"
    )
    parser.add_argument("--known", action="store_true", help="know every other voice, and count names")
    arguments = parser.parse_args()
    voices = voices_of(named_recordings(arguments), telephone=arguments.telephone)
    models = load_voices(arguments.model)
    if arguments.known:
        _write_names(models, voices, arguments.sessions)
        return 0
    kind = "words" if arguments.joined else "turns"
    sys.stdout.write(f"{models.embedder.name}, {len(voices)} voices\n\n")
    sys.stdout.write(
        f"| speakers | {kind} right, shown | {kind} right, at the end | number right | CPU of 1 s |\n"
        "|---:|---:|---:|---:|---:|\n"
    )
    for n in range(2 if arguments.joined else 1, min(_MOST_SPEAKERS, len(voices)) + 1):
        found = score(models, voices, n, arguments.sessions, by_word=arguments.joined)
        shown, revised, counted = (np.mean(each) for each in (found.shown, found.revised, found.counted))
        cpu = f"{1000 * found.cpu_s / found.speech_s:.1f} ms"
        sys.stdout.write(f"| {n} | {shown:.1%} | {revised:.1%} | {counted:.0%} | {cpu} |\n")
        sys.stdout.flush()
    if not arguments.joined and arguments.lone:
        split, at_end, total = lone_voices_split(models, voices, arguments.lone)
        sys.stdout.write(f"\nlone speakers of ten minutes that were split: {split} as shown and {at_end}")
        sys.stdout.write(f" at the end, of {total}\n")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code_of(main))
