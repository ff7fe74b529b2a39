"""Formats and files that options ask for."""

import io
import json
import os
from pathlib import Path

import pytest

from support.cli_fakes import SRT, VTT
from vivavoce.cli.app import run
from vivavoce.cli.options import Format
from vivavoce.cli.outputs import Outputs, written_message

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


def test_json_goes_to_a_file(recording, capsys, tmp_path):
    for arguments in (["-o", "a.json"], ["-o", "a.json", "--json"], ["-f", "json", "-o", "a.json"]):
        assert run(["stream", recording, *arguments, "--partials"]) == 0
        events = [json.loads(line) for line in (tmp_path / "a.json").read_text().splitlines()]
        assert [event["type"] for event in events] == ["partial"] * 3 + ["final"]
        assert "a.json: 4 events written.\n" in capsys.readouterr().err


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
