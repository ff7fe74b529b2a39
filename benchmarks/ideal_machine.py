"""What the words would be like on an infinitely fast machine, and what they cost on this one.

    python -m benchmarks.ideal_machine [FOLDER] [--kind read] [--every 4] [--protocol v3]

Recordings go through protocol, session and models in this process (`benchmarks.in_process`), where a pass
takes no time on the session's clock. So word error rate, unstable words and latencies do not depend on how
fast or busy the machine is, and a change of them is a change of the engine. The cost is measured: passes, and
seconds of one core for a second of audio.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.in_process import PROTOCOLS, TAIL_S, ObservedRecogniser, Recognition
from benchmarks.script import add_recording_options, exit_code_of, named_recordings
from benchmarks.words_kept import turn_messages
from vivavoce.asr.models import load_detector, load_recogniser
from vivavoce.bench.audio import load_pcm
from vivavoce.bench.client_dialects import client_dialect
from vivavoce.bench.figures import figures
from vivavoce.bench.loads import short
from vivavoce.bench.records import Trace
from vivavoce.errors import ConfigurationError
from vivavoce.model_files import choose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.models import Recogniser, SpeechDetector
    from vivavoce.bench.figures import Figures
    from vivavoce.bench.options import ProtocolName
    from vivavoce.bench.records import Clip

__all__ = ["Cost", "main", "measure"]

_HEAD = (
    "| protocol | WER % | unstable words | word emission p50 / p95 (s) | final p50 / p95 (s) "
    "| partial passes a s | whole passes a s | core a stream |\n|---|---:|---:|---:|---:|---:|---:|---:|\n"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """What recordings cost.

    Attributes:
        audio_s: Their length, in seconds, silence at the end included.
        partial_passes: Passes over unfinished utterances.
        whole_passes: Passes over whole utterances and cuts.
        core_s: Seconds of one core.
    """

    audio_s: float
    partial_passes: int
    whole_passes: int
    core_s: float


def measure(
    clips: Sequence[Clip],
    protocol: ProtocolName,
    recogniser: Recogniser,
    detector: SpeechDetector,
    reviser: Recogniser | None = None,
) -> tuple[Figures, Cost]:
    """Stream recordings, one after another.

    Args:
        clips: The recordings.
        protocol: How client and server speak.
        recogniser: Decodes the passes.
        detector: Detects speech.
        reviser: A better recogniser of finals; None: there is none.
    """
    passes: Counter[bool] = Counter()  # by whether they are over whole utterances
    counting = ObservedRecogniser(recogniser, lambda span, _: passes.update([span.exact]))
    recognition = Recognition(counting, detector, reviser)
    traces = []
    began_s = time.process_time()
    for clip in clips:
        pcm = load_pcm(clip)
        messages = turn_messages(pcm, clip.sample_rate, protocol, recognition)
        sent_s = clip.duration_s + TAIL_S
        traces.append(Trace(tuple(messages), sent_s, terminated_s=sent_s, closed_s=sent_s))
    core_s = time.process_time() - began_s
    client = client_dialect(protocol)
    client.query(clips[0].sample_rate)
    found = figures(list(zip(short(clips), traces, strict=True)), client.rule())
    audio_s = sum(trace.sent_s for trace in traces)
    return found, Cost(audio_s, passes[False], passes[True], core_s)


def _row(protocol: str, found: Figures, cost: Cost) -> str:
    spreads = [
        "none" if each is None else f"{each.p50:.3f} / {each.p95:.3f}"
        for each in (found.emission_s, found.final_s)
    ]
    upwr = "none" if found.upwr is None else f"{found.upwr:.3f}"
    wer = "none" if found.wer_percent is None else f"{found.wer_percent:.2f}"
    per_s = [f"{n / cost.audio_s:.2f}" for n in (cost.partial_passes, cost.whole_passes)]
    core = f"{cost.core_s / cost.audio_s:.4f}"
    return "| " + " | ".join([protocol, wer, upwr, *spreads, *per_s, core]) + " |\n"


def _measure(arguments: argparse.Namespace) -> None:
    clips = named_recordings(arguments)
    if not clips:
        raise ConfigurationError("no recording is of these kinds")
    recogniser, detector = load_recogniser(), load_detector()
    reviser = None
    if arguments.final_model is not None:
        chosen = choose(arguments.final_model)
        reviser = load_recogniser(chosen.family, chosen.folder, turn_model="none")
    protocols = arguments.protocol or PROTOCOLS
    results = {name: measure(clips, name, recogniser, detector, reviser) for name in protocols}
    sys.stdout.write(_HEAD + "".join(_row(name, *each) for name, each in results.items()))
    if arguments.json is not None:
        content = {
            name: {**dataclasses.asdict(found), "cost": dataclasses.asdict(cost)}
            for name, (found, cost) in results.items()
        }
        arguments.json.write_text(json.dumps(content, indent=1) + "\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ideal_machine",
        description="Words on an infinitely fast machine, and what they cost on this one. A Markdown table.",
    )
    add_recording_options(parser)
    parser.add_argument("--protocol", choices=PROTOCOLS, action="append", help="only this protocol")
    parser.add_argument("--final-model", metavar="FOLDER", help="a better model for finals")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: _measure(arguments))


if __name__ == "__main__":
    sys.exit(main())
