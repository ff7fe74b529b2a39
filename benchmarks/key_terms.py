"""What expected terms do for rare words, and what they cost the others: ``python -m benchmarks.key_terms``.

Rare is a word that the model's vocabulary, made by how often letters stand together in text at large, has in
no fewer than three pieces, however its case. A session expects the rare words of its recording and some that
are not said in it: rare words of the others. Sessions run in this process, as fast as they can, once for each
recording: what a final pass says depends on its sound and its terms alone, so only that is repeated with
other terms. With ``--live``, where it also depends on words that were committed before, everything is.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from vivavoce.bench.align import align, normalise
from vivavoce.bench.command import exit_code_of, folder_or_default
from vivavoce.bench.corpus import load_pcm, read_manifest, select

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vivavoce.asr.models import Recogniser, Span, SpeechDetector
    from vivavoce.bench.corpus import Pcm
    from vivavoce.bench.model import Clip

__all__ = ["Heard", "Speller", "TermErrors", "expected_terms", "hear", "main", "rare_words", "term_errors"]

_RARE_PIECES = 3
_CHUNK_MS = 50
_SILENCE_MS = 1_500


class Speller(Protocol):
    """As much of a vocabulary as is needed here."""

    def spell(self, text: str) -> tuple[int, ...] | None:
        """The tokens of a text; None if it can't be spelled."""


class Heard(NamedTuple):
    """What a session made of a recording.

    Attributes:
        text: Its final words.
        finals: What the words of each utterance were recognised in, with these words as a draft.
    """

    text: str
    finals: tuple[Span, ...]


class TermErrors(NamedTuple):
    """Errors, pooled: in the words of terms, and in all others, words too many among them."""

    term_errors: int = 0
    term_words: int = 0
    other_errors: int = 0
    other_words: int = 0

    def plus(self, more: TermErrors) -> TermErrors:
        """Both together."""
        return TermErrors(*(mine + its for mine, its in zip(self, more, strict=True)))

    def row(self) -> str:
        """For a table: errors in terms, in others and in all words, in per cent."""
        errors, words = self.term_errors + self.other_errors, self.term_words + self.other_words
        rates = (
            100 * wrong / of if of else 0.0
            for wrong, of in ((self.term_errors, self.term_words), (self.other_errors, self.other_words))
        )
        return " | ".join(f"{rate:.1f}" for rate in (*rates, 100 * errors / words if words else 0.0))


def term_errors(reference: str, hypothesis: str, terms: Iterable[str]) -> TermErrors:
    """Count the errors of one recording; texts are normalised here, terms are normalised words."""
    said, heard = normalise(reference).split(), normalise(hypothesis).split()
    pairs = align(said, heard)
    right = {i for i, j in pairs if said[i] == heard[j]}
    wanted = set(terms)
    in_terms = [i in right for i, word in enumerate(said) if word in wanted]
    in_others = [i in right for i, word in enumerate(said) if word not in wanted]
    too_many = len(heard) - len(pairs)
    return TermErrors(in_terms.count(False), len(in_terms), in_others.count(False) + too_many, len(in_others))


def rare_words(text: str, vocabulary: Speller) -> tuple[str, ...]:
    """The rare words of a text, normalised, each once."""

    def pieces(word: str) -> int:
        return min(len(vocabulary.spell(form) or ()) for form in (word, word.capitalize(), word.upper()))

    words = dict.fromkeys(normalise(text).split())
    return tuple(word for word in words if word.isalpha() and pieces(word) >= _RARE_PIECES)


def expected_terms(
    clip_id: str, rare: Mapping[str, Sequence[str]], text: str, absent: int, *, own: bool = True
) -> tuple[str, ...]:
    """What the session of a recording expects, the same every time.

    Args:
        clip_id: The recording.
        rare: The rare words of all recordings by their ids.
        text: What is said in this one.
        absent: How many terms that are not said, at most.
        own: Whether to expect its own rare words too.
    """
    said = set(normalise(text).split())
    pool = sorted({word for words in rare.values() for word in words} - said)
    dice = random.Random(clip_id)  # noqa: S311 - a choice that can be repeated, no secret
    return (*(rare[clip_id] if own else ()), *dice.sample(pool, min(absent, len(pool))))


def hear(
    recogniser: Recogniser,
    detector: SpeechDetector,
    pcm: Pcm,
    sample_rate: int,
    terms: tuple[str, ...] = (),
    *,
    live: bool = False,
) -> Heard:
    """Let a recording go through a session, with silence behind it.

    Args:
        recogniser: Of words.
        detector: Of speech.
        pcm: The recording, int16.
        sample_rate: Of it, in Hz.
        terms: What is expected.
        live: Whether there are partials too, whose words are committed as in v3.
    """
    import numpy as np  # noqa: PLC0415 - only this measurement needs the engines

    from vivavoce.asr.session import SessionMachine  # noqa: PLC0415 - the same
    from vivavoce.protocol.events import (  # noqa: PLC0415 - the same
        Audio,
        SessionLimits,
        SessionOptions,
        Terminate,
        TurnUpdated,
    )

    limits = SessionLimits(0, 60_000, None, None, 1e9)
    options = SessionOptions(
        sample_rate, partials=live, format_partials=live, commit_words=live, key_terms=terms
    )
    session = SessionMachine("bench", options, limits, now=0.0, unix_now=0.0)
    state = detector.initial_state()
    finals: dict[int, Span] = {}

    def serve() -> None:
        nonlocal state
        while True:
            frames, request = session.take_frames(), session.next_pass()
            if frames is not None:
                ((state, probabilities),) = detector.detect([(state, frames)])
                session.apply_probabilities(probabilities)
            elif request is not None:
                span = session.begin_pass(request)
                (hypothesis,) = recogniser.recognise([span])
                if request.is_whole:
                    finals[request.utterance] = dataclasses.replace(span, draft=hypothesis.tokens)
                session.apply_hypothesis(request, hypothesis)
            else:
                return

    silence = np.zeros(_SILENCE_MS * sample_rate // 1000, np.int16)
    sound = np.concatenate([pcm, silence])
    step = sample_rate * _CHUNK_MS // 1000
    for at in range(0, len(sound), step):
        session.receive(Audio(sound[at : at + step].astype("<i2").tobytes()), 0.0)
        serve()
    session.receive(Terminate(), 0.0)
    serve()
    events = session.take_events()
    text = " ".join(event.text for event in events if isinstance(event, TurnUpdated) and event.ended)
    return Heard(text, tuple(finals.values()))


def main(argv: Sequence[str] | None = None) -> int:
    """Run; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.key_terms", description="What expected terms do, as a Markdown table."
    )
    add = parser.add_argument
    add("folder", type=Path, nargs="?", help="recordings with manifest.jsonl (default: the evaluation set)")
    add("--strength", action="append", default=[], metavar="FIRST,LATER", help="in nats; may be repeated")
    add("--absent", type=int, nargs="*", default=[0, 10, 100], help="terms that are not said")
    add("--all", action="store_true", help="all recordings with words, and only terms that are not said")
    add("--live", action="store_true", help="with partials, whose words are committed as in v3")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: _measure(arguments))


def _measure(arguments: argparse.Namespace) -> None:
    from vivavoce.asr.models import load_detector  # noqa: PLC0415 - loads ONNX Runtime
    from vivavoce.asr.models.moonshine import MoonshineRecogniser  # noqa: PLC0415 - the same
    from vivavoce.asr.models.terms import DEFAULT_STRENGTH, Strength  # noqa: PLC0415 - the same

    detector = load_detector()
    clips = [clip for clip in select(read_manifest(folder_or_default(arguments.folder))) if clip.text]
    vocabulary = MoonshineRecogniser().vocabulary
    rare = {clip.id: rare_words(clip.text or "", vocabulary) for clip in clips}
    if not arguments.all:
        clips = [clip for clip in clips if rare[clip.id]]
    strengths = [Strength(*map(float, text.split(","))) for text in arguments.strength] or [DEFAULT_STRENGTH]
    seconds = sum(clip.duration_s for clip in clips)
    n_rare = len({word for clip in clips for word in rare[clip.id]})
    sys.stdout.write(f"{len(clips)} recordings, {seconds:.0f} s, {n_rare} rare words\n\n")
    sys.stdout.write("| first, later | terms not said | terms, % | other words, % | all, % |\n")
    sys.stdout.write("|---|---:|---:|---:|---:|\n")
    plain = MoonshineRecogniser()
    finals: dict[str, tuple[Span, ...]] = {}

    def row(name: str, texts: Mapping[str, str]) -> None:
        total = TermErrors()
        for clip in clips:
            total = total.plus(term_errors(clip.text or "", texts[clip.id], rare[clip.id]))
        sys.stdout.write(f"| {name} | {total.row()} |\n")
        sys.stdout.flush()

    def again(recogniser: Recogniser, clip: Clip, terms: tuple[str, ...]) -> str:
        if arguments.live:
            pcm = load_pcm(clip)
            return hear(recogniser, detector, pcm, clip.sample_rate, terms, live=True).text
        if clip.id not in finals:
            finals[clip.id] = hear(plain, detector, load_pcm(clip), clip.sample_rate).finals
        spans = [dataclasses.replace(span, terms=terms) for span in finals[clip.id]]
        return " ".join(recogniser.recognise([span])[0].text for span in spans)

    row("no terms | -", {clip.id: again(plain, clip, ()) for clip in clips})
    for strength in strengths:
        recogniser = MoonshineRecogniser(strength=strength)
        for absent in arguments.absent:
            texts: dict[str, str] = {}
            for clip in clips:
                terms = expected_terms(clip.id, rare, clip.text or "", absent, own=not arguments.all)
                texts[clip.id] = again(recogniser, clip, terms)
            row(f"{strength.first:g}, {strength.later:g} | {absent}", texts)


if __name__ == "__main__":
    sys.exit(main())
