"""A voice is enrolled from enough speech of one speaker, whatever the chunks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.fake_embedder import FakeEmbedder, FakeSegmenter
from support.scripted_engine import FRAME, GAP_FRAMES, WORD_FRAMES, ScriptedDetector, pcm, silence, speech
from vivavoce.asr.engine import Enrolment, VoiceModels
from vivavoce.asr.engine.enrolment import MOST_SPEECH_S
from vivavoce.errors import AudioError

WORD_S = (WORD_FRAMES + GAP_FRAMES) * FRAME / 16_000
PAUSE = silence(40)


def fed(*parts, chunk=6_400):
    enrolment = Enrolment(ScriptedDetector(), 16_000)
    data = pcm(np.concatenate(parts))
    for start in range(0, len(data), chunk):
        enrolment.feed(data[start : start + chunk])
    return enrolment


def said(index, n):
    return speech(*[index] * n)


def test_the_embedding_is_the_mean_of_the_windows():
    enrolment = fed(PAUSE, said(1, 12), PAUSE, said(3, 20), PAUSE)
    found = enrolment.embedding(VoiceModels(FakeEmbedder()))
    assert found.dtype == np.float32
    assert found == pytest.approx([0.0, 1.0])
    assert enrolment.speech_s == pytest.approx(32 * WORD_S)


def test_windows_that_differ_make_it_shorter():
    embedder = FakeEmbedder()
    angles = iter(np.linspace(-0.4, 0.4, 1_000)[::37].tolist() * 99)
    embedder.embed = lambda voices: np.array(
        [(np.cos(angle), np.sin(angle)) for angle, _ in zip(angles, voices, strict=False)], np.float32
    )
    found = fed(said(0, 40)).embedding(VoiceModels(embedder))
    assert 0.9 < np.linalg.norm(found) < 0.99


def test_pauses_do_not_count():
    enrolment = fed(said(0, 10), silence(400), said(0, 10), silence(900))
    with pytest.raises(AudioError, match=r"needs 10 s of speech, and there are 7\.0 s \(pauses do not"):
        enrolment.embedding(VoiceModels(FakeEmbedder()))


@pytest.mark.parametrize("parts", [(), (silence(2_000),)])
def test_silence_is_no_voice(parts):
    with pytest.raises(AudioError, match=r"there are 0\.0 s"):
        fed(np.zeros(0, np.float32), *parts).embedding(VoiceModels(FakeEmbedder()))


@pytest.mark.parametrize("between", [silence(0), PAUSE])
def test_two_voices_are_refused(between):
    enrolment = fed(said(0, 24), between, said(1, 24))
    with pytest.raises(AudioError, match="more than one person speaks"):
        enrolment.embedding(VoiceModels(FakeEmbedder()))


def test_two_voices_that_only_the_segmenter_tells_apart_are_refused():
    embedder = FakeEmbedder()
    embedder.embed = lambda voices: np.tile(np.array([0.6, 0.8], np.float32), (len(voices), 1))
    enrolment = fed(said(0, 24), said(1, 24))
    assert enrolment.embedding(VoiceModels(embedder)).shape == (2,)
    with pytest.raises(AudioError, match="more than one person speaks"):
        enrolment.embedding(VoiceModels(embedder, FakeSegmenter()))


def test_a_word_of_somebody_else_is_forgiven():
    enrolment = fed(said(0, 20), speech(1), said(2, 20))
    found = enrolment.embedding(VoiceModels(FakeEmbedder(), FakeSegmenter()))
    assert found[0] > 0.9


def test_there_is_an_end_to_what_is_taken():
    enrolment = fed(*[said(0, 20)] * 20)
    assert enrolment.is_full
    assert enrolment.speech_s < MOST_SPEECH_S + 1
    assert not fed(said(0, 20)).is_full
    assert 20 * 20 * WORD_S > MOST_SPEECH_S


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(0, 40)), min_size=1, max_size=6),
    st.integers(1, 9_000).map(lambda n: 2 * n),
)
def test_chunks_make_no_difference(parts, chunk):
    audio = [each for words, pause in parts for each in (said(0, words), silence(pause))]
    one, other = fed(*audio, chunk=chunk), fed(*audio)
    assert one.speech_s == other.speech_s
    results = []
    for enrolment in (one, other):
        try:
            results.append(enrolment.embedding(VoiceModels(FakeEmbedder())).tolist())
        except AudioError as error:
            results.append(str(error))
    assert results[0] == results[1]
