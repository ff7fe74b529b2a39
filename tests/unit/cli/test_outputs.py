"""Formats and files that options ask for."""

import contextlib
import io
import json
import os
import threading
from pathlib import Path

import pytest

from support.cli_fakes import SRT, VTT, FakeTranscriber
from vivavoce.cli.app import run
from vivavoce.cli.options import Format
from vivavoce.cli.outputs import Outputs, written_message
from vivavoce.cli.transcript_line import TranscriptLine
from vivavoce.errors import ConnectError

pytest_plugins = ["support.cli_fixtures"]
pytestmark = pytest.mark.usefixtures("parts")


@pytest.mark.parametrize(("name", "out"), [("text", "250 milliseconds.\n"), ("srt", SRT), ("vtt", VTT)])
def test_a_format_goes_to_standard_output(recording, capsys, name, out):
    assert run(["stream", recording, "--format", name]) == 0
    assert capsys.readouterr().out == out


@pytest.mark.parametrize(
    ("name", "content", "item"),
    [
        ("a.srt", SRT, "caption"),
        ("a.VTT", VTT, "caption"),
        ("a.txt", "250 milliseconds.\n", "utterance"),
        ("a", "250 milliseconds.\n", "utterance"),
    ],
)
def test_the_suffix_of_a_file_implies_its_format(recording, capsys, tmp_path, name, content, item):
    assert run(["stream", recording, "-o", name]) == 0
    assert (tmp_path / name).read_text() == content
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1] == f"{name}: 1 {item} written."


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson"])
def test_json_lines_go_to_a_file(recording, capsys, tmp_path, name):
    for arguments in (["-o", name], ["-o", name, "--json"], ["-f", "json", "-o", name]):
        assert run(["stream", recording, *arguments, "--partials"]) == 0
        events = [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]
        assert [event["type"] for event in events] == ["partial"] * 3 + ["final"]
        assert f"{name}: 4 events written.\n" in capsys.readouterr().err


def test_a_json_file_is_one_document(two_recordings, capsys, tmp_path):
    for arguments in ([], ["--json"], ["-f", "json"]):
        assert run(["stream", *two_recordings, "-o", "a.JSON", *arguments]) == 0
        events = json.loads((tmp_path / "a.JSON").read_text())
        assert [(event["file"], event["text"]) for event in events] == [
            (recording, "250 milliseconds.") for recording in two_recordings
        ]
        assert "a.JSON: 2 events written.\n" in capsys.readouterr().err


def test_a_json_document_is_complete_after_every_event(tmp_path):
    path = tmp_path / "a.json"
    outputs = Outputs(Format.JSON, str(path), {}, partials=False)
    with outputs, contextlib.ExitStack() as stack:
        sink = outputs.open(stack, "a.wav")
        outputs.release()
        for n in (1, 2, 3):
            sink.show(TranscriptLine(f"Number {n}, déjà vu.", is_final=True))
            assert len(json.loads(path.read_text())) == n


def test_a_json_document_in_a_pipe_ends_with_the_session(tmp_path):
    path = tmp_path / "pipe.json"
    os.mkfifo(path)
    read = []
    reader = threading.Thread(target=lambda: read.append(path.read_text()))
    reader.start()
    outputs = Outputs(Format.JSON, str(path), {}, partials=False)
    with outputs, contextlib.ExitStack() as stack:
        sink = outputs.open(stack, "a.wav")
        outputs.release()
        sink.show(TranscriptLine("Hello.", is_final=True))
    reader.join(20)
    assert [event["text"] for event in json.loads(read[0])] == ["Hello."]


def test_events_of_several_recordings_name_their_file(two_recordings, capsys):
    assert run(["stream", *two_recordings, "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["file"] for event in events] == two_recordings
    assert run(["stream", two_recordings[0], "--json"]) == 0
    assert "file" not in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("arguments", [["-o", "-"], ["-f", "json", "-o", "-"], ["--srt", "-", "-o", "a.txt"]])
def test_a_dash_is_standard_output(recording, capsys, tmp_path, arguments):
    assert run(["stream", recording, *arguments]) == 0
    assert "250 milliseconds." in capsys.readouterr().out
    assert not (tmp_path / "-").exists()


def test_partials_of_a_recording_that_is_not_paced_are_announced(recording, pipe_in, capsys):
    assert run(["stream", recording, "--json", "--partials"]) == 0
    assert "--realtime" in capsys.readouterr().err
    assert run(["stream", recording, "--json", "--partials", "--realtime"]) == 0
    assert "--realtime" not in capsys.readouterr().err
    pipe_in(bytes(8000))
    assert run(["stream", "-", "--json", "--partials"]) == 0
    assert "--realtime" not in capsys.readouterr().err


def test_an_unreadable_first_recording_leaves_nothing_of_an_older_output(two_recordings, tmp_path):
    (tmp_path / "all.txt").write_text("older\n")
    assert run(["stream", "missing.wav", *two_recordings, "-o", "all.txt"]) == 1
    assert (tmp_path / "all.txt").read_text() == "250 milliseconds.\n" * 2


def test_the_message_counts_what_was_written():
    assert written_message(Path("a.srt"), 0, "caption") == "a.srt: no captions written."
    assert written_message(Path("a.srt"), 12, "caption") == "a.srt: 12 captions written."


def test_captions_beside_the_text(recording, capsys, tmp_path):
    assert run(["stream", recording, "--srt", "a.srt", "--vtt", "a.vtt"]) == 0
    out, err = capsys.readouterr()
    assert out == "250 milliseconds.\n"
    assert "a.srt: 1 caption written.\n" in err
    assert "a.vtt: 1 caption written.\n" in err
    assert ((tmp_path / "a.srt").read_text(), (tmp_path / "a.vtt").read_text()) == (SRT, VTT)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--json", "--format", "srt"], "contradict"),
        (["--partials"], "--partials needs --json"),
        (["--partials", "-o", "a.srt"], "--partials needs --json"),
        (["-o", "x.html"], "suffix"),
        (["-o", "x.wav"], "suffix"),
        (["-o", ".vtt.docx"], "suffix"),
        (["-o", "x.vtt", "-f", "srt"], "contradict"),
        (["-o", "x.srt", "--json"], "contradict"),
        (["-o", ""], "empty"),
        (["--srt", "-"], "standard output"),
        (["--srt", "-", "--vtt", "-", "-o", "a.txt"], "standard output"),
        (["-o", "no/such/folder/a.txt"], "no such file"),
        (["--vtt", "no/such/folder/a.vtt"], "no such file"),
    ],
)
def test_outputs_that_cannot_be_written_are_refused(recording, capsys, arguments, message):
    assert run(["stream", recording, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_output_to_files_is_hidden(monkeypatch, tmp_path):
    def is_hidden(output=None):
        return Outputs(Format.TEXT, output, {}, partials=False).is_hidden

    assert is_hidden("a.txt")
    with (tmp_path / "out").open("w") as file:
        monkeypatch.setattr("sys.stdout", file)
        assert is_hidden()
    reader, writer = os.pipe()  # its reader may write to the same terminal
    with os.fdopen(reader), os.fdopen(writer, "w") as pipe:
        monkeypatch.setattr("sys.stdout", pipe)
        assert not is_hidden()
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert not is_hidden()


@pytest.mark.parametrize("name", ["a.txt", "a.json", "a.jsonl", "a.srt", "a.vtt"])
def test_a_session_that_does_not_open_keeps_an_older_transcript(recording, tmp_path, capsys, name):
    FakeTranscriber.failure = ConnectError("no server")
    assert run(["stream", recording, "-o", name]) == 3
    assert not (tmp_path / name).exists()
    (tmp_path / name).write_text("older, and longer than what follows: " + 99 * "-")
    assert run(["stream", recording, "-o", name]) == 3
    assert (tmp_path / name).read_text().startswith("older")
    assert "written" not in capsys.readouterr().err
    FakeTranscriber.failure = None
    assert run(["stream", recording, "-o", name]) == 0
    assert "older" not in (tmp_path / name).read_text()
    assert "---" not in (tmp_path / name).read_text()


@pytest.mark.parametrize("name", ["a.srt", "a.vtt", "a.json"])
def test_an_end_by_force_keeps_the_last_caption(tmp_path, name):
    outputs = Outputs.from_options(None, str(tmp_path / name), srt=None, vtt=None, json=False, partials=False)
    with outputs, contextlib.ExitStack() as stack:
        sink = outputs.open(stack, "a.wav")
        outputs.release()
        sink.show(TranscriptLine("The last words.", is_final=True, end_ms=900))
        outputs.finish_sinks()
        assert (tmp_path / name).read_text().count("The last words.") == 1
    assert (tmp_path / name).read_text().count("The last words.") == 1
