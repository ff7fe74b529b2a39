"""Words in comparable form, and their alignment."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.bench.align import align, normalise, tokens


class TestNormalising:
    def test_case_punctuation_contractions_and_hesitations(self):
        assert normalise("Mr. Smith's, um, here - I'm sure...") == "mister smith is here i am sure"

    def test_a_word_alone_keeps_its_position(self):
        assert [tokens(word) for word in ("Cat,", "twenty-five", "I'm", "um", "-", "...", "one", "1")] == [
            ("cat",), ("25",), ("i", "am"), (), (), (), ("1",), ("1",),
        ]  # fmt: skip


class TestAlignment:
    def test_equal(self):
        assert align("abc", "abc") == [(0, 0), (1, 1), (2, 2)]

    def test_substitution_is_a_pair(self):
        assert align("abc", "axc") == [(0, 0), (1, 1), (2, 2)]

    def test_matches_are_preferred_to_two_substitutions(self):
        assert align("abc", "bcd") == [(1, 0), (2, 1)]

    def test_nothing(self):
        assert align("", "") == align("a", "") == align("", "a") == []

    @given(st.text("ab", max_size=8), st.text("ab", max_size=8))
    def test_pairs_ascend_and_stay_inside(self, said, hypothesis):
        pairs = align(said, hypothesis)
        assert all(i < len(said) and j < len(hypothesis) for i, j in pairs)
        assert all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(pairs))

    @given(st.text("abc", max_size=10))
    def test_equal_sequences_are_paired_completely(self, said):
        assert align(said, said) == [(i, i) for i in range(len(said))]
