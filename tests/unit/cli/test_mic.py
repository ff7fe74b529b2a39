"""The microphone through ``vivavoce mic``."""

import sys
import wave

import pytest

from support.cli_fakes import FakeTranscriber
from vivavoce.cli.app import run

pytest_plugins = ["support.cli_fixtures"]
pytestmark = pytest.mark.usefixtures("parts")


def test_the_microphone_is_transcribed_and_closed(microphone, capsys):
    assert run(["mic", "--sample-rate", "8000", "--device", "3"]) == 0
    out, err = capsys.readouterr()
    assert out == "2000 milliseconds.\n"
    assert "Ctrl-C" in err
    assert microphone.opened == [(8000, 3)]
    assert microphone.closed == 1


def test_seconds_end_the_audio(microphone, capsys):
    assert run(["mic", "--sample-rate", "8000", "--seconds", "0.55", "--device", "USB"]) == 0
    assert capsys.readouterr().out == "550 milliseconds.\n"
    assert microphone.opened == [(8000, "USB")]


def test_devices_are_listed_on_standard_output(microphone, capsys):
    assert run(["mic", "--list-devices"]) == 0
    assert capsys.readouterr().out == "0: Built-in (default)\n3: USB Audio\n"


def test_a_machine_without_microphones_says_so(microphone, monkeypatch, capsys):
    monkeypatch.setattr(sys.modules["vivavoce.mic"], "list_devices", list)
    assert run(["mic", "--list-devices"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "no microphone" in err


def test_a_missing_device_prints_one_line(microphone, capsys):
    assert run(["mic", "--device", "none"]) == 1
    assert capsys.readouterr().err.startswith("vivavoce: no microphone matches 'none'")


def test_audio_and_captions_are_saved(microphone, tmp_path, capsys):
    files = ["--save", "talk.wav", "--vtt", "talk.vtt"]
    assert run(["mic", "--sample-rate", "8000", "--seconds", "0.5", *files]) == 0
    out, err = capsys.readouterr()
    assert out == "500 milliseconds.\n"
    assert err.splitlines()[1:] == ["talk.vtt: 1 caption written.", "talk.wav: 0.5 s of audio written."]
    with wave.open(str(tmp_path / "talk.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8_000, 1, 2)
        assert file.readframes(9_999) == bytes(8_000)
    assert "500 milliseconds." in (tmp_path / "talk.vtt").read_text()


def test_an_unwritable_file_is_reported_before_the_session(microphone, capsys):
    assert run(["mic", "--save", "no/such/folder.wav"]) == 2
    assert "no such file" in capsys.readouterr().err
    assert FakeTranscriber.addresses == []


def test_a_microphone_with_one_rate_is_opened_at_that_rate(portaudio, capsys):
    portaudio.rates = frozenset({44_100})
    assert run(["mic", "--seconds", "0.5"]) == 0
    assert capsys.readouterr().out == "500 milliseconds.\n"
    assert run(["mic", "--seconds", "0.5", "--sample-rate", "16000"]) == 1
    assert "can't be opened at 16000 Hz" in capsys.readouterr().err


def test_a_microphone_without_rates_prints_one_line(portaudio, capsys):
    portaudio.rates = frozenset()
    assert run(["mic"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_failing_microphone_keeps_existing_captions(portaudio, tmp_path):
    portaudio.rates = frozenset()
    (tmp_path / "talk.vtt").write_text("older")
    assert run(["mic", "--vtt", "talk.vtt"]) == 1
    assert (tmp_path / "talk.vtt").read_text() == "older"
