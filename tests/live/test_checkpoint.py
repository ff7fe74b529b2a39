"""The packaged weights in the form of a checkpoint, which is how Moonshine base comes."""

import difflib

import pytest

import vivavoce
from support.tiny_checkpoint import write_tiny
from vivavoce.model_files import choose
from vivavoce.server import LocalServer, ServerOptions


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIVAVOCE_HOME", str(folder / "home"))  # where its graphs are written
        yield choose(str(write_tiny(folder / "tiny-en")))


def transcribe(server, recording):
    return vivavoce.transcribe(str(recording), url=server.base_url)


def words(transcript):
    return [word.text for turn in transcript.turns for word in turn.words]


def test_its_transcript_is_nearly_that_of_the_packaged_model(checkpoint, server, recording):
    usual = transcribe(server, recording)
    with LocalServer(ServerOptions(port=0, max_lead_s=None, models=(checkpoint,))) as other:
        found = transcribe(other, recording)
    assert "it was the worst of times" in found.text.lower()
    # Its matrices are quantised again, with other scales.
    assert difflib.SequenceMatcher(None, words(usual), words(found)).ratio() > 0.9
    for turn in found.turns:
        times = [time for word in turn.words for time in (word.start, word.end)]
        assert times == sorted(times)


def test_it_revises_what_the_packaged_model_heard(checkpoint, recording):
    options = ServerOptions(port=0, max_lead_s=None, final_model=checkpoint, final_wait_s=60.0)
    with LocalServer(options) as server:
        transcript = transcribe(server, recording)
        stats = server._server.service.engine.stats
    assert "worst of times" in transcript.text
    assert stats.passes["revision"] >= len(transcript.turns)
    assert stats.late_revisions == 0
