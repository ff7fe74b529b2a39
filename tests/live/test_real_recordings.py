"""Real recordings (skipped without them): no word is lost, and silence has no transcript."""

import pytest
from benchmarks.in_process import Recognition
from benchmarks.words_kept import check, turn_messages

from vivavoce.asr.models import load_detector, load_recogniser
from vivavoce.bench.audio import load_pcm
from vivavoce.bench.corpus import find_eval, read_manifest, select

FOLDER = find_eval()
EVERY_NTH_CLIP = 16
MAX_DURATION_S = 10

pytestmark = [
    pytest.mark.eval,
    pytest.mark.skipif(
        FOLDER is None, reason="needs the evaluation recordings (VIVAVOCE_EVAL or ../shared/eval)"
    ),
]


@pytest.fixture(scope="module")
def models():
    return load_recogniser(), load_detector()


@pytest.mark.parametrize("name", ["v2", "v3"])
def test_a_final_loses_neither_its_first_nor_its_last_word(models, name):
    transcribed = [
        clip for clip in select(read_manifest(FOLDER)) if clip.text and clip.duration_s < MAX_DURATION_S
    ]
    clips = transcribed[::EVERY_NTH_CLIP]
    found = check(clips, name, *models)
    assert found.utterances >= len(clips)
    assert (found.lost_said, found.first_lost) == (0, 0), found.losses


def test_recordings_without_speech_have_no_transcript(models):
    silent = [clip for clip in select(read_manifest(FOLDER)) if clip.text == ""]
    assert silent
    for clip in silent:
        messages = turn_messages(load_pcm(clip), clip.sample_rate, "v3", Recognition(*models))
        assert [message for message in messages if message.words or message.ended] == [], clip.id
