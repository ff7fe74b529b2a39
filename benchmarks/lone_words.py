"""Are single words shown, said alone, loudly and quietly? And does noise still give none?

    python -m benchmarks.lone_words [FOLDER] [--protocol v2]

Recordings of the kind ``digits`` are cut at their silent gaps, so that each digit is a session of its own in
a quiet room. Recordings without speech are played from three starting points. Both at four levels.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.in_process import PROTOCOLS, ObservedRecogniser, Recognition
from benchmarks.script import exit_code_of
from benchmarks.words_kept import turn_messages
from vivavoce.asr.models import load_detector, load_recogniser
from vivavoce.bench.audio import load_pcm
from vivavoce.bench.corpus import folder_or_default, read_manifest
from vivavoce.bench.figures import word_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vivavoce.asr.models import Hypothesis, Recogniser, Span, SpeechDetector
    from vivavoce.bench.audio import Pcm
    from vivavoce.bench.options import ProtocolName
    from vivavoce.bench.records import Clip

__all__ = ["Counts", "count", "cut_at_silence", "main"]

LEVELS_DB: Final = (0, -10, -20, -30)
_STARTS: Final = (0.0, 0.37, 0.73)
_LEAD_S: Final = 0.7
_ROOM: Final = 3.0  # noise of a quiet room, in steps of 16 bits
_GAP_S: Final = 0.06
_AUDIBLE: Final = 12  # in the same steps
_PEAK: Final = 16_000

_HEAD: Final = (
    "| level (dB) | words | the model is right | of these shown | shown otherwise | words on non-speech |\n"
    "|---:|---:|---:|---:|---:|---:|\n"
)


@dataclass(slots=True)
class Counts:
    """What became of recordings at one level.

    Attributes:
        said: Words said alone.
        right: Of these, recognised by the model.
        shown: Of these, in the transcript.
        shown_other: Words said alone that are in the transcript as something else.
        invented: Words in the transcript of recordings without speech.
    """

    said: int = 0
    right: int = 0
    shown: int = 0
    shown_other: int = 0
    invented: int = 0


def cut_at_silence(pcm: Pcm, rate: int) -> Iterator[Pcm]:
    """Yield what is between silent gaps.

    Args:
        pcm: Shape (n,), int16.
        rate: In Hz.
    """
    loud = np.flatnonzero(np.abs(pcm) > _AUDIBLE)
    if not len(loud):
        return
    edges = np.flatnonzero(np.diff(loud) > _GAP_S * rate)
    for part in np.split(loud, edges + 1):
        yield pcm[part[0] : part[-1] + 1]


def _at_level(pcm: Pcm, rate: int, level_db: float, seed: int) -> Pcm:
    """The same at a level, after some silence, in a quiet room."""
    loudest = max(1, int(np.abs(pcm).max(initial=0)))
    scaled = pcm * (_PEAK / loudest * 10 ** (level_db / 20))
    lead = np.zeros(round(_LEAD_S * rate))
    whole = np.concatenate([lead, scaled, lead])
    room = _ROOM * np.random.default_rng(seed).standard_normal(len(whole))
    return np.clip(whole + room, -32_768, 32_767).astype(np.int16)


def count(
    clips: Sequence[Clip],
    level_db: float,
    protocol: ProtocolName,
    recogniser: Recogniser,
    detector: SpeechDetector,
) -> Counts:
    """Stream every word, and everything without speech, through a session of its own.

    Args:
        clips: The recordings; only those of digits and those without speech count.
        level_db: Of the loudest sample, against half of full scale.
        protocol: How client and server speak.
        recogniser: Decodes the passes.
        detector: Detects speech.
    """
    counts = Counts()
    recognised = ""  # what the model made of the last whole utterance

    def look(span: Span, hypothesis: Hypothesis) -> None:
        nonlocal recognised
        if span.exact:
            recognised = hypothesis.text

    recognition = Recognition(ObservedRecogniser(recogniser, look), detector)

    def transcribe(pcm: Pcm, rate: int, seed: int) -> str:
        nonlocal recognised
        recognised = ""
        audio = _at_level(pcm, rate, level_db, seed)
        messages = turn_messages(audio, rate, protocol, recognition)
        return " ".join(word.text for message in messages if message.ended for word in message.words)

    for number, clip in enumerate(clips):
        pcm, rate = load_pcm(clip), clip.sample_rate
        if clip.kind == "digits" and clip.text:
            parts, said = list(cut_at_silence(pcm, rate)), clip.text.split()
            if len(parts) != len(said):
                continue
            for part, word in zip(parts, said, strict=True):
                shown = transcribe(part, rate, number)
                counts.said += 1
                if _is_same(word, recognised):
                    counts.right += 1
                    counts.shown += _is_same(word, shown)
                counts.shown_other += bool(shown) and not _is_same(word, shown)
        elif clip.text == "":
            for start in _STARTS:
                text = transcribe(pcm[round(start * len(pcm)) :], rate, number)
                counts.invented += len(text.split())
    return counts


def _is_same(word: str, text: str) -> bool:
    return word_errors([(word, text)]).percent == 0


def _measure(arguments: argparse.Namespace) -> None:
    clips = [
        clip
        for clip in read_manifest(folder_or_default(arguments.folder))
        if clip.kind == "digits" or clip.text == ""
    ]
    models = load_recogniser(), load_detector()
    sys.stdout.write(_HEAD)
    for level_db in LEVELS_DB:
        found = count(clips, level_db, arguments.protocol, *models)
        share = f"{found.shown} ({100 * found.shown / max(1, found.right):.0f} %)"
        row = (level_db, found.said, found.right, share, found.shown_other, found.invented)
        sys.stdout.write(f"| {' | '.join(map(str, row))} |\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.lone_words",
        description="Single words said alone, and non-speech, at four levels. A Markdown table.",
    )
    add = parser.add_argument
    add("folder", type=Path, nargs="?", help="recordings with manifest.jsonl (default: the evaluation set)")
    add("--protocol", choices=PROTOCOLS, default="v2")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: _measure(arguments))


if __name__ == "__main__":
    sys.exit(main())
