"""Real recordings, where they are at hand: no word is lost, and where nobody speaks none is told."""

import pytest
from benchmarks.words_kept import check, turn_messages

from vivavoce.asr.models import load_detector, load_recogniser
from vivavoce.bench.audio import load_pcm
from vivavoce.bench.corpus import find_eval, read_manifest, select

FOLDER = find_eval()
EVERY = 16
LONGEST_S = 10

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
def test_no_first_word_is_cut_off_and_no_last_word_is_lost_on_the_way_to_the_final(models, name):
    known = [clip for clip in select(read_manifest(FOLDER)) if clip.text and clip.duration_s < LONGEST_S]
    clips = known[::EVERY]
    found = check(clips, name, *models)
    assert found.utterances >= len(clips)
    assert (found.lost_said, found.first_lost) == (0, 0), found.losses


def test_where_nobody_speaks_nothing_looks_like_speech(models):
    silent = [clip for clip in select(read_manifest(FOLDER)) if clip.text == ""]
    assert silent
    for clip in silent:
        messages = turn_messages(load_pcm(clip), clip.sample_rate, "v3", *models)
        assert [message for message in messages if message.words or message.ended] == [], clip.id
