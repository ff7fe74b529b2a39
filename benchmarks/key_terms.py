"""What expected terms do for rare words, and what they cost the others: ``python -m benchmarks.key_terms``.

A word is rare if the model's vocabulary, built from the frequency of letter sequences in general text, has it
in at least three pieces, however its case. A session expects the rare words of its recording and some that
are not said in it: rare words of the others.

Sessions run in this process, as fast as they can, once per recording: a final pass depends on its audio and
its terms alone, so only that pass is repeated with other terms. With ``--live`` it also depends on words that
were committed before, and the whole session is repeated.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from benchmarks.in_process import ObservedRecogniser
from benchmarks.script import exit_code_of
from vivavoce.asr.engine import Pump
from vivavoce.asr.models import load_detector, recognise
from vivavoce.asr.models.moonshine import MoonshineRecogniser
from vivavoce.asr.models.terms import DEFAULT_STRENGTH, Strength
from vivavoce.asr.session import SessionMachine
from vivavoce.bench.align import align, normalise
from vivavoce.bench.audio import load_pcm
from vivavoce.bench.corpus import folder_or_default, read_manifest, select
from vivavoce.protocol.events import Audio, SessionLimits, SessionOptions, Terminate, TurnUpdated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vivavoce.asr.models import Hypothesis, Recogniser, Span, SpeechDetector
    from vivavoce.bench.audio import Pcm
    from vivavoce.bench.records import Clip

__all__ = [
    "SessionResult",
    "Speller",
    "TermErrors",
    "expected_terms",
    "main",
    "rare_words",
    "run_session",
    "term_errors",
]

_RARE_PIECES = 3
_CHUNK_MS = 50
_SILENCE_MS = 1_500
_LIMITS = SessionLimits(0, 60_000, None, None, 1e9)


class Speller(Protocol):
    """What is needed of a vocabulary here."""

    def spell(self, text: str) -> tuple[int, ...] | None:
        """Return the tokens of a text; None if the vocabulary cannot spell it."""


class SessionResult(NamedTuple):
    """The result of a session.

    Attributes:
        text: Its final words.
        finals: The span of each utterance's final pass, with the words of that pass as a draft.
    """

    text: str
    finals: tuple[Span, ...]


class TermErrors(NamedTuple):
    """Pooled errors: in the words of terms, and in all others, inserted words included."""

    term_errors: int = 0
    term_words: int = 0
    other_errors: int = 0
    other_words: int = 0

    def plus(self, more: TermErrors) -> TermErrors:
        """Return the sum of both."""
        return TermErrors(*(mine + its for mine, its in zip(self, more, strict=True)))

    def row(self) -> str:
        """Return table cells: errors in terms, in other words and in all words, in per cent."""
        errors, words = self.term_errors + self.other_errors, self.term_words + self.other_words
        rates = (
            100 * wrong / of if of else 0.0
            for wrong, of in ((self.term_errors, self.term_words), (self.other_errors, self.other_words))
        )
        return " | ".join(f"{rate:.1f}" for rate in (*rates, 100 * errors / words if words else 0.0))


def term_errors(reference: str, hypothesis: str, terms: Iterable[str]) -> TermErrors:
    """Count the errors of one recording.

    Args:
        reference: What is said; normalised here.
        hypothesis: What was recognised; normalised here.
        terms: Normalised words.
    """
    expected, recognised = normalise(reference).split(), normalise(hypothesis).split()
    pairs = align(expected, recognised)
    right = {i for i, j in pairs if expected[i] == recognised[j]}
    term_set = set(terms)
    in_terms = [i in right for i, word in enumerate(expected) if word in term_set]
    in_others = [i in right for i, word in enumerate(expected) if word not in term_set]
    inserted = len(recognised) - len(pairs)
    return TermErrors(in_terms.count(False), len(in_terms), in_others.count(False) + inserted, len(in_others))


def rare_words(text: str, vocabulary: Speller) -> tuple[str, ...]:
    """Return the rare words of a text, normalised, each once."""

    def pieces(word: str) -> int:
        return min(len(vocabulary.spell(form) or ()) for form in (word, word.capitalize(), word.upper()))

    words = dict.fromkeys(normalise(text).split())
    return tuple(word for word in words if word.isalpha() and pieces(word) >= _RARE_PIECES)


def expected_terms(
    clip_id: str, rare: Mapping[str, Sequence[str]], text: str, absent: int, *, own: bool = True
) -> tuple[str, ...]:
    """Return what the session of a recording expects, the same on every call.

    Args:
        clip_id: The recording.
        rare: The rare words of all recordings by their ids.
        text: The transcript of this one.
        absent: Largest number of terms that are not said.
        own: Whether to expect its own rare words too.
    """
    spoken = set(normalise(text).split())
    pool = sorted({word for words in rare.values() for word in words} - spoken)
    dice = random.Random(clip_id)  # noqa: S311 - a reproducible choice, not a secret
    return (*(rare[clip_id] if own else ()), *dice.sample(pool, min(absent, len(pool))))


def run_session(
    recogniser: Recogniser,
    detector: SpeechDetector,
    pcm: Pcm,
    sample_rate: int,
    terms: tuple[str, ...] = (),
    *,
    live: bool = False,
) -> SessionResult:
    """Run a session over a recording with silence after it.

    Args:
        recogniser: Decodes the passes.
        detector: Detects speech.
        pcm: The recording.
        sample_rate: In Hz.
        terms: The expected terms.
        live: Whether there are partials too, whose words are committed as in v3.
    """
    options = SessionOptions(
        sample_rate, partials=live, format_partials=live, commit_words=live, key_terms=terms
    )
    session = SessionMachine("bench", options, _LIMITS, now=0.0, unix_now=0.0)
    by_start: dict[int, Span] = {}  # the last whole span of each utterance

    def look(span: Span, hypothesis: Hypothesis) -> None:
        if span.exact:
            by_start[span.start] = dataclasses.replace(span, draft=hypothesis.tokens)

    spans = ObservedRecogniser(recogniser, look)
    pump = Pump(session, spans, detector)
    audio = np.concatenate([pcm, np.zeros(_SILENCE_MS * sample_rate // 1000, np.int16)])
    step = sample_rate * _CHUNK_MS // 1000
    for at in range(0, len(audio), step):
        session.receive(Audio(audio[at : at + step].astype("<i2").tobytes()), 0.0)
        pump.run()
    session.receive(Terminate(), 0.0)
    pump.run()
    events = session.take_events()
    text = " ".join(event.text for event in events if isinstance(event, TurnUpdated) and event.ended)
    return SessionResult(text, tuple(by_start.values()))


class _Study:
    """The recordings of the table and their sessions."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._live = bool(arguments.live)
        self._detector = load_detector()
        self.plain = MoonshineRecogniser()
        clips = [clip for clip in select(read_manifest(folder_or_default(arguments.folder))) if clip.text]
        self.rare = {clip.id: rare_words(clip.text or "", self.plain.vocabulary) for clip in clips}
        self.clips = clips if arguments.all else [clip for clip in clips if self.rare[clip.id]]
        self._finals: dict[str, tuple[Span, ...]] = {}  # by recording, once its session has run

    def text(self, recogniser: Recogniser, clip: Clip, terms: tuple[str, ...]) -> str:
        """Return the transcript of a recording with these terms."""
        if self._live:
            pcm = load_pcm(clip)
            return run_session(recogniser, self._detector, pcm, clip.sample_rate, terms, live=True).text
        if clip.id not in self._finals:
            result = run_session(self.plain, self._detector, load_pcm(clip), clip.sample_rate)
            self._finals[clip.id] = result.finals
        spans = [dataclasses.replace(span, terms=terms) for span in self._finals[clip.id]]
        return " ".join(recognise(recogniser, [span])[0].text for span in spans)

    def write_row(self, name: str, texts: Mapping[str, str]) -> None:
        """Write one row of the table."""
        total = TermErrors()
        for clip in self.clips:
            total = total.plus(term_errors(clip.text or "", texts[clip.id], self.rare[clip.id]))
        sys.stdout.write(f"| {name} | {total.row()} |\n")
        sys.stdout.flush()


def _measure(arguments: argparse.Namespace) -> None:
    study = _Study(arguments)
    strengths = [Strength(*map(float, text.split(","))) for text in arguments.strength] or [DEFAULT_STRENGTH]
    seconds = sum(clip.duration_s for clip in study.clips)
    n_rare = len({word for clip in study.clips for word in study.rare[clip.id]})
    sys.stdout.write(f"{len(study.clips)} recordings, {seconds:.0f} s, {n_rare} rare words\n\n")
    sys.stdout.write("| first, later | terms not said | terms, % | other words, % | all, % |\n")
    sys.stdout.write("|---|---:|---:|---:|---:|\n")
    study.write_row("no terms | -", {clip.id: study.text(study.plain, clip, ()) for clip in study.clips})
    for strength in strengths:
        recogniser = MoonshineRecogniser(strength=strength)
        for absent in arguments.absent:
            texts: dict[str, str] = {}
            for clip in study.clips:
                terms = expected_terms(clip.id, study.rare, clip.text or "", absent, own=not arguments.all)
                texts[clip.id] = study.text(recogniser, clip, terms)
            study.write_row(f"{strength.first:g}, {strength.later:g} | {absent}", texts)


def main(argv: Sequence[str] | None = None) -> int:
    """Run; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.key_terms",
        description="The effect of expected terms, as a Markdown table.",
    )
    add = parser.add_argument
    add("folder", type=Path, nargs="?", help="recordings with manifest.jsonl (default: the evaluation set)")
    add("--strength", action="append", default=[], metavar="FIRST,LATER", help="in nats; repeatable")
    add("--absent", type=int, nargs="*", default=[0, 10, 100], help="numbers of terms that are not said")
    add("--all", action="store_true", help="all recordings with words, and only terms that are not said")
    add("--live", action="store_true", help="with partials, whose words are committed as in v3")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: _measure(arguments))


if __name__ == "__main__":
    sys.exit(main())
