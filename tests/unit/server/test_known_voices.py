"""The known voices of a server: read again when they change, of the server's own voice encoder only."""

import logging
from array import array

import pytest

from support.fake_embedder import FakeEmbedder
from vivavoce.errors import ConfigurationError
from vivavoce.server.known_voices import KnownVoices
from vivavoce.store import KnownVoice, KnownVoicesFile


@pytest.fixture
def file(tmp_path):
    return KnownVoicesFile(tmp_path / "voices.json")


def voice(name, *values, model="fake"):
    return KnownVoice(name, model, array("f", values or (0.6, 0.8)).tobytes(), 1_000.0)


def names(known):
    return list(known.current()(FakeEmbedder()))


def test_voices_have_their_embeddings(file):
    file.add(voice("Anna", 1.0, 0.0))
    (name, embedding), *others = KnownVoices(file.path).current()(FakeEmbedder()).items()
    assert (name, embedding.tolist(), embedding.dtype, others) == ("Anna", [1.0, 0.0], "float32", [])


def test_a_change_is_known_to_the_next_session_and_not_to_an_open_one(file):
    known = KnownVoices(file.path)
    assert names(known) == []
    file.add(voice("Anna"))
    of_session = known.current()
    assert names(known) == ["Anna"]
    file.remove("Anna")
    assert names(known) == []
    assert list(of_session(FakeEmbedder())) == ["Anna"]


def test_voices_of_another_encoder_are_left_out_and_reported_once(file, caplog):
    file.add(voice("Anna"))
    file.add(voice("Ben", model="other"))
    file.add(voice("Carl", 1.0, 0.0, 0.0))  # of another width
    known = KnownVoices(file.path)
    with caplog.at_level(logging.INFO, "vivavoce.server"):
        known.report(FakeEmbedder())
        assert names(known) == names(known) == ["Anna"]
    assert caplog.text.count("2 of 3 known voices stay unknown: the voice encoder is fake") == 1
    assert caplog.text.count("1 known voice for sessions that label speakers") == 1
    assert not any(name in caplog.text for name in ("Anna", "Ben", "Carl"))


def test_a_file_that_gets_damaged_makes_all_voices_unknown(file, caplog):
    file.add(voice("Anna"))
    known = KnownVoices(file.path)
    file.path.write_bytes(b"{")
    assert names(known) == names(known) == []
    assert caplog.text.count("no voice is known: ") == 1
    assert "is damaged" in caplog.text


def test_a_damaged_file_stops_the_start(file):
    file.path.write_bytes(b"{")
    with pytest.raises(ConfigurationError, match="is damaged"):
        KnownVoices(file.path)


def test_a_file_that_others_read_is_warned_of(file, caplog):
    file.add(voice("Anna"))
    file.path.chmod(0o644)
    KnownVoices(file.path)
    assert "other users of this machine can read" in caplog.text
