"""A library as a system under test, in a process that plays a script."""

from __future__ import annotations

import asyncio
import functools
import io
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
import soundfile
from benchmarks import suite
from benchmarks.results import load_results

from support import scripted_library
from support.scripted_library import ScriptedStream, SessionClock
from support.time_limit import time_limit
from vivavoce.bench import moonshine_library, systems
from vivavoce.bench.moonshine_library import Job, Played, SessionAudio, TurnRecorder, play, serve
from vivavoce.bench.records import Clip, Placed, Script, Trace
from vivavoce.bench.systems import library_process
from vivavoce.cli.app import run as run_cli
from vivavoce.errors import ServerError

RATE = 16_000
HALF_A_SECOND = np.full(RATE // 2, 16_384, dtype=np.int16)
JOB = Job((), 1, chunk_ms=50, tail_s=0.1, stagger_s=0.01)
COMMAND = (sys.executable, scripted_library.__file__)


def shown(trace):
    return [
        (message.turn, " ".join(word.text for word in message.words), message.ended)
        for message in trace.messages
    ]


def bench(arguments):
    return run_cli(["bench", *arguments])


SAID = [(0, "the", False), (0, "The black cat.", True)]


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(moonshine_library, "time", SessionClock())


@pytest.mark.usefixtures("clock")
class TestOneSession:
    def test_words_arrive_after_they_were_spoken(self):
        stream = ScriptedStream()
        trace = play(stream, HALF_A_SECOND, RATE, JOB)
        assert trace.error is None
        assert shown(trace) == SAID
        first, last = trace.messages
        assert first.arrival_s == pytest.approx(0.2)
        assert last.arrival_s == pytest.approx(0.4)
        assert all(word.is_final for word in last.words)
        assert stream.closed

    def test_audio_is_complete_and_full_scale_is_one(self):
        stream = ScriptedStream()
        trace = play(stream, HALF_A_SECOND, RATE, JOB)
        assert trace.sent_s == pytest.approx(0.6)
        assert {len(chunk) for chunk in stream.chunks} == {RATE // 20}
        samples = np.concatenate([np.array(chunk) for chunk in stream.chunks])
        assert set(samples[: RATE // 2]) == {0.5}
        assert not samples[RATE // 2 :].any()

    def test_a_failure_is_recorded(self):
        trace = play(ScriptedStream(fail_after_s=0.1), HALF_A_SECOND, RATE, JOB)
        assert trace.error == "RuntimeError: boom"
        assert trace.terminated_s is None

    def test_an_error_event_is_recorded(self):
        recorder = TurnRecorder(lambda: 0.0)
        recorder(SimpleNamespace(line=None, error=OSError("gone")))
        assert "gone" in recorder.error

    def test_lines_are_turns(self):
        recorder = TurnRecorder(lambda: 1.5)
        for line_id, text in ((900, "a"), (901, "b"), (900, "a")):
            recorder(SimpleNamespace(line=SimpleNamespace(line_id=line_id, text=text, is_complete=False)))
        assert [(item.turn, item.words[0].text) for item in recorder.messages] == [(0, "a"), (1, "b")]


def test_jobs_are_read_and_answered_line_by_line(tmp_path):
    audio_file = tmp_path / "a.pcm"
    audio_file.write_bytes(HALF_A_SECOND.tobytes())
    audio = SessionAudio(str(audio_file), RATE)
    jobs = [Job((audio,) * count, 2, 50, 0.0, 0.0) for count in (3, 1)]
    opened = []

    def open_stream(number):
        opened.append(number)
        return ScriptedStream()

    answers = io.BytesIO()
    serve(open_stream, io.BytesIO(b"\n".join(map(msgspec.json.encode, jobs))), answers)
    played = [msgspec.json.decode(line, type=Played) for line in answers.getvalue().splitlines()]
    assert sorted(item.session for item in played[:3]) == [0, 1, 2]
    assert played[3].session == 0
    assert set(opened) == {0, 1}
    assert all(shown(item.trace) == SAID for item in played)


@pytest.fixture
def folder(tmp_path):
    words = [
        {"text": text, "start": 0.05 + 0.1 * i, "end": 0.15 + 0.1 * i}
        for i, text in enumerate(["the", "black", "cat"])
    ]
    entries = []
    for kind in ("read", "telephone-prompt", "non-speech"):
        soundfile.write(tmp_path / f"{kind}.flac", HALF_A_SECOND, RATE)
        silent = kind == "non-speech"
        entries.append({
            "id": kind, "audio": f"{kind}.flac", "text": "" if silent else "the black cat", "kind": kind,
            "duration_s": 0.5, "sample_rate": RATE, "words": [] if silent else words,
        })  # fmt: skip
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, entries)))
    return tmp_path


@pytest.fixture
def scripted(monkeypatch):
    """Starts the scripted process where the library's would be."""

    def use(*arguments):
        process = functools.partial(
            library_process, tail_s=0.1, stagger_s=0.01, command=(*COMMAND, *arguments)
        )
        monkeypatch.setattr(systems, "library_process", process)

    use()
    return use


@pytest.mark.usefixtures("scripted")
class TestCommand:
    def test_figures_are_computed_as_for_a_server(self, folder, capsys):
        out = folder / "out.json"
        arguments = [str(folder), "--kind", "read", "--system", "moonshine-voice", "--quiet"]
        assert bench([*arguments, "--json", str(out)]) == 0
        found = json.loads(out.read_text())
        assert (found["system"], found["protocol"], found["chunk_ms"]) == ("moonshine-voice", "library", 50)
        assert found["overall"]["wer_percent"] == 0
        assert found["overall"]["emission_s"]["p50"] == pytest.approx(0.05)
        # The last word ends at 0.35 s and the line is complete at 0.4 s.
        assert found["silence_measured"]
        assert found["max_silence_ms"] == pytest.approx(50, abs=1)
        assert found["overall"]["overhead_s"]["p95"] == pytest.approx(0, abs=1e-3)
        if Path("/proc").exists():
            assert found["cost"]["rss_start_mib"] > 1
        assert "median final latency" in capsys.readouterr().out

    def test_repeated(self, folder, capsys):
        out = folder / "out.json"
        arguments = [str(folder), "--kind", "read", "--system", "moonshine-voice-tuned", "--quiet"]
        assert bench([*arguments, "--repeat", "2", "--json", str(out)]) == 0
        found = json.loads(out.read_text())
        assert found["runs"] == 2
        emission = [found[which]["overall"]["emission_s"]["p50"] for which in ("min", "median", "max")]
        assert emission == sorted(emission)
        assert "2 runs" in capsys.readouterr().out

    def test_soak(self, folder, capsys):
        out = folder / "out.json"
        arguments = [
            str(folder),
            "--kind",
            "read",
            "--system",
            "moonshine-voice",
            "--quiet",
            "--streams",
            "2",
        ]
        assert bench([*arguments, "--soak", "0.01", "--json", str(out)]) == 0
        found = json.loads(out.read_text())
        assert found["report"]["streams"] == 2
        assert found["report"]["load"] == "continuous"
        assert len(found["emission_p95_by_minute"]) == 1
        assert found["emission_p95_first_third"] is not None
        if found["memory"]:
            assert found["memory"]["growth"] is None  # it takes five minutes to tell
        assert "memory at start" in capsys.readouterr().out

    def test_streams_held(self, folder, capsys, monkeypatch):
        arguments = [str(folder), "--kind", "read", "--system", "moonshine-voice", "--quiet"]
        monkeypatch.setattr(
            "vivavoce.bench.capacity.trial_sessions", lambda sessions, streams, _seconds: sessions[:streams]
        )
        out = folder / "out.json"
        assert bench([*arguments, "--find-streams", "2", "--json", str(out)]) == 0
        found = json.loads(out.read_text())
        assert (found["held"], found["runs"], len(found["trials"])) == (2, [2], 2)
        assert "2 streams held" in capsys.readouterr().out


def test_a_library_that_does_not_load(folder, scripted, capsys):
    scripted("--broken")
    assert bench([str(folder), "--system", "moonshine-voice", "--quiet"]) == 1
    assert "no such model" in capsys.readouterr().err


@pytest.mark.parametrize(("how", "said"), [("--dies", "process ended"), ("--fails", "boom")])
def test_a_library_that_fails(folder, scripted, capsys, how, said):
    scripted(how)
    assert bench([str(folder), "--system", "moonshine-voice", "--quiet"]) == 1
    assert said in capsys.readouterr().err


def test_a_library_that_takes_too_long():
    command = (sys.executable, "-c", "import time; time.sleep(600)")
    with (
        pytest.raises(ServerError, match="did not start"),
        library_process(command=command, timeout_s=0.2),
    ):
        pass


def test_the_process_is_gone_afterwards():
    with library_process(command=COMMAND) as library:
        pid = library.pid
        assert asyncio.run(library.play_all([], 1, lambda script, trace: None)) == []
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_an_interrupt_does_not_wait_for_the_sessions(folder):
    clip = Clip("read", "read", folder / "read.flac", "the black cat", 0.5, RATE)
    long = Script((Placed(clip, 0.0),), RATE, 600.0)
    command = (*COMMAND, "--real-time")
    with time_limit(120), library_process(command=command) as library, pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(library.play_all([long], 1, lambda script, trace: None), 0.2))


class TestSuite:
    SYSTEMS = ("--system", "moonshine-voice", "--system", "moonshine-voice-tuned")

    @pytest.mark.usefixtures("scripted")
    def test_systems_take_turns_and_results_are_kept(self, folder, capsys):
        out = folder / "results" / "r.json"
        code = suite.main([
            str(folder), "--item", "non-speech", "--rounds", "2", *self.SYSTEMS, "-o", str(out),
        ])  # fmt: skip
        assert code == 0
        results = load_results([out])
        assert [(item.round, item.item, item.system) for item in results.entries] == [
            (number, "non-speech", system)
            for number in (1, 2)
            for system in ("moonshine-voice", "moonshine-voice-tuned")
        ]
        # "The black cat." in half a second where nobody speaks: 3 words, 7,200 half seconds an hour.
        words = results.figure("non-speech", "moonshine-voice", "overall.non_speech_words_per_hour")
        assert words.median == pytest.approx(21_600)
        output = capsys.readouterr()
        assert "### Words without speech" in output.out
        assert "4/4 round 2, non-speech: moonshine-voice-tuned" in output.err
        assert "benchmarks.publish" in output.err

    def test_what_fails_does_not_end_the_rest(self, folder, scripted, capsys):
        scripted("--fails")
        out = folder / "r.json"
        assert suite.main([str(folder), "--item", "one-stream", *self.SYSTEMS, "-o", str(out)]) == 0
        results = load_results([out])
        assert len(results.entries) == 6
        assert all("boom" in item.error for item in results.entries)
        assert "rounds that failed" in capsys.readouterr().out

    def test_quick_is_small(self):
        small = suite.quick(suite.ITEMS)
        assert [item.name for item in small] == ["one-stream", "sixteen-streams", "non-speech"]
        assert all(item.streams <= 4 for item in small)

    def test_no_recordings(self, tmp_path, capsys):
        assert suite.main([str(tmp_path), "-o", str(tmp_path / "r.json")]) == 2
        assert "manifest" in capsys.readouterr().err


def test_a_stream_that_can_not_keep_up_is_given_up(monkeypatch):
    monkeypatch.setattr("vivavoce.bench.moonshine_library._MAX_LAG_S", -1.0)
    monkeypatch.setattr(moonshine_library, "time", SessionClock())
    trace = play(ScriptedStream(), HALF_A_SECOND, RATE, JOB)
    assert isinstance(trace, Trace)
    assert "fell behind" in trace.error
