"""The SDK with the real model: one call, and a connection that breaks in the middle of a sentence."""

import wave

import pytest

import vivavoce
from support.faulty_proxy import Break, Fault, FaultyProxy


def turns_of(url, chunks, rate):
    with vivavoce.connect(url=url, sample_rate=rate) as session:
        session.send(chunks)
        session.end()
        return list(session.events())


@pytest.fixture(scope="module")
def sound(recording):
    with wave.open(str(recording)) as file:
        rate, data = file.getframerate(), file.readframes(file.getnframes())
    return [data[at : at + 8_820] for at in range(0, len(data), 8_820)], rate


def finals(events):
    return [event for event in events if event.type == "Turn" and event.end_of_turn]


@pytest.mark.parametrize("fraction", [0.2, 0.55, 0.9])
def test_a_lost_connection_loses_no_word(server, sound, fraction):
    chunks, rate = sound
    undisturbed = finals(turns_of(server.base_url, chunks, rate))
    place = Break(Fault.DROP, int(fraction * sum(map(len, chunks))))
    with FaultyProxy(server.base_url, place) as proxy:
        events = turns_of(proxy.url, chunks, rate)
    assert proxy.broken == 1
    assert sum(event.type == "Reconnected" for event in events) == 1
    assert [turn.transcript for turn in finals(events)] == [turn.transcript for turn in undisturbed]
    for ours, theirs in zip(finals(events), undisturbed, strict=True):
        assert ours.turn_order == theirs.turn_order
        assert ours.start == pytest.approx(theirs.start, abs=250)
        assert ours.end == pytest.approx(theirs.end, abs=250)


def test_one_call(recording, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("VIVAVOCE_BASE_URL", "ASSEMBLYAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    found = vivavoce.transcribe(recording)
    assert found.text.startswith("It was the best of times")
    starts = [word.start for word in found.words]
    assert starts == sorted(starts)
    assert 10_000 < starts[-1] < 17_000
