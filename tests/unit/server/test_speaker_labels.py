"""Finished turns get speakers, and earlier ones others if that is more likely."""

import asyncio
import threading

import pytest

from support.fake_embedder import FakeEmbedder
from support.scripted_engine import speech
from vivavoce.asr.engine import Voices
from vivavoce.protocol.events import SpeakerRequest, TurnUpdated
from vivavoce.server.speaker_labels import PENDING, SpeakerLabels, _letters, _with_neighbours


def turn(order, channel=None, end_ms=0):
    return TurnUpdated(order, 0, end_ms, ended=True, channel=channel)


def run(body, embedder=None, *, patient=False, **request):
    async def running():
        voices = Voices(lambda: embedder or FakeEmbedder())
        labels = SpeakerLabels(SpeakerRequest(**request), voices, patient=patient)
        try:
            return await body(labels)
        finally:
            labels.close()
            voices.stop()

    return asyncio.run(running())


async def label_all(labels, *words, channel=None):
    return [
        (await labels.label(turn(order, channel), speech(word, word))).speaker
        for order, word in enumerate(words)
    ]


def test_turns_of_one_voice_have_one_letter():
    assert run(lambda labels: label_all(labels, 0, 1, 2, 3, 5, 4)) == ["A", "B", "A", "B", "B", "A"]


def test_there_are_never_more_speakers_than_asked_for():
    assert run(lambda labels: label_all(labels, 0, 1, 2, 3), most=1) == ["A"] * 4


def test_each_channel_has_its_own_speakers():
    async def body(labels):
        one = await label_all(labels, 1, 0, channel=0)
        return one, await label_all(labels, 0, 1, channel=1)

    assert run(body) == (["A", "B"], ["A", "B"])


def test_a_short_turn_waits_and_gets_the_speaker_of_its_neighbour():
    async def body(labels):
        short = (await labels.label(turn(0), speech(1)[:500])).speaker
        nothing = (await labels.label(turn(1), None)).speaker
        known = (await labels.label(turn(2), speech(1, 1))).speaker
        last = (await labels.label(turn(3), speech(0)[:500])).speaker
        revised = await labels.end()
        return [short, nothing, known, last], {each.turn_order: each.speaker for each in revised.turns}

    shown, revised = run(body)
    assert shown == [PENDING, PENDING, "A", PENDING]
    assert revised == {0: "A", 1: "A", 3: "A"}


def test_what_is_right_is_not_revised():
    async def body(labels):
        await label_all(labels, 0, 1, 0)
        return await labels.end()

    assert run(body) is None


def test_a_late_label_comes_with_the_next_revision(monkeypatch):
    monkeypatch.setattr("vivavoce.server.speaker_labels._LIMIT_S", 0.01)
    gate = threading.Event()

    async def body(labels):
        shown = (await labels.label(turn(0), speech(0, 0))).speaker
        labels._limit_s = None
        gate.set()
        return shown, (await labels.end()).turns[0].speaker

    assert run(body, FakeEmbedder(gate=gate)) == (PENDING, "A")


def test_a_recording_waits_for_its_labels(monkeypatch):
    monkeypatch.setattr("vivavoce.server.speaker_labels._LIMIT_S", 0.0)
    assert run(lambda labels: label_all(labels, 1, 0), patient=True) == ["A", "B"]


def test_without_a_voice_encoder_the_words_come_all_the_same(caplog):
    assert (
        run(lambda labels: label_all(labels, 0, 1, 0), FakeEmbedder(error=ValueError("odd"))) == [PENDING] * 3
    )
    assert caplog.text.count("turns are not labelled any more: odd") == 1


def test_revisions_come_at_their_interval():
    async def body(labels):
        found = []
        for order, end_ms in enumerate((50_000, 119_000, 121_000, 200_000, 250_000)):
            await labels.label(turn(order, end_ms=end_ms), speech(0)[:500] if order % 2 else speech(0, 0))
            found.append(labels.revise(end_ms))
        return [None if each is None else [it.turn_order for it in each.turns] for each in found]

    assert run(body, revision_ms=120_000) == [None, None, [1], None, [3]]
    assert run(body) == [None] * 5


@pytest.mark.parametrize(("number", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA")])
def test_letters(number, letters):
    assert _letters(number) == letters


def test_turns_without_a_voice_of_their_own():
    assert _with_neighbours({2: 0, 4: 1}, [0, 1, 2, 3, 4, 5]) == {
        0: "A", 1: "A", 2: "A", 3: "A", 4: "B", 5: "B",
    }  # fmt: skip
    assert _with_neighbours({}, [0, 1]) == {}
