"""``vivavoce voices``."""

from __future__ import annotations

import wave

import numpy as np
import pytest

from support.fake_embedder import FakeEmbedder
from support.scripted_engine import ScriptedDetector, pcm, silence, speech
from vivavoce.asr.engine import VoiceModels
from vivavoce.cli.app import run
from vivavoce.errors import ModelError
from vivavoce.store import KnownVoicesFile

pytest_plugins = ["support.cli_fixtures"]


@pytest.fixture
def loaded(monkeypatch):
    """Replaces the models; returns the voice encoders that were asked for."""
    asked = []

    def load(chosen):
        if chosen == "nothing":
            raise ModelError("no voice encoder is installed")
        asked.append(chosen)
        return VoiceModels(FakeEmbedder())

    monkeypatch.setattr("vivavoce.asr.engine.load_voices", load)
    monkeypatch.setattr("vivavoce.asr.models.load_detector", ScriptedDetector)
    return asked


@pytest.fixture
def file(parts, loaded, monkeypatch, tmp_path):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "home"))
    return KnownVoicesFile(tmp_path / "home" / "data" / "voices.json")


@pytest.fixture
def record(tmp_path):
    def recorded(name, *samples):
        path = tmp_path / name
        with wave.open(str(path), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(16_000)
            out.writeframes(pcm(np.concatenate(samples)))
        return str(path)

    return recorded


@pytest.fixture
def anna(record):
    return record("anna.wav", silence(20), speech(*[0] * 32), silence(20))


def test_a_voice_is_enrolled_and_the_user_learns_what_is_stored(file, anna, capsys):
    assert run(["voices", "add", "Dr  Weber", anna]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    stored, enrolled = err.splitlines()
    assert stored == (
        f"Storing in {file.path}: the name Dr Weber, the voice encoder fake, the time, and 2 numbers that "
        "describe the voice; no audio. To delete it: vivavoce voices remove 'Dr Weber'"
    )
    assert enrolled == "Enrolled Dr Weber from 11.3 s of speech."
    (voice,) = file.read()
    assert (voice.name, voice.model) == ("Dr Weber", "fake")
    assert np.frombuffer(voice.embedding, "<f4") == pytest.approx([1.0, 0.0])


def test_it_is_said_before_it_is_stored(file, anna, capsys):
    file.path.mkdir(parents=True)
    assert run(["voices", "add", "Anna", anna, "--replace"]) == 2
    said, failed = capsys.readouterr().err.splitlines()
    assert said.startswith("Storing in ")
    assert failed.endswith("voices.json: is a directory")


def test_voices_are_listed(file, anna, capsys):
    assert run(["voices", "list"]) == 0
    assert capsys.readouterr() == ("", "No voice is enrolled: vivavoce voices add enrols one.\n")
    run(["voices", "add", "Anna", anna])
    capsys.readouterr()
    assert run(["voices", "list"]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split("  ") == ["NAME", "VOICE ENCODER", "ENROLLED"]
    assert row.split()[:2] == ["Anna", "fake"]


def test_a_name_that_is_taken_needs_replace(file, anna, record, capsys):
    other = record("other.wav", speech(*[1] * 32))
    run(["voices", "add", "Anna", anna])
    capsys.readouterr()
    assert run(["voices", "add", "ANNA", other]) == 2
    assert capsys.readouterr().err == (
        "vivavoce: there is a voice ANNA already: use --replace, or another name\n"
    )
    assert run(["voices", "add", "ANNA", other, "--replace"]) == 0
    (voice,) = file.read()
    assert voice.name == "ANNA"
    assert np.frombuffer(voice.embedding, "<f4") == pytest.approx([0.0, 1.0])


def test_too_little_speech_and_two_voices_are_refused(file, record, capsys):
    short = record("short.wav", speech(*[0] * 10), silence(900))
    assert run(["voices", "add", "Anna", short]) == 1
    assert capsys.readouterr().err == (
        f"vivavoce: {short}: a voice needs 10 s of speech, and there are 3.5 s (pauses do not count): use a "
        "longer recording\n"
    )
    both = record("both.wav", speech(*[0] * 20), silence(40), speech(*[1] * 20))
    assert run(["voices", "add", "Anna", both]) == 1
    assert capsys.readouterr().err.startswith(f"vivavoce: {both}: more than one person speaks")
    assert file.read() == ()


def test_a_voice_is_removed(file, anna, capsys):
    run(["voices", "add", "Anna", anna])
    run(["voices", "add", "Ben", anna])
    capsys.readouterr()
    assert run(["voices", "remove", "anna"]) == 0
    assert capsys.readouterr().err == "Deleted Anna.\n"
    assert run(["voices", "remove", "Anna"]) == 2
    assert capsys.readouterr().err == "vivavoce: there is no voice Anna: vivavoce voices list shows all\n"
    assert run(["voices", "remove", "--all"]) == 0
    assert run(["voices", "remove", "--all"]) == 0
    assert capsys.readouterr().err == "Deleted all known voices.\nNo voice is enrolled.\n"
    assert not file.path.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add", "Anna"], "name a recording or --mic"),
        (["add", "Anna", "a.wav", "--mic"], "name a recording or --mic"),
        (["add", "Anna", "a.wav", "--device", "1"], "--device only with --mic"),
        (["add", "Anna", "a.wav", "--speaker-model", "none"], "--speaker-model must be a voice encoder"),
        (["add", "AB", "a.wav"], "must not be a label"),
        (["remove"], "name the voice to delete, or --all"),
        (["remove", "Anna", "--all"], "name the voice to delete, or --all"),
    ],
)
def test_what_does_not_fit_is_wrong_usage(file, arguments, message, capsys):
    assert run(["voices", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_missing_recording_and_a_missing_voice_encoder_are_one_line(file, anna, capsys):
    assert run(["voices", "add", "Anna", "no.wav"]) == 1
    assert capsys.readouterr().err == "vivavoce: no.wav: no such file or directory\n"
    assert run(["voices", "add", "Anna", anna, "--speaker-model", "nothing"]) == 1
    assert capsys.readouterr().err == "vivavoce: no voice encoder is installed\n"


def test_the_microphone_is_recorded_until_there_is_enough_speech(
    file, loaded, microphone, monkeypatch, capsys
):
    block = pcm(speech(*[0] * 4))
    monkeypatch.setattr(microphone, "chunks", (block,) * 30)
    assert run(["voices", "add", "Anna", "--mic", "--device", "3", "--speaker-model", "campplus"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Speak for about fifteen seconds")
    assert lines[1:3] == ["4 s of speech", "8 s of speech"]
    assert lines[-1] == "Enrolled Anna from 12.7 s of speech."
    assert (microphone.opened, microphone.closed) == ([(16_000, 3)], 1)
    assert loaded == ["campplus"]


def test_a_microphone_that_hears_nothing_ends_too(file, microphone, monkeypatch, capsys):
    monkeypatch.setattr(microphone, "chunks", (bytes(320_000),) * 30)
    assert run(["voices", "add", "Anna", "--mic"]) == 1
    assert (
        "vivavoce: microphone: a voice needs 10 s of speech, and there are 0.0 s" in capsys.readouterr().err
    )
    assert microphone.closed == 1


def test_serve_gets_the_file_only_if_it_is_asked_for(file, parts):
    assert run(["serve", "--known-voices"]) == 0
    assert run(["serve"]) == 0
    assert [options.known_voices for options in parts.served] == [file.path, None]
