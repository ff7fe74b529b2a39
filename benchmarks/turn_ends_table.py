"""``python -m benchmarks.turn_ends_table``: false cuts and delays of every preset, as a table in Markdown.

Recordings go through the session machine as fast as it takes them: only audio is counted, no clock. Partials
are off, so that passes are made in pauses only.
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

from benchmarks.hesitant_speech import Halting, halting
from benchmarks.turn_ends import EndedTurn, Endings, count_endings, speech_spans
from vivavoce.asr.models import load_detector, load_recogniser, load_turn_detector
from vivavoce.asr.models.smart_turn import TurnAwareRecogniser
from vivavoce.asr.session import SessionMachine
from vivavoce.bench.corpus import find_eval, load_pcm, read_manifest
from vivavoce.bench.offline import to_model_rate
from vivavoce.protocol.events import Audio, SessionLimits, SessionOptions, Terminate, TurnUpdated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from vivavoce.asr.audio import Samples
    from vivavoce.asr.models import Hypothesis, Recogniser, Span, SpeechDetector
    from vivavoce.bench.model import Clip

__all__ = ["PRESETS", "Preset", "listen", "main"]

_RATE_HZ: Final = 16_000
_CHUNK: Final = 512
_LIMITS: Final = SessionLimits(
    min_chunk_ms=0, max_chunk_ms=60_000, max_lead_s=None, idle_s=None, max_session_s=1e9
)
_KINDS: Final = ("read", "accented-read", "telephone-prompt", "command-keywords")
_SENTENCES: Final = frozenset({"accented-read"})
"""Kinds whose recordings are a sentence each."""
_HEAD: Final = (
    "| preset | confidence by | set | cuts (in 10 minutes) | items with a cut | delay p50 / p75 / p90, s |\n"
    "|---|---|---|---:|---:|---:|\n"
)


@dataclass(frozen=True, slots=True)
class Preset:
    """Three numbers of the protocol.

    Attributes:
        name: For people.
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


class _Remembering:
    """Recognises no span twice: a settled one gives the same whatever its draft."""

    def __init__(self, recogniser: Recogniser) -> None:
        self.name = recogniser.name
        self.max_batch = recogniser.max_batch
        self.step_samples = recogniser.step_samples
        self._recogniser = recogniser
        self._known: dict[object, Hypothesis] = {}

    def recognise(self, spans: Sequence[Span]) -> list[Hypothesis]:
        """One hypothesis per span."""
        return [self._one(span) for span in spans]

    def _one(self, span: Span) -> Hypothesis:
        key = (hashlib.blake2b(span.samples.tobytes()).digest(), span.prefix, span.exact)
        if key not in self._known:
            self._known[key] = self._recogniser.recognise([span])[0]
        return self._known[key]


def listen(
    samples: Samples, preset: Preset, recogniser: Recogniser, detector: SpeechDetector
) -> tuple[list[EndedTurn], list[float]]:
    """Play samples, shape (n,), float32, 16 kHz, to a session.

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
    state = detector.initial_state()
    turns: list[EndedTurn] = []
    probabilities: list[float] = []
    pcm = (np.clip(samples, -1, 1) * 32_767).astype("<i2")
    for at in range(0, len(pcm) + _CHUNK, _CHUNK):
        chunk = pcm[at : at + _CHUNK]
        session.receive(Audio(chunk.tobytes()) if len(chunk) else Terminate(), 0.0)
        while True:
            frames = session.take_frames()
            request = session.next_pass()
            if frames is None and request is None:
                break
            if frames is not None:
                [(state, found)] = detector.detect([(state, frames)])
                probabilities += found.tolist()
                session.apply_probabilities(found)
            elif request is not None:
                span = session.begin_pass(request)
                session.apply_hypothesis(request, recogniser.recognise([span])[0])
        heard_s = len(probabilities) * detector.frame_samples / _RATE_HZ
        turns += [
            EndedTurn(heard_s, " ".join(word.text for word in event.words))
            for event in session.take_events()
            if isinstance(event, TurnUpdated) and event.ended
        ]
    return turns, probabilities


def _items(clips: Iterable[Clip], every: int) -> Iterator[tuple[str, str | None, Samples]]:
    """Per item its set, its written form and its samples."""
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


def _made(clip: Clip, samples: Samples, every: int) -> Iterator[Halting]:
    chosen = int(hashlib.blake2b(clip.id.encode(), digest_size=4).hexdigest(), 16) % every == 0
    for made in halting(clip, samples):
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


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.turn_ends_table", description=__doc__)
    parser.add_argument(
        "folder", type=Path, nargs="?", default=find_eval(), help="recordings with a manifest"
    )
    parser.add_argument("--turn-model", default="auto", help="auto, none, or the file of smart-turn")
    parser.add_argument("--preset", choices=[it.name for it in PRESETS], action="append", help="only these")
    parser.add_argument("--every", type=int, default=4, help="of added pauses, one recording in so many")
    parser.add_argument("--kind", action="append", help="only recordings of these kinds")
    asked = parser.parse_args(argv)
    if asked.folder is None:
        parser.error("no folder of recordings: name one, or set VIVAVOCE_EVAL")
    detector = load_detector()
    by_words = _Remembering(load_recogniser(turn_model="none"))
    variants: dict[str, Recogniser] = {"words and voice": by_words}
    turn_model = load_turn_detector(asked.turn_model)
    if turn_model is not None:
        variants[f"and {turn_model.name}"] = TurnAwareRecogniser(by_words, turn_model)
    clips = [clip for clip in read_manifest(asked.folder) if not asked.kind or clip.kind in asked.kind]
    sys.stdout.write(_HEAD)
    for preset in PRESETS:
        if asked.preset and preset.name not in asked.preset:
            continue
        found: dict[tuple[str, str], Endings] = {}
        for name, written, samples in _items(clips, asked.every):
            tail = np.zeros(round((preset.max_ms / 1_000 + 0.5) * _RATE_HZ), dtype=np.float32)
            for variant, recogniser in variants.items():
                turns, probabilities = listen(np.concatenate([samples, tail]), preset, recogniser, detector)
                spans = speech_spans(probabilities, detector.frame_samples / _RATE_HZ)
                ending = count_endings(turns, spans, written, preset.max_ms / 1_000)
                found.setdefault((variant, name), Endings()).add(ending, len(samples) / _RATE_HZ)
        for variant, name in sorted(found):
            sys.stdout.write(_row(variant, preset, name, found[variant, name]))
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
