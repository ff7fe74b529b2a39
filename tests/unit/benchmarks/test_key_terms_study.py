"""The study of expected terms: what is counted, and what is expected in which session."""

import numpy as np
import pytest
from benchmarks.key_terms import TermErrors, expected_terms, rare_words, run_session, term_errors
from hypothesis import given, settings
from hypothesis import strategies as st

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, silence, speech
from vivavoce.bench.figures import word_errors


class Letters:
    """Spells capitals letter by letter, everything else in pairs."""

    def spell(self, text):
        n = len(text) if text.isupper() else (len(text) + 1) // 2
        return tuple(range(n))


@pytest.mark.parametrize(
    ("reference", "hypothesis", "counts"),
    [
        ("the old missal", "The old missal.", (0, 1, 0, 2)),
        ("the old missal", "the old missile", (1, 1, 0, 2)),
        ("the old missal", "the missal", (0, 1, 1, 2)),
        ("the old missal", "the good old mass all", (1, 1, 2, 2)),
        ("missal and missal", "missal and", (1, 2, 0, 1)),
        ("the missal", "", (1, 1, 1, 1)),
        ("", "missal", (0, 0, 1, 0)),
    ],
)
def test_errors_in_terms_and_in_others_are_separated(reference, hypothesis, counts):
    assert term_errors(reference, hypothesis, ["missal"]) == counts


words = st.lists(st.sampled_from(["cat", "dog", "missal", "bird"]), max_size=8).map(" ".join)


@settings(deadline=None)  # the first call loads the normaliser
@given(words, words)
def test_together_they_are_at_least_all_word_errors(reference, hypothesis):
    found = term_errors(reference, hypothesis, ["missal"])
    both = word_errors([(reference, hypothesis)])
    assert found.term_words + found.other_words == both.words
    assert found.term_errors + found.other_errors >= both.errors


def test_rates_are_pooled():
    total = TermErrors().plus(TermErrors(1, 2, 3, 100)).plus(TermErrors(0, 2, 0, 100))
    assert total == (1, 4, 3, 200)
    assert total.row() == "25.0 | 1.5 | 2.0"
    assert TermErrors().row() == "0.0 | 0.0 | 0.0"


def test_rare_is_a_word_of_three_pieces_in_every_case():
    assert rare_words("A pound, the missals: abcd efghi 12345 efghi", Letters()) == (
        "pound",
        "missals",
        "efghi",
    )
    assert rare_words("", Letters()) == ()


RARE = {"a": ("missal", "psalter"), "b": ("epoch",), "c": ("despair", "missal")}


def test_a_session_expects_its_own_words_and_some_that_are_not_said():
    assert expected_terms("a", RARE, "missal psalter despair", 0) == ("missal", "psalter")
    assert expected_terms("a", RARE, "missal psalter despair", 9) == ("missal", "psalter", "epoch")
    assert expected_terms("a", RARE, "missal psalter despair", 9, own=False) == ("epoch",)
    drawn = expected_terms("b", RARE, "epoch", 2)
    assert len(set(drawn)) == 3
    assert expected_terms("b", RARE, "epoch", 2) == drawn


@pytest.mark.parametrize("live", [False, True])
def test_a_recording_goes_through_a_session(live):
    audio = np.concatenate([speech(0, 1), silence(40), speech(2), silence(3)])
    pcm = (audio * 32_767).astype(np.int16)
    recogniser = ScriptedRecogniser()
    result = run_session(recogniser, ScriptedDetector(), pcm, 16_000, ("ALPHA",), live=live)
    assert result.text == "ALPHA bravo. Charlie,"
    assert [span.exact for span in result.finals] == [True, True]
    if not live:  # the script knows committed words by their tokens alone
        assert [each.text for each in recogniser.recognise(result.finals)] == ["ALPHA bravo.", "Charlie,"]
    assert any(not span.exact for call in recogniser.calls for span in call) is live
