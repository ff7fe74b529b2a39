"""The SDK with the real model: one call, and a connection that breaks within a sentence."""

import re
import wave

import pytest

import vivavoce
from support.faulty_proxy import Break, Fault, FaultyProxy


def transcribe(url, chunks, rate):
    with vivavoce.connect(url=url, sample_rate=rate) as session:
        session.send(chunks)
        session.end()
        return list(session.events())


@pytest.fixture(scope="module")
def audio(recording):
    with wave.open(str(recording)) as file:
        rate, data = file.getframerate(), file.readframes(file.getnframes())
    return [data[at : at + 8_820] for at in range(0, len(data), 8_820)], rate


def finals(events):
    return [event for event in events if event.type == "Turn" and event.end_of_turn]


def words(turn):
    """What was said. Its punctuation may differ from run to run: with weights in 8 bits, two marks that are
    as likely as each other depend on what is decoded together.
    """
    return re.findall(r"[\w']+", turn.transcript.lower())


@pytest.mark.parametrize("fraction", [0.2, 0.55, 0.9])
def test_a_lost_connection_loses_no_word(server, audio, fraction):
    chunks, rate = audio
    undisturbed = finals(transcribe(server.base_url, chunks, rate))
    place = Break(Fault.DROP, int(fraction * sum(map(len, chunks))))
    with FaultyProxy(server.base_url, place) as proxy:
        events = transcribe(proxy.url, chunks, rate)
    assert proxy.broken == 1
    assert sum(event.type == "Reconnected" for event in events) == 1
    assert [words(turn) for turn in finals(events)] == [words(turn) for turn in undisturbed]
    for turn, expected in zip(finals(events), undisturbed, strict=True):
        assert turn.turn_order == expected.turn_order
        assert turn.start == pytest.approx(expected.start, abs=250)
        assert turn.end == pytest.approx(expected.end, abs=250)


def test_one_call(recording, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("VIVAVOCE_BASE_URL", "ASSEMBLYAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    transcript = vivavoce.transcribe(recording)
    assert transcript.text.startswith("It was the best of times")
    starts = [word.start for word in transcript.words]
    assert starts == sorted(starts)
    assert 10_000 < starts[-1] < 17_000
