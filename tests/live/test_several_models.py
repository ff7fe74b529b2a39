"""A server with the default model and Whisper, with real weights."""

from concurrent.futures import ThreadPoolExecutor

import pytest

import vivavoce
from support.whisper_models import needed_model
from vivavoce.model_files import choose
from vivavoce.server import LocalServer, ServerOptions


@pytest.fixture(scope="module")
def whisper():
    return choose(str(needed_model("base")))


def transcribe(server, recording, **options):
    return vivavoce.transcribe(str(recording), url=server.base_url, **options)


def test_eight_sessions_of_two_models_at_once(whisper, recording):
    models = (choose("moonshine-tiny-en"), whisper)
    queries = [
        {},
        {"speech_model": whisper.name, "language_detection": True},
        {"language_codes": ["multi"]},
        {"speech_model": "u3-rt-pro"},
    ] * 2
    options = ServerOptions(port=0, max_lead_s=None, models=models)
    with LocalServer(options) as server, ThreadPoolExecutor(len(queries)) as pool:
        futures = [pool.submit(transcribe, server, recording, **query) for query in queries]
        found = [future.result(timeout=300) for future in futures]
    assert all("worst of times" in transcript.text for transcript in found)
    assert {turn.language_code for turn in found[1].turns} == {"en"}
    assert {turn.language_code for turn in found[0].turns} == {None}


def test_finals_by_a_second_model(whisper, recording):
    options = ServerOptions(port=0, max_lead_s=None, final_model=whisper, final_wait_s=60.0)
    with LocalServer(options) as server:
        transcript = transcribe(server, recording)
        stats = server._server.service.engine.stats
    assert "worst of times" in transcript.text
    assert stats.passes["revision"] >= len(transcript.turns)
    assert stats.late_revisions == 0
