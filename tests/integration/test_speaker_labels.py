"""Speaker labels in a v3 session, from the query to the last revision."""

import json

import pytest
from websockets.sync.client import connect

import vivavoce
from support.fake_embedder import FakeEmbedder
from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, pcm, silence, speech
from support.time_limit import wait_until
from vivavoce.asr.engine import Engine, VoiceModels, Voices
from vivavoce.captions import TurnLog
from vivavoce.server import LocalServer, ServerOptions

SILENCE = silence(58)
CHUNK = 3_200


@pytest.fixture
def serve(monkeypatch, tmp_path):
    """Starts a server with a fake voice encoder, or without any."""
    servers = []

    def started(embedder, **more):
        file = tmp_path / "pretrained.pt"
        file.touch()
        if embedder is not None:
            monkeypatch.setattr(
                "vivavoce.server.service.voices_of", lambda _options: Voices(lambda: VoiceModels(embedder))
            )
        options = ServerOptions(port=0, speaker_model="none" if embedder is None else str(file), **more)

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


def test_a_webhook_gets_the_speakers_of_the_last_revision(serve, monkeypatch):
    embedder = FakeEmbedder()
    embedder.shortest_samples = 8_000  # one word alone is too short
    posted = []
    monkeypatch.setattr("vivavoce.server.service.Service.post", lambda *got: posted.append(got[3]))
    server = serve(embedder, webhooks=True, private_webhooks=True)
    messages = talk(server, "speaker_labels=true&webhook_url=http://127.0.0.1:9/", (0, 2), (1,), (3, 5))
    sent = finished(messages)
    assert [turn["speaker_label"] for turn in sent] == ["A", "PENDING", "B"]
    wait_until(lambda: posted)
    [found] = posted
    found = [json.loads(frame) for frame in found]
    assert [turn["speaker_label"] for turn in found] == ["A", "A", "B"]
    assert [word["speaker"] for word in found[1]["words"]] == ["A"]
    assert [turn["transcript"] for turn in found] == [turn["transcript"] for turn in sent]


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


def realtime(server, *turns, **options):
    """Finals, the revisions and errors of a v2 session."""
    vivavoce.settings.base_url, vivavoce.settings.api_key = server.base_url, "none"
    log, revisions, errors = TurnLog(), [], []

    def revise(revision):
        revisions.append(revision)
        log.add(revision)

    transcriber = vivavoce.RealtimeTranscriber(
        on_data=log.add, on_error=errors.append, on_speaker_revision=revise, sample_rate=16_000, **options
    )
    transcriber.connect()
    audio = pcm([sample for words in turns for sample in (*speech(*words), *SILENCE)])
    transcriber.stream(audio[start : start + CHUNK] for start in range(0, len(audio), CHUNK))
    transcriber.close()
    return log, revisions, errors


@pytest.fixture
def settings(monkeypatch):
    for name in ("base_url", "api_key"):
        monkeypatch.setattr(vivavoce.settings, name, getattr(vivavoce.settings, name))


@pytest.mark.usefixtures("settings")
def test_finals_of_v2_have_speakers(serve):
    log, revisions, errors = realtime(serve(FakeEmbedder()), (0, 2), (1, 3), (2, 4), speaker_labels=True)
    assert [turn.speaker_label for turn in log.turns] == ["A", "B", "A"]
    assert [{word.speaker for word in turn.words} for turn in log.turns] == [{"A"}, {"B"}, {"A"}]
    assert revisions == errors == []


@pytest.mark.usefixtures("settings")
def test_a_v2_revision_comes_before_the_end(serve):
    embedder = FakeEmbedder()
    embedder.shortest_samples = 8_000  # one word alone is too short
    log, [revision], errors = realtime(serve(embedder), (0, 2), (1,), (3, 5), max_speakers=2)
    [item] = revision.revisions
    assert item.speaker_label == "A"
    assert [(word.text, word.speaker) for word in item.words] == [("bravo.", "A")]
    assert [turn.speaker_label for turn in log.turns] == ["A", "A", "B"]
    assert errors == []


@pytest.mark.usefixtures("settings")
def test_v2_without_a_voice_encoder_refuses_labels(serve):
    server = serve(None)
    with pytest.raises(vivavoce.RefusedError, match="speaker_labels: the server has no voice encoder"):
        realtime(server, (0, 2), speaker_labels=True)


def test_a_transcript_has_the_speakers_of_the_last_revision(serve):
    embedder = FakeEmbedder()
    embedder.shortest_samples = 8_000  # one word alone is too short
    audio = pcm([sample for words in ((0, 2), (1,), (3, 5)) for sample in (*speech(*words), *SILENCE)])
    transcript = vivavoce.transcribe(
        audio, sample_rate=16_000, url=serve(embedder).base_url, api_key="none", speaker_labels=True
    )
    assert [(each.speaker, each.text) for each in transcript.utterances] == [
        ("A", "Alpha Charlie,"),
        ("A", "bravo."),
        ("B", "delta Foxtrot"),
    ]
    assert [turn.speaker_label for turn in transcript.turns] == ["A", "A", "B"]
    assert [word.speaker for word in transcript.words] == list("AAABB")
    assert [each["speaker"] for each in json.loads(json.dumps(transcript.to_dict()))["utterances"]] == [
        *"AAB"
    ]
    assert "- delta Foxtrot" in transcript.to_srt()
    assert "Ben: delta Foxtrot" in transcript.to_srt(names={"B": "Ben"})
    assert "<v B>- delta Foxtrot</v>" in transcript.to_vtt()


def test_speaker_a_of_one_channel_is_not_speaker_a_of_the_other(serve):
    left = [*speech(0, 2), *SILENCE, *SILENCE, *speech(0, 2), *SILENCE]
    right = [*SILENCE, *speech(1, 3), *SILENCE, *SILENCE, *SILENCE]
    n = min(len(left), len(right))
    audio = pcm([sample for pair in zip(left[:n], right[:n], strict=True) for sample in pair])
    transcript = vivavoce.transcribe(
        audio,
        sample_rate=16_000,
        channels=2,
        url=serve(FakeEmbedder()).base_url,
        api_key="none",
        speaker_labels=True,
    )
    voices = {(each.channel, each.speaker) for each in transcript.utterances}
    assert voices == {(0, "A"), (1, "A")}
    captioned = transcript.to_srt(names={"1A": "Agent", "2A": "Caller"})
    assert captioned.count("Agent: Alpha") == 2
    assert captioned.count("Caller: bravo") == 1


def test_a_transcript_without_labels_is_as_it_was(serve):
    audio = pcm([*speech(0, 2), *SILENCE])
    transcript = vivavoce.transcribe(
        audio, sample_rate=16_000, url=serve(FakeEmbedder()).base_url, api_key="none"
    )
    assert [each.speaker for each in transcript.utterances] == [None]
    assert transcript.to_dict().keys() == {"text", "duration", "turns"}
    assert "<v" not in transcript.to_vtt()


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
