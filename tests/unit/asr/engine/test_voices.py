"""Speech of turns becomes embeddings, on one thread, for all sessions."""

import asyncio
import dataclasses
import itertools
import threading

import numpy as np
import pytest

from support.fake_embedder import FakeEmbedder, FakeSegmenter
from support.scripted_engine import speech
from vivavoce.asr.engine import VoiceModels, Voices, hear_turns, load_voices
from vivavoce.asr.engine import voices as engine_voices
from vivavoce.asr.speakers import PART_SAMPLES, Stretch, parts_of
from vivavoce.errors import ModelError


async def embed_all(voices, samples):
    """The embeddings of some speech."""
    heard = await voices.hear([Stretch(0, samples)])
    return np.concatenate([np.zeros((0, 2), np.float32), *(each.windows for each in heard)])


def test_sessions_share_the_runs_of_one_thread():
    gate = threading.Event()
    embedder = FakeEmbedder(gate=gate)
    loaded = []

    async def several():
        voices = Voices(lambda: loaded.append(threading.current_thread().name) or VoiceModels(embedder))
        voices.prepare()
        first = asyncio.create_task(embed_all(voices, speech(0, 0)))
        assert await asyncio.to_thread(embedder.entered.wait, 30)
        others = [asyncio.create_task(embed_all(voices, speech(index, index))) for index in (1, 2, 3)]
        await asyncio.sleep(0)
        gate.set()
        found = await asyncio.gather(first, *others)
        voices.stop()
        return found

    found = asyncio.run(several())
    assert [each.argmax(axis=1).tolist() for each in found] == [[0, 0], [1, 1], [0, 0], [1, 1]]
    assert embedder.batches == [2, 6]
    assert len(embedder.threads | set(loaded)) == 1
    assert len(loaded) == 1


def test_much_speech_is_embedded_in_parts_and_none_at_all_has_no_windows():
    embedder = FakeEmbedder()

    async def embed():
        voices = Voices(lambda: VoiceModels(embedder))
        much = await embed_all(voices, np.tile(speech(1), 40))
        none = await embed_all(voices, np.zeros(0, np.float32))
        voices.stop()
        return much, none

    much, none = asyncio.run(embed())
    assert max(embedder.batches) <= 24
    assert len(much) == sum(embedder.batches) > 24
    assert none.shape == (0, 2)


def test_who_waits_learns_of_a_failure_and_others_are_served():
    def failing():
        raise ModelError("no such file")

    async def embed():
        voices = Voices(failing)
        with pytest.raises(ModelError, match="no such file"):
            await embed_all(voices, speech(1))
        voices.stop()
        embedder = FakeEmbedder(error=ValueError("odd"))
        voices = Voices(lambda: VoiceModels(embedder))
        with pytest.raises(ValueError, match="odd"):
            await embed_all(voices, speech(1))
        embedder.error = None
        assert len(await embed_all(voices, speech(1, 1)))
        voices.stop()

    asyncio.run(embed())


def test_a_session_that_is_over_stops_nobody():
    gate = threading.Event()

    async def embed():
        voices = Voices(lambda: VoiceModels(FakeEmbedder(gate=gate)))
        gone = asyncio.create_task(embed_all(voices, speech(1, 1)))
        await asyncio.sleep(0)
        other = asyncio.create_task(embed_all(voices, speech(2, 2)))
        await asyncio.sleep(0)
        gone.cancel()
        gate.set()
        assert len(await other) == 2
        voices.stop()

    asyncio.run(embed())


def test_who_waits_when_the_thread_is_stopped_does_not_wait_for_ever():
    gate = threading.Event()
    embedder = FakeEmbedder(gate=gate)

    async def embed():
        voices = Voices(lambda: VoiceModels(embedder))
        running = asyncio.create_task(embed_all(voices, speech(1, 1)))
        assert await asyncio.to_thread(embedder.entered.wait, 30)
        waiting = asyncio.create_task(embed_all(voices, speech(0, 0)))
        await asyncio.sleep(0)
        voices.stop()
        gate.set()
        async with asyncio.timeout(30):
            found = await asyncio.gather(running, waiting, return_exceptions=True)
        with pytest.raises(RuntimeError):
            await embed_all(voices, speech(1, 1))
        return found

    assert [str(each) for each in asyncio.run(embed())] == ["the voice encoder is stopped"] * 2


def test_turns_are_split_where_the_voice_changes():
    long = np.concatenate([speech(0, 2, 0), speech(1, 3, 1)])
    turns = [[Stretch(1_000, long)], [], [Stretch(0, speech(1, 1)), Stretch(90_000, speech(0, 0))]]
    found = hear_turns(VoiceModels(FakeEmbedder(), FakeSegmenter()), turns)
    assert [[each.windows.argmax(axis=1).tolist()[0] for each in turn] for turn in found] == [
        [0, 1],
        [],
        [1, 0],
    ]
    first, second = found[0]
    assert first.piece.alone[0][0] >= 1_000
    assert first.piece.alone[-1][1] <= second.piece.alone[0][0] <= 1_000 + len(long)
    assert found[2][1].piece.alone == ((90_000, 90_000 + len(speech(0, 0))),)
    assert all(each.weights.shape == each.windows.shape[:1] for turn in found for each in turn)


def test_long_speech_is_heard_in_parts():
    segmenter, long = FakeSegmenter(), Stretch(700, speech(*[0] * 40))
    models = VoiceModels(FakeEmbedder(), segmenter)
    [whole] = hear_turns(models, [[long]])
    assert segmenter.lengths == [PART_SAMPLES, len(long.samples) - PART_SAMPLES]
    assert whole[0].piece.alone[0][0] == 700
    assert whole[-1].piece.alone[-1][1] <= 700 + len(long.samples)
    parts = [heard for part in parts_of(long) for [heard] in hear_turns(models, [[part]])]
    assert [each.piece for each in parts] == [each.piece for each in whole]
    for one, other in zip(parts, whole, strict=True):
        np.testing.assert_array_equal(one.windows, other.windows)


def test_what_all_voices_have_in_common_is_subtracted():
    embedder = FakeEmbedder()
    embedder.typical = np.array([0.5, 0.0], np.float32)
    [[heard]] = hear_turns(VoiceModels(embedder), [[Stretch(0, speech(1, 1))]])
    assert np.allclose(heard.windows, np.array([-0.5, 1.0]) / np.hypot(0.5, 1.0))


def test_a_change_that_no_segmenter_found_is_found_by_the_voices():
    long = np.concatenate([speech(0, 2, 0, 2, 0), speech(1, 3, 1, 3)])
    [found] = hear_turns(VoiceModels(FakeEmbedder()), [[Stretch(500, long)]])
    voices = [each.windows.argmax(axis=1).tolist()[0] for each in found]
    assert voices == sorted(voices)
    assert set(voices) == {0, 1}
    spans = [span for each in found for span in each.piece.alone]
    assert spans[0][0] == 500
    assert spans[-1][1] == 500 + len(long)
    assert all(one[1] == other[0] for one, other in itertools.pairwise(spans))
    change = spans[voices.index(1)][0] - 500
    assert abs(change - len(speech(0, 2, 0, 2, 0))) < 8_000


def test_windows_of_a_piece_are_pooled_for_a_voice_encoder_that_wants_it():
    embedder = FakeEmbedder()
    embedder.tuning = dataclasses.replace(embedder.tuning, pools=True)
    embedder.hop_samples = embedder.window_samples
    [[heard]] = hear_turns(VoiceModels(embedder), [[Stretch(0, speech(1, 1, 1, 1))]])
    assert heard.windows.shape == (1, 2)
    assert np.linalg.norm(heard.windows[0]) == pytest.approx(1)
    embedder.tuning = dataclasses.replace(embedder.tuning, pools=False)
    [[apart]] = hear_turns(VoiceModels(embedder), [[Stretch(0, speech(1, 1, 1, 1))]])
    assert len(apart.windows) > 1
    assert heard.weights.sum() == pytest.approx(apart.weights.sum())


@pytest.mark.parametrize("n", [6_144, 6_145, 9_216, 12_288, 30_000])
def test_speech_in_which_every_window_is_another_voice_is_split_finitely(n):
    class Changing(FakeEmbedder):
        def embed(self, voices):
            self.batches.append(len(voices))
            return np.stack([np.eye(2, dtype=np.float32)[len(each) % 2] for each in voices])

    noise = np.random.default_rng(0).normal(0, 0.1, n).astype(np.float32)
    for embedder in (Changing(), FakeEmbedder()):
        [found] = hear_turns(VoiceModels(embedder), [[Stretch(0, noise)]])
        assert sum(each.piece.length for each in found) == n


def test_speech_that_fails_costs_no_other_session_its_labels():
    class Choosy(FakeEmbedder):
        def embed(self, voices):
            if any(np.abs(each).max() > 0.45 for each in voices):
                raise ValueError("too loud")
            return super().embed(voices)

    async def several():
        voices = Voices(lambda: VoiceModels(Choosy()))
        await voices.load()
        turns = [voices.hear([Stretch(0, speech(index, index))]) for index in (0, 9, 1)]
        found = await asyncio.gather(*turns, return_exceptions=True)
        voices.stop()
        return found

    quiet, loud, other = asyncio.run(several())
    assert quiet[0].windows.argmax(axis=1).tolist() == [0, 0]
    assert isinstance(loud, ValueError)
    assert other[0].windows.argmax(axis=1).tolist() == [1, 1]


@pytest.mark.parametrize("nothing", [0.0, np.nan, np.inf])
@pytest.mark.parametrize("pools", [False, True])
def test_windows_about_which_the_voice_encoder_says_nothing_are_left_out(nothing, pools):
    class Deaf(FakeEmbedder):
        def embed(self, voices):
            found = super().embed(voices)
            found[[not each.any() for each in voices]] = nothing
            return found

    embedder = Deaf()
    embedder.tuning = dataclasses.replace(embedder.tuning, pools=pools)
    silent = np.zeros(30_000, np.float32)
    mixed = np.concatenate([speech(1, 1), silent, speech(1, 1)])
    turns = [[Stretch(0, silent)], [Stretch(0, mixed)]]
    [[none], [some]] = hear_turns(VoiceModels(embedder), turns)
    assert none.windows.shape == (0, 2)
    assert none.weights.shape == (0,)
    assert some.piece.length == len(mixed)
    assert np.allclose(some.windows, [0, 1])


class Mixing(FakeEmbedder):
    """Embeds windows of both voices as a mixture, by how long each speaks; its windows leave gaps."""

    hop_samples = 2 * FakeEmbedder.window_samples
    tuning = dataclasses.replace(FakeEmbedder.tuning, pools=True, apart=0.3)

    def embed(self, voices):
        self.batches.append(len(voices))
        shares = [np.array([np.mean(each == 1.0), np.mean(each == 2.0)]) for each in voices]
        return np.stack([each / max(np.linalg.norm(each), 1e-6) for each in shares]).astype(np.float32)


def heard_of(*runs):
    embedder, window = Mixing(), Mixing.window_samples
    samples = np.concatenate([np.full(int(n * window), voice, np.float32) for voice, n in runs])
    [found] = hear_turns(VoiceModels(embedder), [[Stretch(0, samples)]])
    return embedder, samples, found


def test_short_turns_between_the_windows_are_found_by_looking_closely():
    _, samples, found = heard_of((1, 2.6), (2, 2.0), (1, 2.4), (2, 2.5), (1, 2.5))
    said = np.concatenate(
        [np.full(each.piece.length, 1 + int(each.windows.sum(axis=0).argmax())) for each in found]
    )
    assert np.mean(said == samples) > 0.75  # windows at the changes are 2.6 times as long as those of voices
    assert sum(float(each.weights.sum()) for each in found) <= len(samples) / 25_600 + 1e-3


def test_one_voice_is_not_looked_at_closely():
    embedder, samples, [heard] = heard_of((1, 12))
    assert sum(embedder.batches) == 7
    assert heard.piece.length == len(samples)


def test_only_what_is_near_a_change_is_looked_at_closely():
    embedder, samples, found = heard_of((1, 12), (2, 12))
    assert sum(embedder.batches) < 30  # of which 13 are at intervals; windows that overlap would be 47
    assert [int(each.windows.sum(axis=0).argmax()) for each in found] == [0, 1]
    assert abs(found[0].piece.length - len(samples) // 2) < Mixing.window_samples


@pytest.mark.parametrize("leaves_gaps", [True, False])
def test_only_windows_that_leave_gaps_need_the_segmentation(leaves_gaps, monkeypatch):
    embedder, segmenter = (Mixing if leaves_gaps else FakeEmbedder)(), FakeSegmenter()
    monkeypatch.setattr(engine_voices, "load_embedder", {"chosen": embedder}.get)
    monkeypatch.setattr(engine_voices, "load_segmenter", lambda: segmenter)
    monkeypatch.setattr(engine_voices, "has_segmenter", lambda: True)
    expected = VoiceModels(embedder, segmenter if leaves_gaps else None)
    assert load_voices("chosen") == expected
    monkeypatch.setattr(engine_voices, "has_segmenter", lambda: False)
    assert load_voices("chosen") == VoiceModels(embedder)
