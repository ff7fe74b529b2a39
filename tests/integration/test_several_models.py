"""A server with several models: sessions choose, and no model disturbs the others."""

import json
import threading
import urllib.request

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, pcm, silence, speech
from support.time_limit import wait_until
from vivavoce.asr.engine import Engine
from vivavoce.errors import ModelError
from vivavoce.model_files import ChosenModel
from vivavoce.server import LocalServer, ServerOptions

MODELS = (
    ChosenModel("alpha-en", "scripted", ("en",)),
    ChosenModel("bravo-de", "scripted", ("de",)),
    ChosenModel("charlie", "scripted", ("en", "de", "fr")),
    ChosenModel("broken-ja", "scripted", ("ja",)),
)


@pytest.fixture
def server():
    made = []

    def engine(model):
        made.append(model.name)

        def recogniser():
            if model.name.startswith("broken"):
                raise ModelError(f"{model.name} is damaged: run vivavoce models verify")
            return ScriptedRecogniser()

        return Engine(recogniser=recogniser, detector=ScriptedDetector, workers=1)

    with LocalServer(ServerOptions(port=0, models=MODELS), engine=engine) as server:
        server.made = made
        yield server


def transcribe(server, query):
    """Return the model of a session, its warnings, and the text of its turns."""
    with connect(f"{server.base_url}/v3/ws?sample_rate=16000&{query}") as websocket:
        begin = json.loads(websocket.recv())
        samples = pcm([*speech(0, 1), *silence(60)])
        for start in range(0, len(samples), 3200):
            websocket.send(samples[start : start + 3200])
        websocket.send('{"type": "Terminate"}')
        messages = [json.loads(message) for message in websocket]
    return (
        begin["configuration"]["model"],
        [message["warning"] for message in messages if message["type"] == "Warning"],
        [it["transcript"] for it in messages if it["type"] == "Turn" and it["end_of_turn"]],
    )


def test_models_are_loaded_when_a_session_asks_for_them(server):
    server.wait_ready()
    assert server.made == ["alpha-en"]
    assert transcribe(server, "speech_model=bravo-de") == ("bravo-de", [], ["alpha bravo"])
    assert server.made == ["alpha-en", "bravo-de"]
    transcribe(server, "language_code=fr")
    assert server.made == ["alpha-en", "bravo-de", "charlie"]
    with urllib.request.urlopen(server.base_url.replace("ws", "http", 1) + "/metrics") as response:
        metrics = response.read().decode()
    assert 'vivavoce_model_sessions{model="bravo-de"} ' in metrics
    assert 'vivavoce_model_sessions{model="broken-ja"}' not in metrics


def test_a_model_that_cant_be_loaded_fails_its_own_sessions_only(server):
    with pytest.raises(ConnectionClosedError, match="3005"):
        transcribe(server, "speech_model=broken-ja")
    assert transcribe(server, "")[2] == ["alpha bravo"]


def test_eight_sessions_of_three_models_at_once(server):
    queries = [
        "speech_model=alpha-en",
        "speech_model=bravo-de",
        "speech_model=charlie",
        "language_code=de",
    ] * 2
    results = [None] * len(queries)

    def run(place):
        results[place] = transcribe(server, queries[place])

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(queries))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result[2] for result in results] == [["alpha bravo"]] * 8
    assert sorted(server.made) == ["alpha-en", "bravo-de", "charlie"]


def test_sessions_of_all_models_share_the_machine():
    def engine(_model):
        return Engine(recogniser=ScriptedRecogniser, detector=ScriptedDetector, workers=1)

    streams = {"alpha-en": 2, "bravo-de": 1}
    options = ServerOptions(port=0, models=MODELS[:2], streams_of_models=streams)
    with LocalServer(options, engine=engine) as server:
        address = f"{server.base_url}/v3/ws?sample_rate=16000&speech_model="
        with connect(f"{address}alpha-en") as first:
            assert json.loads(first.recv())["type"] == "Begin"
            with connect(f"{address}bravo-de") as second:
                error = json.loads(second.recv())
                assert "the server has no capacity for another session" in error["error"]
                with pytest.raises(ConnectionClosed):
                    second.recv()
            with connect(f"{address}alpha-en") as third:
                assert json.loads(third.recv())["type"] == "Begin"
                with pytest.raises(InvalidStatus) as refused:  # before the client can name a model
                    connect(f"{address}alpha-en").__enter__()
                assert refused.value.response.status_code == 503
        wait_until(lambda: not server._server.service.connections)
        with connect(f"{address}bravo-de") as fourth:
            assert json.loads(fourth.recv())["type"] == "Begin"
