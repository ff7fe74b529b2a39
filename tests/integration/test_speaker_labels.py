"""Speaker labels in a v3 session, from the query to the last revision."""

import json

import pytest
from websockets.sync.client import connect

from support.fake_embedder import FakeEmbedder
from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, pcm, silence, speech
from vivavoce.asr.engine import Engine, VoiceModels, Voices
from vivavoce.server import LocalServer, ServerOptions

SILENCE = silence(58)
CHUNK = 3_200


@pytest.fixture
def serve(monkeypatch, tmp_path):
    """Starts a server with a fake voice encoder, or without any."""
    servers = []

    def started(embedder):
        file = tmp_path / "pretrained.pt"
        file.touch()
        if embedder is not None:
            monkeypatch.setattr(
                "vivavoce.server.service.voices_of", lambda _options: Voices(lambda: VoiceModels(embedder))
            )
        options = ServerOptions(port=0, speaker_model="none" if embedder is None else str(file))

        def engine(_model):
            return Engine(recogniser=ScriptedRecogniser, detector=ScriptedDetector, workers=1)

        server = LocalServer(options, engine=engine)
        servers.append(server)
        return server.__enter__()

    yield started
    for server in servers:
        server.__exit__(None, None, None)


def talk(server, query, *turns):
    audio = pcm([sample for words in turns for sample in (*speech(*words), *SILENCE)])
    headers = {"User-Agent": "AssemblyAI/1.0 (sdk=Python/1.8.2)"}
    url = f"{server.base_url}/v3/ws?sample_rate=16000&{query}"
    with connect(url, additional_headers=headers) as websocket:
        for start in range(0, len(audio), CHUNK):
            websocket.send(audio[start : start + CHUNK])
        websocket.send('{"type": "Terminate"}')
        return [json.loads(message) for message in websocket]


def finished(messages):
    return [message for message in messages if message["type"] == "Turn" and message["end_of_turn"]]


def test_turns_and_words_have_speakers(serve):
    server = serve(FakeEmbedder())
    messages = talk(server, "speaker_labels=true", (0, 2), (1, 3), (2, 4))
    assert messages[0]["configuration"]["speaker_labels"] is True
    assert [message for message in messages if message["type"] == "Warning"] == []
    turns = finished(messages)
    assert [turn["speaker_label"] for turn in turns] == ["A", "B", "A"]
    assert [{word["speaker"] for word in turn["words"]} for turn in turns] == [{"A"}, {"B"}, {"A"}]
    assert not any(
        "speaker_label" in each for each in messages if each["type"] == "Turn" and each not in turns
    )
    assert [message["type"] for message in messages][-1] == "Termination"
    assert "SpeakerRevision" not in {message["type"] for message in messages}


def test_a_revision_comes_before_the_end(serve):
    embedder = FakeEmbedder()
    embedder.shortest_samples = 8_000  # one word alone is too short
    messages = talk(serve(embedder), "speaker_labels=true&max_speakers=2", (0, 2), (1,), (3, 5))
    assert [turn["speaker_label"] for turn in finished(messages)] == ["A", "PENDING", "B"]
    revision, termination = messages[-2:]
    assert (revision["type"], termination["type"]) == ("SpeakerRevision", "Termination")
    [item] = revision["revisions"]
    assert (item["turn_order"], item["speaker_label"]) == (1, "A")
    assert [(word["text"], word["speaker"]) for word in item["words"]] == [("bravo", "A")]


def test_the_sdk_reports_speakers(serve):
    from vivavoce.streaming.v3 import (
        StreamingClient,
        StreamingClientOptions,
        StreamingEvents,
        StreamingParameters,
    )

    server = serve(FakeEmbedder())
    client = StreamingClient(StreamingClientOptions(api_key="none", api_host=server.base_url))
    labels = []
    client.on(
        StreamingEvents.Turn,
        lambda _, turn: (
            labels.append((turn.speaker_label, turn.words[0].speaker)) if turn.end_of_turn else None
        ),
    )
    client.connect(StreamingParameters(sample_rate=16_000, speaker_labels=True, max_speakers=3))
    audio = pcm([*speech(0, 2), *SILENCE, *speech(1, 3), *SILENCE])
    client.stream(audio[start : start + CHUNK] for start in range(0, len(audio), CHUNK))
    client.disconnect(terminate=True)
    assert labels == [("A", "A"), ("B", "B")]


def test_without_a_voice_encoder_a_warning_says_so(serve):
    messages = talk(serve(None), "speaker_labels=true&max_speakers=2", (0, 2))
    assert messages[0]["configuration"]["speaker_labels"] is False
    assert [message["warning"] for message in messages if message["type"] == "Warning"] == [
        "speaker_labels is accepted and has no effect: the server does not tell speakers apart"
    ]
    assert "speaker_label" not in finished(messages)[0]


def test_a_session_that_does_not_ask_pays_nothing(serve):
    embedder = FakeEmbedder()
    messages = talk(serve(embedder), "speaker_labels=false", (0, 2))
    assert "speaker_label" not in finished(messages)[0]
    assert embedder.batches == []


def test_a_voice_encoder_that_fails_costs_no_words(serve):
    messages = talk(serve(FakeEmbedder(error=ValueError("odd"))), "speaker_labels=true", (0, 2), (1, 3))
    assert [turn["transcript"] for turn in finished(messages)] == ["alpha charlie", "bravo delta"]
    assert [turn["speaker_label"] for turn in finished(messages)] == ["PENDING"] * 2
    assert messages[-1]["type"] == "Termination"
