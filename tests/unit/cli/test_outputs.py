"""Files, formats, several recordings and the configuration file, as a person asks for them."""

from __future__ import annotations

import importlib
import io
import json
import os
import shutil
import sys
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.cli_fakes import FakeTranscriber
from vivavoce.cli.app import run
from vivavoce.cli.doctor_checks import check_config, check_microphone
from vivavoce.cli.live_line import LiveLine
from vivavoce.cli.options import Format
from vivavoce.cli.outputs import CueSink, Outputs, Tee, wrote
from vivavoce.cli.progress import counted, progress_bar
from vivavoce.cli.sinks import TerminalSink, stable_length
from vivavoce.cli.transcript_line import TranscriptLine
from vivavoce.recordings.pcm import peak
from vivavoce.types import Word

pytest_plugins = ["support.cli_fixtures"]
pytestmark = pytest.mark.usefixtures("parts")

SRT = "1\n00:00:00,000 --> 00:00:01,000\n250 milliseconds.\n\n"
VTT = "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n250 milliseconds.\n\n"


# --- formats and files ------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "out"), [("text", "250 milliseconds.\n"), ("srt", SRT), ("vtt", VTT)])
def test_a_format_goes_to_standard_output(recording, capsys, name, out):
    assert run(["stream", recording, "--format", name]) == 0
    assert capsys.readouterr().out == out


@pytest.mark.parametrize(
    ("name", "content", "unit"),
    [
        ("a.srt", SRT, "caption"),
        ("a.VTT", VTT, "caption"),
        ("a.txt", "250 milliseconds.\n", "utterance"),
        ("a", "250 milliseconds.\n", "utterance"),
    ],
)
def test_the_ending_of_a_file_says_its_format(recording, capsys, tmp_path, name, content, unit):
    assert run(["stream", recording, "-o", name]) == 0
    assert (tmp_path / name).read_text() == content
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1] == f"{name}: 1 {unit} written."


def test_json_goes_to_a_file_too(recording, capsys, tmp_path):
    for arguments in (["-o", "a.json"], ["-o", "a.json", "--json"], ["-f", "json", "-o", "a.json"]):
        assert run(["stream", recording, *arguments, "--partials"]) == 0
        events = [json.loads(line) for line in (tmp_path / "a.json").read_text().splitlines()]
        assert [event["type"] for event in events] == ["partial"] * 3 + ["final"]
        assert "a.json: 4 events written.\n" in capsys.readouterr().err


def test_what_was_written_is_said_of_an_empty_file_too():
    assert wrote(Path("a.srt"), 0, "caption") == "a.srt: no captions written."
    assert wrote(Path("a.srt"), 12, "caption") == "a.srt: 12 captions written."


def test_captions_beside_the_text(recording, capsys, tmp_path):
    assert run(["stream", recording, "--srt", "a.srt", "--vtt", "a.vtt"]) == 0
    out, err = capsys.readouterr()
    assert out == "250 milliseconds.\n"
    assert "a.srt: 1 caption written.\n" in err
    assert "a.vtt: 1 caption written.\n" in err
    assert ((tmp_path / "a.srt").read_text(), (tmp_path / "a.vtt").read_text()) == (SRT, VTT)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--json", "--format", "srt"], "contradict"),
        (["--partials"], "--partials needs --json"),
        (["--partials", "-o", "a.srt"], "--partials needs --json"),
        (["-o", "no/such/folder/a.txt"], "no such file"),
        (["--vtt", "no/such/folder/a.vtt"], "no such file"),
    ],
)
def test_what_cannot_be_written_is_said(recording, capsys, arguments, said):
    assert run(["stream", recording, *arguments]) == 2
    assert said in capsys.readouterr().err


# --- several recordings -----------------------------------------------------------------------


@pytest.fixture
def two(recording, tmp_path):
    shutil.copy(recording, tmp_path / "b.wav")
    return [recording, str(tmp_path / "b.wav")]


def test_several_recordings_follow_one_another_on_one_server(two, capsys):
    assert run(["stream", *two]) == 0
    out, err = capsys.readouterr()
    assert out == "250 milliseconds.\n" * 2
    assert [line.rpartition("/")[2] for line in err.splitlines() if line.endswith(":")] == [
        "a.wav:",
        "b.wav:",
    ]
    assert len(set(FakeTranscriber.addresses)) == 1


def test_several_recordings_in_one_file_or_each_in_its_own(two, tmp_path):
    assert run(["stream", *two, "-o", "all.txt"]) == 0
    assert (tmp_path / "all.txt").read_text() == "250 milliseconds.\n" * 2
    (tmp_path / "folder").mkdir()
    assert run(["stream", *two, "-o", "folder", "-f", "vtt"]) == 0
    assert run(["stream", *two, "-o", "new/one/", "-f", "vtt"]) == 0
    assert sorted(path.name for path in (tmp_path / "new" / "one").iterdir()) == ["a.vtt", "b.vtt"]
    assert run(["stream", *two, "-o", "all.txt/", "-f", "vtt"]) == 2
    assert {path.name: path.read_text() for path in (tmp_path / "folder").iterdir()} == {
        "a.vtt": VTT,
        "b.vtt": VTT,
    }


def test_one_that_cannot_be_read_does_not_stop_the_others(two, capsys):
    assert run(["stream", "missing.wav", two[0], "missing-too.wav", two[1]]) == 1
    out, err = capsys.readouterr()
    assert out == "250 milliseconds.\n" * 2
    assert "missing.wav: no such file" in err
    assert "missing-too.wav: no such file" in err


def test_a_wrong_name_starts_no_server(capsys, parts, monkeypatch):
    monkeypatch.setattr(parts, "LocalServer", None)
    assert run(["stream", "missing.wav"]) == 1
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["-f", "srt"], ["-o", "a.vtt"], ["--srt", "a.srt"], ["-"]], ids=lambda it: it[0]
)
def test_what_takes_one_recording_refuses_several(two, arguments):
    assert run(["stream", *two, *arguments]) == 2


def test_two_of_one_name_would_overwrite_each_other(recording, tmp_path, capsys):
    (tmp_path / "other").mkdir()
    again = shutil.copy(recording, tmp_path / "other" / "a.wav")
    assert run(["stream", recording, str(again), "-o", str(tmp_path / "other")]) == 2
    assert "are called a" in capsys.readouterr().err


# --- the microphone ---------------------------------------------------------------------------


def test_what_the_microphone_hears_is_kept(microphone, tmp_path, capsys):
    arguments = [
        "mic",
        "--sample-rate",
        "8000",
        "--seconds",
        "0.5",
        "--save",
        "talk.wav",
        "--vtt",
        "talk.vtt",
    ]
    assert run(arguments) == 0
    out, err = capsys.readouterr()
    assert out == "500 milliseconds.\n"
    assert err.splitlines()[1:] == ["talk.vtt: 1 caption written.", "talk.wav: 0.5 s of sound written."]
    with wave.open(str(tmp_path / "talk.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8_000, 1, 2)
        assert file.readframes(9_999) == bytes(8_000)
    assert "500 milliseconds." in (tmp_path / "talk.vtt").read_text()


def test_a_recording_that_cannot_be_kept_is_said_before_anybody_speaks(microphone, capsys):
    assert run(["mic", "--save", "no/such/folder.wav"]) == 2
    assert "no such file" in capsys.readouterr().err
    assert FakeTranscriber.addresses == []


def test_the_kept_sound_is_whole_after_every_chunk(tmp_path):
    from vivavoce.recordings.saving import saved

    path = tmp_path / "talk.wav"
    with saved(iter([b"\1\0" * 80, b"\2\0" * 80]), path, 8_000) as chunks:
        for n, _ in enumerate(chunks, 1):
            with wave.open(str(path)) as file:
                assert file.getnframes() == 80 * n


# --- sinks ------------------------------------------------------------------------------------


def test_captions_are_written_as_soon_as_their_time_is_known():
    out = io.StringIO()
    sink = CueSink(out, io.StringIO(), Format.SRT)
    for n, text in enumerate(("One.", "Two.")):
        word = Word(text, 2_000 * n, 2_000 * n + 300, 0.9)
        sink.show(TranscriptLine(text, True, word.start_ms, word.end_ms, 0.9, (word,)))
        sink.show(TranscriptLine("partial", is_final=False))
        assert out.getvalue().count("-->") == n
    sink.close()
    assert out.getvalue().count("-->") == 2


def test_a_tee_closes_all_though_one_fails():
    closed = []

    class Sink:
        def close(self):
            closed.append(self)
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        Tee([Sink(), Sink()]).close()
    assert len(closed) == 2


WORDS = st.lists(st.sampled_from(["it", "was", "the", "best", "语"]), max_size=8).map(" ".join)


@given(WORDS, WORDS)
def test_what_stood_before_is_whole_words_from_the_beginning(before, now):
    n = stable_length(before, now)
    assert before.startswith(now[:n].rstrip())
    assert n == len(now) or now[n - 1 : n] in {"", " "}


def test_what_is_new_is_told_apart():
    assert stable_length("it was the", "it was the best") == len("it was the ")
    assert stable_length("it was the", "it is the") == len("it ")
    out = io.StringIO()
    sink = TerminalSink(LiveLine(out.write, lambda: 40, dim=True), io.StringIO())
    sink.show(TranscriptLine("it was", is_final=False))
    sink.show(TranscriptLine("it was the", is_final=False))
    assert out.getvalue().endswith("\rit was \x1b[2mthe\x1b[0m\x1b[K")
    sink.show(TranscriptLine("It was the.", is_final=True))
    sink.show(TranscriptLine("it", is_final=False))
    assert out.getvalue().endswith("\r\x1b[2mit\x1b[0m\x1b[K")


@pytest.mark.parametrize("duration_s", [2.0, None])
def test_a_bar_is_for_terminals(monkeypatch, duration_s):
    err = io.StringIO()
    monkeypatch.setattr("sys.stderr", err)
    with progress_bar("a.wav", duration_s) as advance:
        advance(1.0)
    assert err.getvalue() == ""
    err.isatty = lambda: True
    with progress_bar("[b]a.wav", duration_s) as advance:
        advance(1.0)
    assert "[b]a.wav" in err.getvalue()


def test_chunks_are_counted_as_they_pass():
    sent = []
    assert list(counted([b"ab", b"c"], sent.append)) == [b"ab", b"c"]
    assert sent == [2, 1]


def test_a_bar_is_for_words_that_go_into_files(monkeypatch, tmp_path):
    def is_out_of_sight(output=None):
        return Outputs(Format.TEXT, output, {}, partials=False).is_out_of_sight

    assert is_out_of_sight("a.txt")
    with (tmp_path / "out").open("w") as file:
        monkeypatch.setattr("sys.stdout", file)
        assert is_out_of_sight()
    reader, writer = os.pipe()  # whoever reads it may write to the same terminal
    with os.fdopen(reader), os.fdopen(writer, "w") as pipe:
        monkeypatch.setattr("sys.stdout", pipe)
        assert not is_out_of_sight()
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert not is_out_of_sight()


# --- the configuration file -------------------------------------------------------------------


@pytest.fixture
def configured(monkeypatch, tmp_path):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))

    def write(text):
        (tmp_path / "config.toml").write_text(text)
        return tmp_path / "config.toml"

    return write


def test_the_file_gives_defaults_and_the_command_line_beats_it(configured, recording, capsys):
    configured('url = "ws://from-the-file:1"\n[stream]\nformat = "srt"\n')
    assert run(["stream", recording]) == 0
    assert run(["stream", recording, "-f", "vtt", "--url", "ws://from-the-line:1"]) == 0
    assert capsys.readouterr().out == SRT + VTT
    assert FakeTranscriber.addresses == ["ws://from-the-file:1", "ws://from-the-line:1"]


def test_the_environment_beats_the_file(configured, recording, monkeypatch):
    configured('url = "ws://from-the-file:1"\napi-key = "k"\n')
    monkeypatch.setenv("VIVAVOCE_BASE_URL", "ws://from-the-environment:1")
    assert run(["stream", recording]) == 0
    assert FakeTranscriber.addresses == ["ws://from-the-environment:1"]


def test_names_with_dashes_and_without(configured, microphone):
    for name in ("sample-rate", "sample_rate"):
        configured(f'[mic]\n{name} = 8000\ndevice = "USB"\n')
        assert run(["mic"]) == 0
    assert microphone.opened == [(8_000, "USB")] * 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[strem]\n", "no command is called strem"),
        ("[stream]\nfrmat = 1\n", "stream has no option --frmat"),
        ("nonsense = 1\n", "no command has an option --nonsense"),
        ("[stream\n", "config.toml"),
        ("[stream]\nsample_rate = 5\n", "'--sample-rate'"),
        ("[stream]\nfiles = ['a']\n", "stream has no option --files"),
        ("[stream]\nhelp = true\n", "stream has no option --help"),
    ],
)
def test_a_mistake_in_the_file_is_named(configured, recording, capsys, text, said):
    configured(text)
    assert run(["stream", recording]) == 2
    assert said in capsys.readouterr().err


def test_help_is_there_though_the_file_is_broken(configured, capsys):
    configured("[stream\n")
    assert run(["stream", "--help"]) == 0
    assert "Examples" in capsys.readouterr().out


def test_the_doctor_looks_at_the_file(configured):
    (none,) = check_config()
    assert "none; it would be" in none.detail
    configured("[stream]\nrealtime = true\n")
    (fine,) = check_config()
    assert fine.detail.endswith("(options of stream)")
    configured("[stream\n")
    (broken,) = check_config()
    assert broken.status == "broken"


# --- a microphone as PortAudio gives it -------------------------------------------------------


@pytest.fixture
def portaudio(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "support" / "fake_sounddevice"))
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    fake = importlib.import_module("sounddevice")
    fake.recording = b"\0\x40" * 48_000
    yield fake
    for stream in fake.opened:
        stream.close()
    del sys.modules["sounddevice"]


def test_a_microphone_that_takes_one_rate_only_is_heard_at_that(portaudio, capsys):
    portaudio.rates = frozenset({44_100})
    assert run(["mic", "--seconds", "0.5"]) == 0
    assert capsys.readouterr().out == "500 milliseconds.\n"
    assert run(["mic", "--seconds", "0.5", "--sample-rate", "16000"]) == 1
    assert "can't be opened at 16000 Hz" in capsys.readouterr().err


def test_a_microphone_that_takes_nothing_is_one_line(portaudio, capsys):
    portaudio.rates = frozenset()
    assert run(["mic"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_microphone_that_fails_leaves_older_captions_alone(portaudio, tmp_path):
    portaudio.rates = frozenset()
    (tmp_path / "talk.vtt").write_text("older")
    assert run(["mic", "--vtt", "talk.vtt"]) == 1
    assert (tmp_path / "talk.vtt").read_text() == "older"


def test_the_doctor_listens(portaudio):
    devices, heard = check_microphone()
    assert "Built-in Microphone" in devices.detail
    assert (heard.status, heard.advice) == ("ok", "")
    assert heard.detail.endswith("opens at 16000 Hz; loudest sample in 0.5 s: 50.0%")
    portaudio.recording = bytes(96_000)
    assert list(check_microphone())[1].status == "problem"
    portaudio.rates = frozenset()
    assert "can't be opened" in list(check_microphone())[1].detail


def test_the_loudest_sample():
    assert peak(b"") == 0
    assert peak(b"\0\0\0\x80\x10\0") == 1
    assert peak(b"\0\x40\0\xe0") == 0.5
