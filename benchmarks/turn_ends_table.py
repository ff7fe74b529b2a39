"""False cuts and delays of every preset, as a Markdown table: ``python -m benchmarks.turn_ends_table``.

Recordings go through the session as fast as it takes them: time is audio, there is no clock. Partials are
off, so that passes are made in pauses only.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.hesitant_speech import HesitantClip, hesitant_clips
from benchmarks.script import exit_code_of
from benchmarks.turn_ends import EndedTurn, Endings, count_endings, speech_spans
from vivavoce.asr.engine import Pump
from vivavoce.asr.models import (
    BatchAtOnce,
    TurnAwareRecogniser,
    load_detector,
    load_recogniser,
    load_turn_detector,
    recognise,
)
from vivavoce.asr.session import SessionMachine
from vivavoce.bench.audio import load_pcm, to_model_rate
from vivavoce.bench.corpus import folder_or_default, read_manifest
from vivavoce.protocol.events import Audio, SessionLimits, SessionOptions, Terminate, TurnUpdated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from vivavoce.asr.audio import Samples
    from vivavoce.asr.models import (
        Frames,
        Hypothesis,
        Recogniser,
        RunningBatch,
        Span,
        SpeechDetector,
        SpeechState,
    )
    from vivavoce.bench.records import Clip

__all__ = ["PRESETS", "Preset", "main", "run_session"]

_RATE_HZ: Final = 16_000
_CHUNK: Final = 512  # samples
_LIMITS: Final = SessionLimits(
    min_chunk_ms=0, max_chunk_ms=60_000, max_lead_s=None, idle_s=None, max_session_s=1e9
)
_KINDS: Final = ("read", "accented-read", "telephone-prompt", "command-keywords")
_SENTENCES: Final = frozenset({"accented-read"})
"""Kinds in which each recording is one sentence."""
_HEAD: Final = (
    "| preset | confidence by | set | cuts (in 10 minutes) | items with a cut | delay p50 / p75 / p90, s |\n"
    "|---|---|---|---:|---:|---:|\n"
)


@dataclass(frozen=True, slots=True)
class Preset:
    """The end-of-turn parameters of a preset.

    Attributes:
        name: Of the preset.
        threshold: ``end_of_turn_confidence_threshold``.
        min_ms: ``min_turn_silence``.
        max_ms: ``max_turn_silence``.
    """

    name: str
    threshold: float
    min_ms: int
    max_ms: int


PRESETS: Final = (
    Preset("aggressive", 0.4, 160, 400),
    Preset("balanced", 0.4, 400, 1_280),
    Preset("conservative", 0.7, 800, 3_600),
)


class _CachingRecogniser:
    """A recogniser that decodes no span twice: the result of a whole span does not depend on its draft."""

    def __init__(self, recogniser: Recogniser) -> None:
        self.name = recogniser.name
        self.max_batch = recogniser.max_batch
        self.max_workers = recogniser.max_workers
        self.joins_running = False
        self.partial_cadence_ms = None
        self.step_samples = recogniser.step_samples
        self._recogniser = recogniser
        self._known: dict[object, Hypothesis] = {}  # by audio, prefix and exactness

    def open_batch(self) -> RunningBatch:
        """An empty batch."""
        return BatchAtOnce(lambda spans: [self._one(span) for span in spans])

    def _one(self, span: Span) -> Hypothesis:
        key = (hashlib.blake2b(span.samples.tobytes()).digest(), span.prefix, span.exact)
        if key not in self._known:
            self._known[key] = recognise(self._recogniser, [span])[0]
        return self._known[key]


class _RecordingDetector:
    """A speech detector that keeps the probabilities of all frames.

    Attributes:
        probabilities: So far, one per frame.
    """

    def __init__(self, detector: SpeechDetector) -> None:
        self.frame_samples = detector.frame_samples
        self.initial_state = detector.initial_state
        self.probabilities: list[float] = []
        self._detector = detector

    def detect(
        self, batch: Sequence[tuple[SpeechState, Frames]]
    ) -> list[tuple[SpeechState, npt.NDArray[np.float32]]]:
        """Return per session its new state and the probabilities of its frames."""
        results = self._detector.detect(batch)
        for _, found in results:
            self.probabilities += found.tolist()
        return results


def run_session(
    samples: Samples, preset: Preset, recogniser: Recogniser, detector: SpeechDetector
) -> tuple[list[EndedTurn], list[float]]:
    """Run a session over samples, shape (n,), float32, 16 kHz.

    Returns:
        Its finished turns, and the speech probabilities of its frames.
    """
    options = SessionOptions(
        sample_rate=_RATE_HZ,
        partials=False,
        commit_words=True,
        min_silence_ms=preset.min_ms,
        max_silence_ms=preset.max_ms,
        end_of_turn_threshold=preset.threshold,
    )
    session = SessionMachine("measured", options, _LIMITS, now=0.0, unix_now=0.0)
    recording = _RecordingDetector(detector)
    pump = Pump(session, recogniser, recording)
    turns: list[EndedTurn] = []
    pcm = (np.clip(samples, -1, 1) * 32_767).astype("<i2")
    for at in range(0, len(pcm) + _CHUNK, _CHUNK):
        chunk = pcm[at : at + _CHUNK]
        session.receive(Audio(chunk.tobytes()) if len(chunk) else Terminate(), 0.0)
        pump.run()
        processed_s = len(recording.probabilities) * detector.frame_samples / _RATE_HZ
        turns += [
            EndedTurn(processed_s, " ".join(word.text for word in event.words))
            for event in session.take_events()
            if isinstance(event, TurnUpdated) and event.ended
        ]
    return turns, recording.probabilities


def _items(clips: Iterable[Clip], every: int) -> Iterator[tuple[str, str | None, Samples]]:
    """Yield per item its set, its written form and its samples."""
    for clip in clips:
        if clip.derived and clip.kind != "digits":
            continue
        samples = to_model_rate(load_pcm(clip), clip.sample_rate)
        written = clip.text if clip.kind in _SENTENCES else clip.text_written
        if clip.kind in _KINDS:
            yield clip.kind, written, samples
        if written is not None:
            for made in _made(clip, samples, every):
                yield made.kind, written, made.samples


def _made(clip: Clip, samples: Samples, every: int) -> Iterator[HesitantClip]:
    chosen = int(hashlib.blake2b(clip.id.encode(), digest_size=4).hexdigest(), 16) % every == 0
    for made in hesitant_clips(clip, samples):
        if chosen or clip.kind == "digits" or made.kind == "letters":
            yield made


def _seconds(values: Sequence[float]) -> str:
    if len(values) < 2:  # noqa: PLR2004 - what quantiles need
        return "-"
    cuts = quantiles(values, n=20, method="inclusive")
    return f"{cuts[9]:.2f} / {cuts[14]:.2f} / {cuts[17]:.2f}"


def _row(variant: str, preset: Preset, name: str, found: Endings) -> str:
    rate = found.cuts_per_10_minutes
    cuts = "-" if rate is None else f"{found.cuts} ({rate:.1f})"
    cut_items = f"{found.cut_items} / {found.items}" if found.items else "-"
    return f"| {preset.name} | {variant} | {name} | {cuts} | {cut_items} | {_seconds(found.delays_s)} |\n"


def _variants(turn_model: str) -> dict[str, Recogniser]:
    """Return the recognisers to compare, by the name of their confidence."""
    by_words = _CachingRecogniser(load_recogniser(turn_model="none"))
    variants: dict[str, Recogniser] = {"words and voice": by_words}
    detector = load_turn_detector(turn_model)
    if detector is not None:
        variants[f"and {detector.name}"] = TurnAwareRecogniser(by_words, detector)
    return variants


def _measure(arguments: argparse.Namespace) -> None:
    detector = load_detector()
    variants = _variants(arguments.turn_model)
    clips = [
        clip
        for clip in read_manifest(folder_or_default(arguments.folder))
        if not arguments.kind or clip.kind in arguments.kind
    ]
    sys.stdout.write(_HEAD)
    for preset in PRESETS:
        if arguments.preset and preset.name not in arguments.preset:
            continue
        found: dict[tuple[str, str], Endings] = {}
        tail = np.zeros(round((preset.max_ms / 1_000 + 0.5) * _RATE_HZ), dtype=np.float32)
        for name, written, samples in _items(clips, arguments.every):
            for variant, recogniser in variants.items():
                audio = np.concatenate([samples, tail])
                turns, probabilities = run_session(audio, preset, recogniser, detector)
                spans = speech_spans(probabilities, detector.frame_samples / _RATE_HZ)
                ending = count_endings(turns, spans, written, preset.max_ms / 1_000)
                found.setdefault((variant, name), Endings()).add(ending, len(samples) / _RATE_HZ)
        for variant, name in sorted(found):
            sys.stdout.write(_row(variant, preset, name, found[variant, name]))
            sys.stdout.flush()


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.turn_ends_table",
        description="False cuts and delays of every preset, as a Markdown table.",
    )
    add = parser.add_argument
    add("folder", type=Path, nargs="?", help="recordings with manifest.jsonl (default: the evaluation set)")
    add("--turn-model", default="auto", help="auto, none, or the file of smart-turn")
    add("--preset", choices=[each.name for each in PRESETS], action="append", help="only this; repeatable")
    add("--every", type=int, default=4, metavar="N", help="insert pauses into every N-th recording only")
    add("--kind", action="append", help="only recordings of this kind; repeatable")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: _measure(arguments))


if __name__ == "__main__":
    sys.exit(main())
