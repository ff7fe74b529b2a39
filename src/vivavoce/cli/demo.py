"""``vivavoce demo``."""

from __future__ import annotations

import contextlib
import itertools
import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from vivavoce.cli.options import ApiKeyOption, UrlOption  # noqa: TC001  - typer reads the annotations
from vivavoce.errors import RealtimeError

if TYPE_CHECKING:
    from vivavoce.cli.demo_latency import LatencySummary
    from vivavoce.cli.server_choice import ChosenServer
    from vivavoce.cli.sinks import Sink
    from vivavoce.cli.transcript_line import TranscriptLine

__all__ = ["closing_line", "demo"]

_SHORTEST_MEASURE_S: Final = 1.0  # of audio; shorter audio costs mostly what any session costs
_TRAILING_SILENCE_S: Final = 1.5  # ends the last utterance in the same way as every other
_READY_TIMEOUT_S: Final = 120.0


def demo(
    *,
    seconds: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=1.0,
            show_default=False,
            help="Stop after this much of the recording (default: all of it).",
        ),
    ] = None,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """Transcribe a sample recording at the speed of speech.

    \b
    Examples:
      vivavoce demo
      vivavoce demo --seconds 10
      vivavoce demo --url ws://127.0.0.1:8765

    The recording (44 s, the opening of A Tale of Two Cities) passes through client, WebSocket and
    model in real time; it is not played. The last line shows latencies against word times from an
    independent aligner: for the first word from its start, for every word from its end, each to the
    message after which the word no longer changes. The latency of a final includes the 0.7 s of
    silence that end an utterance. The real-time factor is the CPU time of this process divided by the
    duration of the audio; a server elsewhere has none.
    """  # noqa: D301  - click keeps the lines after \b as they are
    raise typer.Exit(_run_demo(seconds, url, api_key))


def _run_demo(seconds: float | None, url: str | None, api_key: str | None) -> int:
    """Run the demo; return the exit code."""
    from vivavoce.cli.chunks import ByteCounter, first_seconds
    from vivavoce.cli.demo_latency import LatencyMeter
    from vivavoce.cli.demo_recording import demo_recording_path, demo_reference
    from vivavoce.cli.interrupt import Interrupt
    from vivavoce.cli.live_session import run_session
    from vivavoce.cli.server_choice import choose_server
    from vivavoce.cli.sinks import standard_output_sink
    from vivavoce.recordings.pacing import paced
    from vivavoce.recordings.sound import CHUNK_MS
    from vivavoce.recordings.sources import from_file

    meter = LatencyMeter([word for word in demo_reference() if seconds is None or word.end_s <= seconds])
    with contextlib.ExitStack() as stack:
        interrupt = stack.enter_context(Interrupt(live=False))
        sink = standard_output_sink()
        stack.callback(sink.close)
        audio = stack.enter_context(from_file(demo_recording_path()))
        server = stack.enter_context(choose_server(url, api_key))
        _wait_for_model(server, sink)

        def show(transcript: TranscriptLine) -> None:
            meter.add(time.monotonic(), transcript)
            sink.show(transcript)

        rate = audio.bytes_per_second
        speech = ByteCounter(audio.chunks if seconds is None else first_seconds(audio.chunks, seconds, rate))
        n_silent = int(_TRAILING_SILENCE_S * 1000 / CHUNK_MS)
        chunks = itertools.chain(speech, itertools.repeat(bytes(rate * CHUNK_MS // 1000), n_silent))
        cpu_before = time.process_time()
        run_session(
            paced(chunks, rate, wait=interrupt.wait, on_begin=meter.start),
            sample_rate=audio.sample_rate,
            encoding=audio.encoding,
            show=show,
            interrupt=interrupt,
        )
        cpu_s = time.process_time() - cpu_before if server.local is not None else None
        summary = meter.summary()
        sink.note(closing_line(summary, audio_s=speech.n_bytes / rate, cpu_s=cpu_s))
    if not summary.words and not interrupt.exit_code:
        raise RealtimeError("the server sent no words; run vivavoce doctor to find the cause")
    return interrupt.exit_code


def _wait_for_model(server: ChosenServer, sink: Sink) -> None:
    if server.local is None:
        sink.note(f"Server: {server.base_url}")
        return
    began = time.monotonic()
    server.local.wait_ready(_READY_TIMEOUT_S)
    load_s = time.monotonic() - began
    sink.note(f"Server inside this process: {server.base_url}. Model loaded in {load_s:.1f} s.")


def closing_line(summary: LatencySummary, *, audio_s: float, cpu_s: float | None) -> str:
    """Return the last line of the demo.

    Args:
        summary: Word counts and latencies.
        audio_s: Duration of the transcribed audio, in seconds.
        cpu_s: CPU time of this process, in seconds; None if the server runs elsewhere.
    """
    if audio_s < _SHORTEST_MEASURE_S:  # interrupted at once: nothing to compute figures from
        return f"interrupted after {audio_s:.1f} s of audio"
    utterances = "1 utterance" if summary.utterances == 1 else f"{summary.utterances} utterances"
    parts = [f"{summary.words} words in {utterances} from {audio_s:.1f} s of audio"]
    if cpu_s is not None:
        parts.append(f"real-time factor {cpu_s / audio_s:.2f}")
    if summary.first_word_s is not None:
        parts.append(f"first word after {summary.first_word_s:.2f} s")
    if summary.word_s is not None:
        parts.append(f"words after {summary.word_s:.2f} s (median)")
    if summary.final_s is not None:
        parts.append(f"finals after {summary.final_s:.2f} s (median)")
    return ", ".join(parts)
