"""A Whisper model in sessions, against one pass over each recording: word errors, languages, cost.

    python -m benchmarks.whisper_streaming MODEL [FOLDER] [--kind read] [--language en] [--cadence-ms 640]

MODEL is the folder of a model in CTranslate2's format. Recordings go through protocol, session and models in
this process (`benchmarks.in_process`), so the words do not depend on how fast or busy the machine is.

Where the transcript of a recording is unknown, that of one pass takes its place: then the word error rate of
streaming says how often both disagree, and bounds what streaming can cost. A kind that ends in the code of a
language, such as ``read-de``, is recognised in that language, unless ``--language`` says another or ``auto``.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.in_process import PROTOCOLS, TAIL_S, ObservedRecogniser, Recognition
from benchmarks.script import add_recording_options, exit_code_of, named_recordings
from benchmarks.words_kept import turn_messages
from vivavoce.asr.models import Span, load_detector, recognise
from vivavoce.asr.models.whisper.recogniser import EXACT_PADDING, PARTIAL_PADDING, Padding, WhisperRecogniser
from vivavoce.asr.session import Tuning
from vivavoce.bench.audio import load_pcm, to_model_rate
from vivavoce.bench.client_dialects import client_dialect
from vivavoce.bench.figures import Errors, figures, word_errors
from vivavoce.bench.loads import short
from vivavoce.bench.records import Trace
from vivavoce.bench.requirements import require
from vivavoce.errors import ConfigurationError
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from vivavoce.asr.audio import Samples
    from vivavoce.asr.models import SpeechDetector
    from vivavoce.bench.figures import Figures
    from vivavoce.bench.options import ProtocolName
    from vivavoce.bench.records import Clip

__all__ = ["Streamed", "detected_languages", "errors_of", "main", "speech_opening", "streamed"]

_HEAD: Final = (
    "| kind | language | recordings | s | words | one pass % | streamed % | difference | streamed differs % "
    "| unstable words | word emission p50 / p95 (s) | partial passes a s | core a stream |\n"
    f"|---|---|{'---:|' * 11}\n"
)
_WITHOUT_SPACES: Final = ("zh", "ja", "th", "yue")
_TRAINED: Final = (0.0, 30.0)  # padding as in training, for the pass over a whole recording
_SPEECH: Final = 0.5  # probability from which on a frame is speech
_HEARD_S: Final = 3.0  # speech in which a language must be recognised


@dataclass(frozen=True, slots=True)
class Streamed:
    """Recordings that went through sessions.

    Attributes:
        texts: Final text by the id of the recording.
        found: All figures, by the English normaliser.
        audio_s: Their length in seconds, silence at the end included.
        partial_passes: Passes over unfinished utterances.
        core_s: Seconds of one core.
    """

    texts: Mapping[str, str]
    found: Figures
    audio_s: float
    partial_passes: int
    core_s: float


def streamed(
    clips: Sequence[Clip],
    protocol: ProtocolName,
    recogniser: WhisperRecogniser,
    detector: SpeechDetector,
    tuning: Tuning,
) -> Streamed:
    """Stream recordings, one after another."""
    passes: Counter[bool] = Counter()  # by whether they are over whole utterances
    counting = ObservedRecogniser(recogniser, lambda span, _: passes.update([span.exact]))
    recognition = Recognition(counting, detector, tuning=tuning)
    texts, traces = {}, []
    began_s = time.process_time()
    for clip in clips:
        messages = turn_messages(load_pcm(clip), clip.sample_rate, protocol, recognition)
        # Of a turn that ended twice, plain and then formatted, the second end counts.
        finals = {message.turn: message.words for message in messages if message.ended}
        texts[clip.id] = " ".join(word.text for words in finals.values() for word in words)
        sent_s = clip.duration_s + TAIL_S
        traces.append(Trace(tuple(messages), sent_s, terminated_s=sent_s, closed_s=sent_s))
    core_s = time.process_time() - began_s
    client = client_dialect(protocol)
    client.query(clips[0].sample_rate)
    found = figures(list(zip(short(clips), traces, strict=True)), client.rule())
    return Streamed(texts, found, sum(trace.sent_s for trace in traces), passes[False], core_s)


def errors_of(pairs: Iterable[tuple[str, str]], language: str | None) -> Errors:
    """Word errors of (reference, hypothesis) pairs; of characters in languages without spaces."""
    if language in {None, "en"}:
        return word_errors(pairs)
    normalise = _normaliser(language)
    compared = [(normalise(said), normalise(recognised)) for said, recognised in pairs]
    compared = [pair for pair in compared if pair[0]]
    if not compared:
        return Errors(0, 0)
    output = require("jiwer").process_words(*map(list, zip(*compared, strict=True)))
    missed = int(output.substitutions + output.deletions)
    return Errors(missed + int(output.insertions), missed + int(output.hits))


def _normaliser(language: str | None) -> Callable[[str], str]:
    basic = require("whisper_normalizer.basic").BasicTextNormalizer()

    def normalise(text: str) -> str:
        plain = str(basic(text))
        return " ".join("".join(plain.split())) if language in _WITHOUT_SPACES else plain

    return normalise


def speech_opening(samples: Samples, detector: SpeechDetector) -> Samples:
    """Three seconds of audio from the first frame of speech on; less where it ends before.

    Args:
        samples: Shape (n,), float32, 16 kHz.
        detector: Detects speech.
    """
    size = detector.frame_samples
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    [(_, probabilities)] = detector.detect([(detector.initial_state(), frames)])
    speech = np.flatnonzero(probabilities >= _SPEECH)
    start = int(speech[0]) * size if len(speech) else 0
    return samples[start : start + round(_HEARD_S * MODEL_RATE_HZ)]


def detected_languages(
    clips: Sequence[Clip], recogniser: WhisperRecogniser, detector: SpeechDetector
) -> list[tuple[Clip, str | None, float]]:
    """Return each recording with the language of its first seconds of speech, and the probability."""
    found = []
    for clip in clips:
        opening = speech_opening(to_model_rate(load_pcm(clip), clip.sample_rate), detector)
        [heard] = recognise(recogniser, [Span(opening)])
        found.append((clip, heard.language, heard.language_probability or 0.0))
    return found


def _language_of(kind: str, recogniser: WhisperRecogniser) -> str | None:
    code = kind.rpartition("-")[2]
    return code if code in recogniser.runtime.vocabulary.languages else None


def _row(
    clips: Sequence[Clip],
    protocol: ProtocolName,
    recogniser: WhisperRecogniser,
    trained: WhisperRecogniser,
    tuning: Tuning,
) -> str:
    at_once = {}
    for clip in clips:
        span = Span(to_model_rate(load_pcm(clip), clip.sample_rate), exact=True)
        at_once[clip.id] = recognise(trained, [span])[0].text
    result = streamed(clips, protocol, recogniser, load_detector(), tuning)
    language = recogniser.language
    said = {clip.id: clip.text for clip in clips if clip.text}
    cells = [clips[0].kind, language or "", str(len(clips)), f"{sum(clip.duration_s for clip in clips):.0f}"]
    if said:
        one = errors_of([(text, at_once[each]) for each, text in said.items()], language)
        many = errors_of([(text, result.texts[each]) for each, text in said.items()], language)
        both = [each.percent or 0.0 for each in (one, many)]
        cells += [str(one.words), *(f"{each:.2f}" for each in (*both, both[1] - both[0]))]
    else:
        cells += [str(sum(len(text.split()) for text in at_once.values())), "", "", ""]
    apart = errors_of([(text, result.texts[each]) for each, text in at_once.items()], language)
    cells += ["none" if apart.percent is None else f"{apart.percent:.2f}"]
    emission = result.found.emission_s
    cells += ["" if result.found.upwr is None else f"{result.found.upwr:.3f}"]
    cells += ["" if emission is None else f"{emission.p50:.2f} / {emission.p95:.2f}"]
    cells += [f"{result.partial_passes / result.audio_s:.2f}", f"{result.core_s / result.audio_s:.3f}"]
    return "| " + " | ".join(cells) + " |\n"


def _measure(arguments: argparse.Namespace) -> None:
    clips = named_recordings(arguments)
    if not clips:
        raise ConfigurationError("no recording is of these kinds")

    def opened(language: str | None, *paddings: Sequence[float]) -> WhisperRecogniser:
        exact, partial = (Padding(*each) for each in paddings or (_TRAINED, _TRAINED))
        return WhisperRecogniser(
            arguments.model, workers=1, language=language, padding=exact, partial_padding=partial
        )

    first = opened(None, arguments.padding, arguments.partial_padding)
    if arguments.detect:
        _print_languages(clips, first)
        return
    sys.stdout.write(_HEAD)
    tuning = Tuning(cadence_ms=arguments.cadence_ms, opening_cadence_ms=arguments.opening_cadence_ms)
    for kind in dict.fromkeys(clip.kind for clip in clips):
        language = arguments.language or _language_of(kind, first)
        if language == "auto" or not first.runtime.is_multilingual:
            language = None
        chosen = [clip for clip in clips if clip.kind == kind]
        used = opened(language, arguments.padding, arguments.partial_padding)
        sys.stdout.write(_row(chosen, arguments.protocol, used, opened(language), tuning))
        sys.stdout.flush()


def _print_languages(clips: Sequence[Clip], recogniser: WhisperRecogniser) -> None:
    found = detected_languages(clips, recogniser, load_detector())
    by_language: dict[str, list[bool]] = {}
    for clip, heard, probability in found:
        expected = _language_of(clip.kind, recogniser) or "en"
        by_language.setdefault(expected, []).append(heard == expected)
        if heard != expected:
            sys.stdout.write(f"{clip.id}: heard {heard} ({probability:.2f})\n")
    sys.stdout.write("\n| language | recordings | detected % |\n|---|---:|---:|\n")
    for language, right in by_language.items():
        sys.stdout.write(f"| {language} | {len(right)} | {100 * sum(right) / len(right):.0f} |\n")
    shares = [sum(right) / len(right) for right in by_language.values()]
    sys.stdout.write(f"| mean of languages | {len(found)} | {100 * sum(shares) / len(shares):.1f} |\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.whisper_streaming",
        description="A Whisper model in sessions, against one pass over each recording. A Markdown table.",
    )
    add = parser.add_argument
    add("model", type=Path, help="folder of a Whisper model in CTranslate2's format")
    add_recording_options(parser)
    add("--protocol", choices=PROTOCOLS, default="v3")
    add("--language", help="of all recordings; auto: detected in each pass (default: from the kind)")
    add("--cadence-ms", type=int, default=Tuning().cadence_ms, help="between two partial passes")
    add("--opening-cadence-ms", type=int, default=Tuning().opening_cadence_ms, help="in the first second")
    for name, default in (("--padding", EXACT_PADDING), ("--partial-padding", PARTIAL_PADDING)):
        seconds = (default.least_s, default.shortest_s)
        add(name, type=float, nargs=2, default=seconds, metavar=("LEAST", "SHORTEST"), help="in seconds")
    add("--detect", action="store_true", help="only detect the language of three seconds of speech")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: _measure(arguments))


if __name__ == "__main__":
    sys.exit(main())
