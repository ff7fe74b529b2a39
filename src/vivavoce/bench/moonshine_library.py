"""The library that carries the model, ``moonshine-voice``, as a system under test.

``python -m vivavoce.bench.moonshine_library`` runs as a separate process, so that its cost is measured apart
from the client's. It loads the weights from that package's assets folder (nothing is downloaded), feeds
recordings in real time to the package's own streams, as a microphone would, and records the events of their
listeners in the neutral form of ``records``, so that every figure is computed as for a server.

It speaks JSON lines: `Ready` first, then for each `Job` that it reads a `Played` per session, as they end.

It runs in two ways, because the difference is large: as the library's documentation shows (one transcriber,
all defaults), and tuned for many streams (a transcriber per core, a thread per pass, no copies of the audio).
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import os
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Protocol

import msgspec

from vivavoce.bench.audio import chunks, read_pcm, to_float
from vivavoce.bench.records import ShownWord, Trace, TurnMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vivavoce.bench.audio import Pcm

__all__ = ["Job", "Played", "Ready", "SessionAudio", "TurnRecorder", "main", "play", "serve"]

_MODEL = "tiny-en"
_SINGLE_THREAD = "MOONSHINE_ORT_SINGLE_THREAD"
_MAX_LAG_S = 10.0  # a session this late is given up: waiting for it would take hours


class SessionAudio(msgspec.Struct, frozen=True):
    """A session's audio: int16 samples, little endian, in a file; the rate in Hz."""

    pcm: str
    sample_rate: int


class Job(msgspec.Struct, frozen=True):
    """Sessions to stream; durations as in ``player.PlayOptions``."""

    sessions: tuple[SessionAudio, ...]
    streams: int
    chunk_ms: int
    tail_s: float
    stagger_s: float


class Ready(msgspec.Struct, frozen=True):
    """The model is loaded."""

    version: str


class Played(msgspec.Struct, frozen=True):
    """A session has ended; ``session`` is its place in the job."""

    session: int
    trace: Trace


class Stream(Protocol):
    """What is needed of ``moonshine_voice.transcriber.Stream`` here."""

    def add_listener(self, listener: Callable[[Any], None]) -> None:
        """Call a listener with every event."""

    def start(self) -> None:
        """Begin."""

    def add_audio(self, audio_data: list[float], sample_rate: int) -> None:
        """Take samples, full scale ±1; decodes on the caller's thread whenever an update is due."""

    def stop(self) -> object:
        """Decode the rest."""

    def close(self) -> None:
        """Release its resources."""


@dataclass(slots=True)
class TurnRecorder:
    """A listener that turns a stream's events into messages about turns.

    Attributes:
        now_s: The session's clock.
        messages: The messages so far.
        error: The first error; None: none so far.
    """

    now_s: Callable[[], float]
    messages: list[TurnMessage] = field(default_factory=list)
    error: str | None = None
    _turns: dict[int, int] = field(default_factory=dict)  # line id -> number of its turn
    _shown: dict[int, tuple[str, bool]] = field(default_factory=dict)  # line id -> latest text, complete?

    def __call__(self, event: Any) -> None:
        """Take one event; several events repeat the state of a line, which is recorded once."""
        line = event.line
        if line is None:
            self.error = self.error or f"the library failed: {getattr(event, 'error', event)}"
            return
        state = (str(line.text), bool(line.is_complete))
        if self._shown.get(line.line_id) == state:
            return
        self._shown[line.line_id] = state
        turn = self._turns.setdefault(line.line_id, len(self._turns))
        text, ended = state
        words = tuple(ShownWord(word, is_final=ended) for word in text.split())
        self.messages.append(TurnMessage(self.now_s(), turn, words, ended))


def play(stream: Stream, pcm: Pcm, sample_rate: int, job: Job) -> Trace:
    """Feed one session in real time; the trace reports a failure, no exception does.

    Args:
        stream: A new one, not started.
        pcm: Mono samples.
        sample_rate: In Hz.
        job: How to feed them.
    """
    chunk_s = job.chunk_ms / 1000
    pieces = [to_float(piece) for piece in chunks(pcm, sample_rate, job.chunk_ms, job.tail_s)]
    begun_s = time.monotonic()

    def now_s() -> float:
        return time.monotonic() - begun_s

    recorder = TurnRecorder(now_s)
    lag_s = sent_s = 0.0
    terminated_s: float | None = None
    error: str | None = None
    try:
        stream.add_listener(recorder)
        stream.start()
        begun_s = time.monotonic()
        for number, piece in enumerate(pieces, 1):
            wait_s = number * chunk_s - now_s()
            if wait_s > 0:
                time.sleep(wait_s)
            else:
                lag_s = max(lag_s, -wait_s)
            if lag_s > _MAX_LAG_S:
                error = f"fell behind by {_MAX_LAG_S:g} s"
                break
            stream.add_audio(piece.tolist(), sample_rate)
            sent_s += chunk_s
        else:
            terminated_s = now_s()
        stream.stop()
    except Exception as problem:  # noqa: BLE001 - an error of the library ends its session, not the run
        error = error or f"{type(problem).__name__}: {problem}"
    closed_s = now_s()
    stream.close()
    return Trace(
        messages=tuple(recorder.messages),
        sent_s=sent_s,
        terminated_s=terminated_s,
        closed_s=closed_s,
        lag_s=lag_s,
        begun_s=begun_s,
        error=error or recorder.error,
    )


def serve(open_stream: Callable[[int], Stream], requests: IO[bytes], answers: IO[bytes]) -> None:
    """Process jobs until there are no more.

    Args:
        open_stream: Makes a new stream; the argument numbers the concurrent streams from 0.
        requests: One `Job` per line.
        answers: One `Played` per line.
    """
    lock = threading.Lock()

    def work(number: int, job: Job, waiting: list[int]) -> None:
        time.sleep(number * job.stagger_s)
        while True:
            with lock:
                if not waiting:
                    return
                place = waiting.pop()
            audio = job.sessions[place]
            pcm = read_pcm(audio.pcm)
            trace = play(open_stream(number), pcm, audio.sample_rate, job)
            with lock:
                answers.write(msgspec.json.encode(Played(place, trace)) + b"\n")
                answers.flush()

    for line in requests:
        job = msgspec.json.decode(line, type=Job)
        waiting = list(reversed(range(len(job.sessions))))
        threads = [
            threading.Thread(target=work, args=(number, job, waiting), daemon=True)
            for number in range(job.streams)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _opener(transcribers: int, *, tuned: bool) -> Callable[[int], Stream]:
    library: Any = importlib.import_module("moonshine_voice")
    path = str(library.get_model_path(_MODEL))
    options = {"return_audio_data": "false"} if tuned else None
    loaded = [library.Transcriber(path, library.ModelArch.TINY, options=options) for _ in range(transcribers)]
    for transcriber in loaded:
        transcriber.transcribe_without_streaming([0.0] * 16_000)  # the first pass is slow

    def open_stream(number: int) -> Stream:
        stream: Stream = loaded[number % len(loaded)].create_stream()
        return stream

    return open_stream


def main(argv: Sequence[str] | None = None) -> int:
    """Run on standard input and output."""
    parser = argparse.ArgumentParser(prog="python -m vivavoce.bench.moonshine_library")
    parser.add_argument("--tuned", action="store_true", help="a transcriber per core, a thread per pass")
    parser.add_argument("--cores", type=int, default=1, help="with --tuned: how many transcribers")
    arguments = parser.parse_args(argv)
    # The library may print: keep its output out of the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    if arguments.tuned:
        os.environ[_SINGLE_THREAD] = "1"  # read when a model is loaded
    opener = _opener(arguments.cores if arguments.tuned else 1, tuned=arguments.tuned)
    answers.write(msgspec.json.encode(Ready(importlib.metadata.version("moonshine-voice"))) + b"\n")
    answers.flush()
    try:
        serve(opener, sys.stdin.buffer, answers)
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
