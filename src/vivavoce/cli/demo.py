"""``vivavoce demo``."""

from __future__ import annotations

import contextlib
import itertools
import time
from typing import TYPE_CHECKING, Annotated

import typer

from vivavoce.cli.options import ApiKey, Url  # noqa: TC001  - typer reads the annotations
from vivavoce.errors import RealtimeError

if TYPE_CHECKING:
    from vivavoce.cli.demo_latency import LatencySummary
    from vivavoce.cli.server_choice import ChosenServer
    from vivavoce.cli.sinks import Sink
    from vivavoce.cli.transcript_line import TranscriptLine

__all__ = ["closing_line", "demo"]

_SILENCE_AFTER_S = 1.5  # so that the last utterance ends as every other does
_READY_TIMEOUT_S = 120.0


def closing_line(summary: LatencySummary, *, sound_s: float, cpu_s: float | None) -> str:
    """What was measured, on one line.

    Args:
        summary: Words and latencies.
        sound_s: Length of what was played, in seconds.
        cpu_s: What this process spent on it, in seconds; None if the server is in another.
    """
    utterances = "1 utterance" if summary.utterances == 1 else f"{summary.utterances} utterances"
    parts = [f"{summary.words} words in {utterances} from {sound_s:.1f} s of sound"]
    if cpu_s is not None:
        parts.append(f"real-time factor {cpu_s / sound_s:.2f}")
    if summary.first_word_s is not None:
        parts.append(f"first word after {summary.first_word_s:.2f} s")
    if summary.word_s is not None:
        parts.append(f"words after {summary.word_s:.2f} s (median)")
    if summary.final_s is not None:
        parts.append(f"finals after {summary.final_s:.2f} s (median)")
    return ", ".join(parts)


def _wait_for_model(target: ChosenServer, sink: Sink) -> None:
    if target.local is None:
        sink.note(f"Server: {target.base_url}")
        return
    began = time.monotonic()
    target.local.wait_ready(_READY_TIMEOUT_S)
    sink.note(
        f"Server in this process at {target.base_url}; model loaded in {time.monotonic() - began:.1f} s."
    )


def demo(
    *,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=1.0, show_default=False, help="Play only the beginning."),
    ] = None,
    url: Url = None,
    api_key: ApiKey = None,
) -> None:
    """Play a recording and read it as it is said.

    \b
    Examples:
      vivavoce demo
      vivavoce demo --seconds 10
      vivavoce demo --url ws://127.0.0.1:8765

    The recording (44 s, the opening of A Tale of Two Cities) goes through client, WebSocket and model
    at the speed of speech; nothing is heard. Latencies in the closing line are against word times that
    an independent aligner found: the first word from its beginning, the others from their ends, each to
    the message that settled it. A final's includes the 0.7 s of silence that end an utterance. The
    real-time factor is this process's CPU time over the length of the sound.
    """  # noqa: D301  - click keeps what follows \b as it is
    from vivavoce.cli.demo_latency import LatencyMeter
    from vivavoce.cli.demo_recording import demo_recording_path, demo_reference
    from vivavoce.cli.interrupt import Interrupt
    from vivavoce.cli.live_session import run_session
    from vivavoce.cli.mic import first_seconds
    from vivavoce.cli.server_choice import choose_server
    from vivavoce.cli.sinks import open_sink
    from vivavoce.recordings.pacing import paced
    from vivavoce.recordings.sound import CHUNK_MS
    from vivavoce.recordings.sources import from_file

    measurement = LatencyMeter(
        [word for word in demo_reference() if seconds is None or word.end_s <= seconds]
    )
    played_bytes = 0
    with contextlib.ExitStack() as stack:
        interrupt = stack.enter_context(Interrupt(live=False))
        sink = open_sink()
        stack.callback(sink.close)
        sound = stack.enter_context(from_file(demo_recording_path()))
        target = stack.enter_context(choose_server(url, api_key))
        _wait_for_model(target, sink)

        def show(caption: TranscriptLine) -> None:
            measurement.take(time.monotonic(), caption)
            sink.show(caption)

        def began(now: float) -> None:
            measurement.began = now

        def count(chunk: bytes) -> bytes:
            nonlocal played_bytes
            played_bytes += len(chunk)
            return chunk

        rate = sound.bytes_per_second
        recorded = sound.chunks if seconds is None else first_seconds(sound.chunks, seconds, rate)
        silence = itertools.repeat(bytes(rate * CHUNK_MS // 1000), int(_SILENCE_AFTER_S * 1000 / CHUNK_MS))
        chunks = itertools.chain(map(count, recorded), silence)
        cpu_before = time.process_time()
        run_session(
            paced(chunks, rate, clock=time.monotonic, wait=interrupt.wait, on_begin=began),
            sample_rate=sound.sample_rate,
            encoding=sound.encoding,
            show=show,
            interrupt=interrupt,
        )
        cpu_s = time.process_time() - cpu_before if target.local is not None else None
        summary = measurement.summary()
        sink.note(closing_line(summary, sound_s=max(played_bytes, 1) / rate, cpu_s=cpu_s))
    if not summary.words and not interrupt.exit_code:
        raise RealtimeError("the server sent no words; vivavoce doctor may tell why")
    raise typer.Exit(interrupt.exit_code)
