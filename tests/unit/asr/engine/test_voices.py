"""Speech of turns becomes embeddings, on one thread, for all sessions."""

import asyncio
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.fake_embedder import FakeEmbedder
from support.scripted_engine import speech
from vivavoce.asr.engine import Voices
from vivavoce.asr.engine.voices import windows_of
from vivavoce.errors import ModelError


@given(st.integers(0, 50_000), st.integers(2, 9_000), st.integers(1, 9_000))
def test_windows_cover_the_speech(n, window, shortest):
    speech = np.arange(n, dtype=np.float32)
    windows = windows_of(speech, window, min(shortest, window))
    if n < min(shortest, window):
        assert windows == []
    elif n < window:
        assert [len(each) for each in windows] == [n]
    else:
        assert {len(each) for each in windows} == {window}
        starts = [int(each[0]) for each in windows]
        assert starts == list(range(0, n - window + 1, window // 2))


def test_sessions_share_the_runs_of_one_thread():
    gate = threading.Event()
    embedder = FakeEmbedder(gate=gate)
    loaded = []

    async def several():
        voices = Voices(lambda: loaded.append(threading.current_thread().name) or embedder)
        voices.prepare()
        first = asyncio.create_task(voices.embed(speech(0, 0)))
        assert await asyncio.to_thread(embedder.entered.wait, 30)
        others = [asyncio.create_task(voices.embed(speech(index, index))) for index in (1, 2, 3)]
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
        voices = Voices(lambda: embedder)
        much = await voices.embed(np.tile(speech(1), 40))
        none = await voices.embed(np.zeros(0, np.float32))
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
            await voices.embed(speech(1))
        voices.stop()
        embedder = FakeEmbedder(error=ValueError("odd"))
        voices = Voices(lambda: embedder)
        with pytest.raises(ValueError, match="odd"):
            await voices.embed(speech(1))
        embedder.error = None
        assert len(await voices.embed(speech(1, 1)))
        voices.stop()

    asyncio.run(embed())


def test_a_session_that_is_over_stops_nobody():
    gate = threading.Event()

    async def embed():
        voices = Voices(lambda: FakeEmbedder(gate=gate))
        gone = asyncio.create_task(voices.embed(speech(1, 1)))
        await asyncio.sleep(0)
        other = asyncio.create_task(voices.embed(speech(2, 2)))
        await asyncio.sleep(0)
        gone.cancel()
        gate.set()
        assert len(await other) == 2
        voices.stop()

    asyncio.run(embed())
