"""A prompt and a task, from the query of either protocol to the recogniser of the session."""

import contextlib
import json
import threading

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, pcm, silence, speech
from vivavoce.asr.engine import Engine
from vivavoce.model_files import ChosenModel
from vivavoce.server import LocalServer, ServerOptions

ENGLISH = ChosenModel("alpha-en", "scripted", ("en",))
MANY = ChosenModel("whisper-some", "whisper", ("en", "de"))
TURN = pcm([*speech(0, 1), *silence(58)])
CHUNK = len(TURN) // 10


@pytest.fixture
def serve():
    """Starts a server with some models; returns it and the recogniser of each model."""
    stack = contextlib.ExitStack()

    def started(*models):
        recognisers = {model.name: ScriptedRecogniser() for model in models}

        def engine(model):
            return Engine(recogniser=lambda: recognisers[model.name], detector=ScriptedDetector, workers=1)

        server = LocalServer(ServerOptions(port=0, models=models), engine=engine)
        return stack.enter_context(server), recognisers

    with stack:
        yield started


def talk(server, path, query, *messages):
    """Open a session that says two words before and after each message; returns all that was sent."""
    headers = {"User-Agent": "AssemblyAI/1.0 (sdk=Python/1.8.2)"}
    url = f"{server.base_url}{path}?sample_rate=16000&{query}"
    with connect(url, additional_headers=headers) as websocket:
        for message in (None, *messages):
            if message is not None:
                websocket.send(json.dumps(message))
            for start in range(0, len(TURN), CHUNK):
                websocket.send(TURN[start : start + CHUNK])
        websocket.send('{"type": "Terminate"}')
        return [json.loads(message) for message in websocket]


def spans(recogniser):
    """Spans of sessions, without those of silence that warm a model up."""
    return [span for call in recogniser.calls for span in call if span.samples.any()]


def test_a_prompt_reaches_the_model_of_its_session(serve):
    server, recognisers = serve(MANY)

    def session(prompt):
        change = {"type": "UpdateConfiguration", "prompt": f"{prompt} again"}
        sent[prompt] = talk(server, "/v3/ws", f"prompt={prompt}", change)

    sent = {}
    threads = [threading.Thread(target=session, args=(prompt,)) for prompt in ("Ada", "Grace")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for messages in sent.values():
        assert [message["type"] for message in messages if message["type"] == "Warning"] == []
        ended = [message for message in messages if message["type"] == "Turn" and message["end_of_turn"]]
        assert [message["transcript"] for message in ended] == ["alpha bravo"] * 2
    told = {span.prompt for span in spans(recognisers["whisper-some"])}
    assert told == {"Ada", "Ada again", "Grace", "Grace again"}


def test_a_model_that_takes_no_prompt_says_so_and_the_session_goes_on(serve):
    server, recognisers = serve(ENGLISH)
    messages = talk(server, "/v3/ws", "prompt=Ada", {"type": "UpdateConfiguration", "prompt": "Grace"})
    warning = "prompt is accepted and has no effect: the model takes no prompt"
    assert [it["warning"] for it in messages if it["type"] == "Warning"] == [warning] * 2
    assert len([it for it in messages if it["type"] == "Turn" and it["end_of_turn"]]) == 2
    assert {span.prompt for span in spans(recognisers["alpha-en"])} == {""}


@pytest.mark.parametrize("path", ["/v2/realtime/ws", "/v3/ws"])
@pytest.mark.parametrize(("query", "translates"), [("task=translate", True), ("task=transcribe", False)])
def test_a_task_reaches_the_first_model_that_can_do_it(serve, path, query, translates):
    server, recognisers = serve(ENGLISH, MANY)
    messages = talk(server, path, query)
    used = recognisers["whisper-some" if translates else "alpha-en"]
    assert {span.translates for span in spans(used)} == {translates}
    assert not any("warning" in message for message in messages)
    assert "alpha bravo" in json.dumps(messages).lower()


def test_where_no_model_translates_v3_warns_and_v2_refuses(serve):
    server, _ = serve(ENGLISH)
    messages = talk(server, "/v3/ws", "task=translate")
    assert [it["warning"] for it in messages if it["type"] == "Warning"] == [
        "task is accepted and has no effect: alpha-en can't translate"
    ]
    with pytest.raises(ConnectionClosedError, match=r"4101.*task=translate: alpha-en can't translate"):
        talk(server, "/v2/realtime/ws", "task=translate")
