"""How many streams a server holds with Moonshine streaming, by speed alone: its weights are random.

The server, its sessions, the clients and the recordings are those of ``vivavoce bench --find-streams``. The
model does all of its work for each pass, but the text is forced: a token every 0.3 s of speech, of which the
newest two are written step by step. So word error rate means nothing, and the latency of a word is counted
from the time at which the server says it ended.

Run ``python -m benchmarks.streaming_held [--size tiny] [--load short] [--streams 64]``; ``--size default``
measures the default model, whose text is its own, by the same rule.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import itertools
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks.random_models import write_model
from benchmarks.script import add_recording_options, exit_code_of, named_recordings
from benchmarks.streaming_speed import (
    NEVER,
    NO_MORE_S,
    SIZES,
    TOKENS_PER_SECOND,
    TWO_MORE_S,
    forced_tokens,
)
from vivavoce.asr.engine import Engine, tuning_of
from vivavoce.asr.models import Hypothesis, HypothesisWord
from vivavoce.asr.models.moonshine.span_batch import SpanBatch
from vivavoce.asr.models.moonshine_streaming import MoonshineStreamingRecogniser
from vivavoce.bench.capacity import largest_held, trial_sessions
from vivavoce.bench.figures import is_held, spread
from vivavoce.bench.loads import scripts
from vivavoce.bench.measure import stream
from vivavoce.bench.options import Options
from vivavoce.bench.server_process import start_server
from vivavoce.bench.systems import running
from vivavoce.server import ServerOptions
from vivavoce.server.run import make_server
from vivavoce.server.sockets import listen
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vivavoce.asr.audio import Samples
    from vivavoce.asr.models import RunningBatch, Span
    from vivavoce.asr.models.moonshine.greedy import Decoded, Job
    from vivavoce.bench.figures import Figures, Spread
    from vivavoce.bench.records import Clip, Trace

__all__ = ["ForcedText", "main", "spoken_s", "word_latency"]

_STREAMING: Final = ("tiny", "small")
_FIRST_TRIAL: Final = 8
_QUIET: Final = 0.15  # of the power of loud frames, as a root: what is behind the last louder one is noise
_FRAME: Final = 320  # samples
_NEW_TOKENS: Final = 2


class ForcedText:
    """Moonshine streaming whose text depends on the length of the speech only; a `Recogniser`."""

    max_batch = MoonshineStreamingRecogniser.max_batch
    max_workers = MoonshineStreamingRecogniser.max_workers
    joins_running = MoonshineStreamingRecogniser.joins_running
    partial_cadence_ms = MoonshineStreamingRecogniser.partial_cadence_ms

    def __init__(self, folder: Path) -> None:
        """Open a model; see `MoonshineStreamingRecogniser`."""
        self._inner: Final = MoonshineStreamingRecogniser(folder)
        self.name: Final = f"{self._inner.name}, forced"
        self.step_samples: Final = self._inner.step_samples

    def open_batch(self) -> RunningBatch:
        """An empty batch."""
        return SpanBatch(self.name, self._inner.decoder, self._begin, self._finish)

    def _begin(self, span: Span) -> tuple[Job, tuple[Span, int, Any]]:
        n = max(len(span.prefix), int(spoken_s(span.samples) * TOKENS_PER_SECOND))
        verified = n if span.exact else max(0, n - _NEW_TOKENS)
        forced = dataclasses.replace(
            span,
            prefix=forced_tokens(verified),
            draft=(),
            terms=(),
            fresh_s=NO_MORE_S if span.exact else TWO_MORE_S,
        )
        job, state = self._inner.begin(forced)
        return dataclasses.replace(job, end=NEVER), (forced, n, state)

    def _finish(self, span: Span, decoded: Decoded, taken: tuple[Span, int, Any]) -> Hypothesis:
        forced, n, state = taken
        memory = self._inner.finish(forced, decoded, state).memory
        seconds = spoken_s(span.samples)
        edges = np.minimum(np.arange(n + 1) / TOKENS_PER_SECOND, seconds).tolist()
        words = tuple(
            HypothesisWord(f"word{index}", start_s, end_s, 0.95, 1)
            for index, (start_s, end_s) in enumerate(itertools.pairwise(edges))
        )
        tokens = span.prefix + forced_tokens(n)[len(span.prefix) :]
        return Hypothesis(tokens, words, 0.95, memory)


def spoken_s(samples: Samples) -> float:
    """The end of the speech in samples, in seconds.

    Args:
        samples: Shape (n,), float32, 16 kHz.
    """
    n = len(samples) // _FRAME
    if not n:
        return 0.0
    loudness = np.sqrt(np.square(samples[: n * _FRAME]).reshape(n, _FRAME).mean(axis=1))
    loud = np.flatnonzero(loudness > _QUIET * np.percentile(loudness, 95))
    return (int(loud[-1]) + 1) * _FRAME / MODEL_RATE_HZ if len(loud) else 0.0


def word_latency(traces: Sequence[Trace]) -> Spread | None:
    """From the end of a word, as the server times it, to the first message with a word at its place."""
    waits: list[float] = []
    for trace in traces:
        shown: dict[int, int] = {}
        for message in trace.messages:
            new = message.words[shown.get(message.turn, 0) :]
            waits += [message.arrival_s - word.end_ms / 1000 for word in new if word.end_ms is not None]
            shown[message.turn] = max(shown.get(message.turn, 0), len(message.words))
    return spread(waits)


def _serve(folder: Path, host: str, port: int) -> None:
    """Serve a model until a signal comes."""
    options = ServerOptions(host=host, port=port, turn_model="none", limit_bursts=False)
    server = make_server(
        options,
        engine=lambda _model: Engine(
            recogniser=lambda: ForcedText(folder), tuning=tuning_of("moonshine-streaming")
        ),
        stops_with_engine=True,
    )
    asyncio.run(server.serve(sockets=listen(host, port)))


@contextlib.contextmanager
def _started(size: str) -> Iterator[tuple[str, int]]:
    """Run a server with a model of this size; gives its address and process."""
    if size == "default":
        with start_server(["--no-limit-bursts"]) as server:
            yield server.url, server.pid
        return
    with tempfile.TemporaryDirectory() as folder:
        model = write_model(Path(folder) / size, SIZES[size])
        program = ("benchmarks.streaming_held", "--serve", str(model))
        with start_server(program=program) as server:
            yield server.url, server.pid


def find(clips: Sequence[Clip], options: Options, limit: int, first: int) -> int:
    """Find how many streams a running server holds; writes a line for each trial."""
    with running(options) as system:

        def held(streams: int) -> bool:
            sessions = trial_sessions(scripts(clips, options.load, streams), streams)
            outcome = stream(system, dataclasses.replace(options, streams=streams), sessions, None)
            latency = word_latency([trace for _, trace in outcome.sessions])
            measured = dataclasses.replace(outcome.report.overall, emission_s=latency)
            sys.stdout.write(f"{_line(streams, measured)}\n")
            sys.stdout.flush()
            return is_held(measured)

        return largest_held(held, limit, first)


def _line(streams: int, measured: Figures) -> str:
    final, emission = measured.overhead_s or measured.final_s, measured.emission_s
    parts = [f"{streams} streams: {'held' if is_held(measured) else 'not held'}"]
    if final is not None:
        parts.append(f"overhead at the end p95 {final.p95:.2f} s")
    if emission is not None:
        parts.append(f"words after p50 {emission.p50:.2f}, p95 {emission.p95:.2f} s")
    parts.append(f"{measured.dropped} dropped, sender late by {measured.lag_s:.2f} s")
    return ", ".join(parts)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Streams held with Moonshine streaming, by speed alone.")
    add_recording_options(parser)
    parser.add_argument("--size", choices=("default", *_STREAMING), default="tiny")
    parser.add_argument("--load", choices=("short", "continuous"), default="short")
    parser.add_argument("--protocol", choices=("v2", "v3"), default="v3")
    parser.add_argument("--streams", type=int, default=64, metavar="N", help="most streams to try")
    parser.add_argument("--first", type=int, default=_FIRST_TRIAL, metavar="N", help="streams to try first")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--host", default="127.0.0.1", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        _serve(arguments.serve, arguments.host, arguments.port)
        return 0
    clips = named_recordings(arguments)
    with _started(arguments.size) as (url, pid):
        options = Options(url=url, pid=pid, load=arguments.load, protocol=arguments.protocol)
        count = find(clips, options, arguments.streams, arguments.first)
    sys.stdout.write(f"{arguments.size}, {arguments.load}: {count} streams held\n")
    return 0


if __name__ == "__main__":
    sys.exit(exit_code_of(main))
