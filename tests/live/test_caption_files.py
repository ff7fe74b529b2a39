"""Captions of real recordings (skipped without them): no cue too short, no flicker, nothing read too fast."""

import numpy as np
import pytest

import vivavoce
from support.caption_rules import check_parsers, check_rules
from vivavoce.bench.audio import load_pcm, to_model_rate
from vivavoce.bench.corpus import find_eval, read_manifest, select
from vivavoce.captions import captions

FOLDER = find_eval()
PER_KIND = 8

pytestmark = [
    pytest.mark.eval,
    pytest.mark.skipif(
        FOLDER is None, reason="needs the evaluation recordings (VIVAVOCE_EVAL or ../shared/eval)"
    ),
]


@pytest.fixture(scope="module")
def recording():
    """Recordings of every kind, one right after another: float samples at the model's rate."""
    clips = select(read_manifest(FOLDER), limit=PER_KIND)
    return np.concatenate([to_model_rate(load_pcm(clip), clip.sample_rate) for clip in clips])


def test_captions_of_recordings_follow_the_rules(recording):
    transcript = vivavoce.transcribe(recording)  # as fast as a server of its own decodes
    cues = captions(transcript.turns)
    assert len(cues) > 20
    check_rules(cues)
    check_parsers(cues)
    assert transcript.to_srt().count("-->") == transcript.to_vtt().count("-->") == len(cues)
    words = [part for word in transcript.words for part in word.text.split()]
    assert [part for cue in cues for part in cue.text.split()] == words
