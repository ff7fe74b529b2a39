"""Finished turns get speakers, and earlier ones others if that is more likely."""

import asyncio
import dataclasses
import threading

import numpy as np
import pytest

from support.fake_embedder import FakeEmbedder, FakeSegmenter
from support.scripted_engine import GAP_FRAMES, WORD_FRAMES, speech
from vivavoce.asr.engine import VoiceModels, Voices
from vivavoce.asr.speakers import PART_SAMPLES, Stretch, VoiceBook, parts_of
from vivavoce.protocol.events import SpeakerRequest, TurnUpdated
from vivavoce.server.speaker_labels import PENDING, SpeakerLabels, _letters
from vivavoce.types import Word


def turn(order, channel=None, end_ms=0):
    return TurnUpdated(order, 0, end_ms, ended=True, channel=channel)


def stretch(samples, start=0):
    return (Stretch(start, samples),)


def run(body, embedder=None, *, segmenter=None, patient=False, known=None, **request):
    async def running():
        voices = Voices(lambda: VoiceModels(embedder or FakeEmbedder(), segmenter))
        labels = SpeakerLabels(SpeakerRequest(**request), voices, patient=patient, known=known)
        try:
            return await body(labels)
        finally:
            labels.close()
            voices.stop()

    return asyncio.run(running())


async def label_all(labels, *words, channel=None):
    return [
        (await labels.label(turn(order, channel), stretch(speech(word, word)))).speaker
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
        short = (await labels.label(turn(0), stretch(speech(1)[:500]))).speaker
        nothing = (await labels.label(turn(1), ())).speaker
        known = (await labels.label(turn(2), stretch(speech(1, 1)))).speaker
        last = (await labels.label(turn(3), stretch(speech(0)[:500]))).speaker
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
        shown = (await labels.label(turn(0), stretch(speech(0, 0)))).speaker
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
            said = speech(0)[:500] if order % 2 else speech(0, 0)
            await labels.label(turn(order, end_ms=end_ms), stretch(said))
            found.append(await labels.revise(end_ms))
        return [None if each is None else [it.turn_order for it in each.turns] for each in found]

    assert run(body, revision_ms=120_000) == [None, None, [1], None, [3]]
    assert run(body) == [None] * 5


@pytest.mark.parametrize(("number", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA")])
def test_letters(number, letters):
    assert _letters(number) == letters


def spoken_turn(order, *said, start_ms=0):
    """A turn whose words are those of the scripted speech, with the speech."""
    ms_per_word = len(speech(0)) / 16
    words = tuple(
        Word(
            f"word{index}",
            round(start_ms + place * ms_per_word),
            round(start_ms + (place + 0.7) * ms_per_word),
            1.0,
        )
        for place, index in enumerate(said)
    )
    return TurnUpdated(order, start_ms, words[-1].end_ms, words, ended=True), stretch(
        speech(*said), start_ms * 16
    )


def test_two_speakers_in_one_turn_have_their_own_words():
    async def body(labels):
        first = await labels.label(*spoken_turn(0, 0, 2, 0, 2, 1, 3, 1))
        second = await labels.label(*spoken_turn(1, 1, 3, 1, start_ms=9_000))
        return first, second

    first, second = run(body, segmenter=FakeSegmenter())
    assert [word.speaker for word in first.words] == ["A"] * 4 + ["B"] * 3
    assert first.speaker == "A"
    assert [word.speaker for word in second.words] == ["B"] * 3
    assert second.speaker == "B"
    assert all(0.5 <= word.speaker_confidence <= 1 for word in first.words)


def test_words_that_two_speak_at_once_are_unsure():
    frames = WORD_FRAMES + GAP_FRAMES
    segmenter = FakeSegmenter(shared=(2 * frames, 4 * frames))
    turn_, heard = spoken_turn(0, 0, 2, 0, 2, 1, 3, 1)
    words = run(lambda labels: labels.label(turn_, heard), segmenter=segmenter).words
    assert max(word.speaker_confidence for word in words[2:4]) <= 0.5
    assert min(word.speaker_confidence for word in words[4:]) > 0.5


def test_known_voices_have_names_and_others_letters():
    asked = []

    def known(embedder):
        asked.append(embedder.name)
        return {"Anna": np.array([0, 1], np.float32)}

    assert run(lambda labels: label_all(labels, 0, 1, 2, 3), known=known) == ["A", "Anna", "A", "Anna"]
    assert asked == ["fake"]


def test_every_word_of_a_revised_turn_is_reported():
    async def body(labels):
        turn_, heard = spoken_turn(0, 1)
        waiting = await labels.label(turn_, (Stretch(0, heard[0].samples[:500]),))
        await labels.label(*spoken_turn(1, 1, 1, start_ms=5_000))
        return waiting, await labels.end()

    waiting, revised = run(body)
    assert [word.speaker for word in waiting.words] == [PENDING]
    assert [[word.speaker for word in each.words] for each in revised.turns] == [["A"]]


class Crowded(FakeEmbedder):
    """As many voices as words of the scripted speech, and nothing to say of silence or hiss."""

    width = 10

    def embed(self, voices):
        found = np.full((len(voices), self.width), np.nan, np.float32)
        for row, samples in zip(found, voices, strict=True):
            loudest = round(float(np.abs(samples).max(initial=0.0)) / 0.05)
            if loudest:
                row[:] = np.eye(self.width)[min(loudest, self.width) - 1]
        return found

    typical = np.zeros(10, np.float32)


def everything(rng):
    """Turns of ten people, of crosstalk, hiss, silence, single words, no words, and no speech at all."""
    turns = []
    for order in range(60):
        index = int(rng.integers(0, 10))
        start_ms = order * 5_000
        turn_, heard = spoken_turn(order, *[index] * int(rng.integers(1, 4)), start_ms=start_ms)
        samples = heard[0].samples
        odd = [
            samples,
            samples,
            samples + rng.permutation(samples),  # crosstalk
            rng.normal(0, 0.3, 40_000).astype(np.float32),  # hiss
            np.zeros(40_000, np.float32),
            samples[:700],
            samples[:1],
        ][order % 7]
        words = () if order % 11 == 3 else turn_.words
        words = tuple(  # some far from the speech, and some without any length
            dataclasses.replace(word, end_ms=word.start_ms) if order % 13 == 5 else word for word in words
        )
        if order % 17 == 6:
            words = tuple(
                dataclasses.replace(word, start_ms=0, end_ms=900_000 if place else 0)
                for place, word in enumerate(words)
            )
        stretches = () if order % 19 == 7 else (Stretch(start_ms * 16, odd),)
        turns.append((dataclasses.replace(turn_, words=words), stretches))
    return turns


@pytest.mark.parametrize("most", [1, 2, 5])
@pytest.mark.parametrize("named", [0, 3])
@pytest.mark.parametrize("segmented", [False, True])
@pytest.mark.parametrize("channels", [(None,), (0, 1)])
def test_whatever_is_heard_no_more_labels_than_asked_for_are_seen(most, named, segmented, channels):
    people = {f"Person {place}": np.eye(10, dtype=np.float32)[place] for place in range(named)}

    async def body(labels):
        seen = {channel: {} for channel in channels}
        shown = []

        def show(turn_):
            seen[turn_.channel][turn_.turn_order] = [turn_.speaker, *(word.speaker for word in turn_.words)]
            return {each for one in seen[turn_.channel].values() for each in one} - {PENDING}

        for turn_, heard in everything(np.random.default_rng(5)):
            for channel in channels:
                told = await labels.label(dataclasses.replace(turn_, channel=channel), heard)
                assert [word.text for word in told.words] == [word.text for word in turn_.words]
                assert len(show(told)) <= most
                revised = await labels.revise(turn_.end_ms)
                for each in () if revised is None else revised.turns:
                    show(each)
                shown.append((told, revised))
            for channel in channels:
                assert len({name for one in seen[channel].values() for name in one} - {PENDING}) <= most
        last = await labels.end()
        for each in () if last is None else last.turns:
            show(each)
        for channel in channels:
            visible = {name for one in seen[channel].values() for name in one}
            assert 1 <= len(visible) <= most
            assert PENDING not in visible
        assert not labels._has_failed
        return shown, last

    def once():
        segmenter = FakeSegmenter() if segmented else None
        return run(
            body,
            Crowded(),
            segmenter=segmenter,
            patient=True,
            known=lambda _: people,
            most=most,
            revision_ms=60_000,
        )

    assert once() == once()


def test_a_turn_that_is_heard_during_a_revision_is_revised_by_the_next(monkeypatch):
    monkeypatch.setattr("vivavoce.server.speaker_labels._LIMIT_S", 0.0)
    entered, gate, embedding = threading.Event(), threading.Event(), threading.Event()
    revised = VoiceBook.revised

    def slow(book):
        entered.set()
        assert gate.wait(30)
        return revised(book)

    async def body(labels):
        labels._limit_s = None
        await label_all(labels, 0, 1)
        monkeypatch.setattr(VoiceBook, "revised", slow)
        labels._limit_s = 0.0
        embedding.clear()
        shown = (await labels.label(turn(2, end_ms=200_000), stretch(speech(1, 1)))).speaker
        revising = asyncio.create_task(labels.revise(200_000))
        assert await asyncio.to_thread(entered.wait, 30)
        embedding.set()
        await asyncio.to_thread(lambda: None)
        gate.set()
        first = await revising
        labels._limit_s = None
        last = await labels.end()
        return shown, first, last

    embedding.set()
    shown, first, last = run(body, FakeEmbedder(gate=embedding), revision_ms=120_000)
    assert shown == PENDING
    reported = {each.turn_order: each.speaker for it in (first, last) if it is not None for each in it.turns}
    assert reported == {2: "B"}


def test_labels_that_fail_after_the_voices_were_heard_cost_no_words(caplog):
    def known(_embedder):
        raise OSError("no voices")

    assert run(lambda labels: label_all(labels, 0, 1), known=known) == [PENDING] * 2
    assert caplog.text.count("turns are not labelled any more: no voices") == 1


def test_a_turn_that_was_heard_ahead_is_not_heard_again():
    embedder = FakeEmbedder()

    async def body(labels):
        labels.hear_ahead(None, stretch(speech(1, 1)))
        await asyncio.sleep(0)
        first = await labels.label(turn(0), stretch(speech(1, 1)))
        once = sum(embedder.batches)
        second = await labels.label(turn(1), stretch(speech(1, 1)))
        return first.speaker, second.speaker, once, sum(embedder.batches)

    first, second, once, twice = run(body, embedder)
    assert (first, second) == ("A", "A")
    assert twice == 2 * once


def test_a_turn_that_went_on_is_heard_as_a_whole():
    async def body(labels):
        labels.hear_ahead(None, stretch(speech(0, 0)))
        labels.hear_ahead(None, stretch(speech(0, 0), start=5))
        return [
            (await labels.label(turn(0), stretch(speech(1, 1, 1)))).speaker,
            (await labels.label(turn(1), stretch(speech(0, 0, 0)))).speaker,
        ]

    assert run(body) == ["A", "B"]


def test_only_parts_that_were_not_heard_ahead_are_heard_at_the_end():
    segmenter, [long] = FakeSegmenter(), stretch(speech(*[0] * 50))
    first, second, last = parts_of(long)

    async def body(labels):
        labels.hear_ahead(None, [first])
        labels.hear_ahead(None, [first, second])
        shorter = Stretch(last.start, last.samples[:-600])
        labels.hear_ahead(None, [second, shorter])
        await labels._voices.hear([])
        segmenter.lengths.append(0)  # from here on at the end
        return (await labels.label(turn(0), [long])).speaker

    assert run(body, segmenter=segmenter) == "A"
    ahead, at_end = segmenter.lengths[: segmenter.lengths.index(0)], segmenter.lengths[-1]
    assert ahead == [PART_SAMPLES, PART_SAMPLES, len(last.samples) - 600]
    assert at_end == len(last.samples)


def test_what_was_heard_of_the_next_turn_is_kept():
    segmenter, [long] = FakeSegmenter(), stretch(speech(*[0] * 40), start=50_000)

    async def body(labels):
        labels.hear_ahead(None, parts_of(long))
        await labels.label(turn(0), stretch(speech(0, 0)))
        await labels.label(turn(1), [long])

    run(body, segmenter=segmenter)
    assert sorted(segmenter.lengths) == sorted(
        len(each.samples) for each in [*parts_of(long), *stretch(speech(0, 0))]
    )


def test_parts_that_belong_to_no_turn_are_forgotten():
    async def body(labels):
        labels.hear_ahead(None, stretch(speech(0, 0)))
        labels.hear_ahead(None, stretch(speech(0, 0), start=90_000))
        await labels.label(turn(0, end_ms=5_000), ())
        return list(labels._channels[None].ahead)

    assert run(body) == [stretch(speech(0, 0), start=90_000)[0].span]


def test_what_failed_ahead_is_heard_again():
    embedder = FakeEmbedder(error=ValueError("odd"))

    async def body(labels):
        labels.hear_ahead(None, stretch(speech(0, 0)))
        await asyncio.wait(labels._channels[None].ahead.values())
        embedder.error = None
        return (await labels.label(turn(0), stretch(speech(0, 0)))).speaker

    assert run(body, embedder) == "A"


def test_turns_are_told_in_their_order_though_a_later_one_was_heard_ahead(monkeypatch):
    monkeypatch.setattr("vivavoce.server.speaker_labels._LIMIT_S", 0.0)
    gate = threading.Event()
    embedder = FakeEmbedder(gate=gate)

    async def body(labels):
        labels.hear_ahead(None, stretch(speech(1, 1), start=90_000))
        late = await labels.label(turn(0), stretch(speech(0, 0)))
        later = await labels.label(turn(1), stretch(speech(1, 1), start=90_000))
        gate.set()
        await asyncio.wait(labels._late)
        again = await labels.end()
        return late.speaker, later.speaker, {each.turn_order: each.speaker for each in again.turns}

    assert run(body, embedder) == (PENDING, PENDING, {0: "A", 1: "B"})


def test_what_fails_ahead_fails_the_label_and_not_more(caplog):
    async def body(labels):
        labels.hear_ahead(None, stretch(speech(0, 0)))
        await asyncio.sleep(0)
        return (await labels.label(turn(0), stretch(speech(0, 0)))).speaker

    assert run(body, FakeEmbedder(error=ValueError("odd"))) == PENDING
    assert caplog.text.count("turns are not labelled any more: odd") == 1


def test_nothing_is_heard_ahead_of_a_recording():
    embedder = FakeEmbedder()

    async def body(labels):
        labels.hear_ahead(None, stretch(speech(0, 0)))
        await labels._voices.load()

    run(body, embedder, patient=True)
    assert embedder.batches == []
