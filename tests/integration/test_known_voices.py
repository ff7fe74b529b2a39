"""From a recording of a voice to its name in a session, and back to a letter."""

import wave

import pytest

from support.fake_embedder import FakeEmbedder
from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, pcm, silence, speech
from vivavoce.asr.engine import Engine, VoiceModels, Voices
from vivavoce.cli.app import run
from vivavoce.server import LocalServer, ServerOptions
from vivavoce.store import known_voices_path

SILENCE = silence(58)
CHUNK = 3_200


@pytest.fixture(autouse=True)
def models(monkeypatch, tmp_path):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    models = VoiceModels(FakeEmbedder())
    monkeypatch.setattr("vivavoce.asr.engine.load_voices", lambda _chosen: models)
    monkeypatch.setattr("vivavoce.asr.models.load_detector", ScriptedDetector)
    monkeypatch.setattr("vivavoce.server.service.voices_of", lambda _options: Voices(lambda: models))


@pytest.fixture
def enrolled(tmp_path):
    path = tmp_path / "anna.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(pcm(speech(*[1, 3] * 16)))
    assert run(["voices", "add", "Anna", str(path)]) == 0


@pytest.fixture
def server(tmp_path, enrolled):
    file = tmp_path / "pretrained.pt"
    file.touch()

    def engine(_model):
        return Engine(recogniser=ScriptedRecogniser, detector=ScriptedDetector, workers=1)

    options = ServerOptions(port=0, speaker_model=str(file), known_voices=known_voices_path())
    with LocalServer(options, engine=engine) as server:
        yield server


def speakers(server, *turns, speaker_labels=True):
    import vivavoce

    audio = pcm([sample for words in turns for sample in (*speech(*words), *SILENCE)])
    with vivavoce.connect(url=server.base_url, speaker_labels=speaker_labels) as session:
        session.send(audio[start : start + CHUNK] for start in range(0, len(audio), CHUNK))
        session.close()
        turns = [event for event in session.events() if isinstance(event, vivavoce.TurnEvent)]
    return [turn.speaker_label for turn in turns if turn.end_of_turn]


def test_a_known_voice_has_its_name_until_it_is_removed(server):
    assert speakers(server, (0, 2), (1, 3), (2, 4), (5, 1)) == ["A", "Anna", "A", "Anna"]
    assert run(["voices", "remove", "Anna"]) == 0
    assert speakers(server, (0, 2), (1, 3), (2, 4)) == ["A", "B", "A"]


def test_a_session_that_does_not_ask_gets_no_names(server):
    assert speakers(server, (1, 3), speaker_labels=False) == [None]
