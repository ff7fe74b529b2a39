"""Key terms on real recordings (skipped without them)."""

import pytest
from benchmarks.key_terms import TermErrors, expected_terms, rare_words, run_session, term_errors

from vivavoce.asr.models import load_detector
from vivavoce.asr.models.moonshine import MoonshineRecogniser
from vivavoce.bench.audio import load_pcm
from vivavoce.bench.corpus import find_eval, read_manifest, select

FOLDER = find_eval()
MAX_CLIPS = 30


@pytest.mark.eval
@pytest.mark.skipif(
    FOLDER is None, reason="needs the evaluation recordings (VIVAVOCE_EVAL or ../shared/eval)"
)
def test_rare_words_are_recognised_among_a_hundred_terms_that_are_not_spoken():
    recogniser, detector = MoonshineRecogniser(), load_detector()
    clips = [clip for clip in select(read_manifest(FOLDER)) if clip.text]
    rare = {clip.id: rare_words(clip.text, recogniser.vocabulary) for clip in clips}
    without = with_terms = TermErrors()
    for clip in [clip for clip in clips if rare[clip.id] and clip.duration_s < 12][:MAX_CLIPS]:
        pcm = load_pcm(clip)
        terms = expected_terms(clip.id, rare, clip.text, 100)
        for expected in ((), terms):
            transcript = run_session(recogniser, detector, pcm, clip.sample_rate, expected).text
            errors = term_errors(clip.text, transcript, rare[clip.id])
            if expected:
                with_terms = with_terms.plus(errors)
            else:
                without = without.plus(errors)
    assert without.term_errors > 5
    assert with_terms.term_errors <= without.term_errors * 2 / 3
    assert with_terms.other_errors <= without.other_errors + 0.003 * without.other_words
