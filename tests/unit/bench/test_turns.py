"""How stable words are, over messages made by hand, with the expected value worked out beside it."""

from hypothesis import given
from hypothesis import strategies as st

from support.bench_traces import message, only, trace
from vivavoce.bench.turns import Changes, Flicker, changed_finals, flicker, stable_since, utterances


class TestFlicker:
    def test_steady(self):
        assert flicker(only(message(1, "a"), message(2, "a b"), message(3, "A b.", ended=True))) == (0, 2)

    def test_replaced(self):
        # "cap" was taken back; positions shown: the, cat, sat.
        shown = only(message(1, "the cap"), message(2, "the cat"), message(3, "the cat sat", ended=True))
        assert flicker(shown) == (1, 3)

    def test_an_early_word_shifts_all_after_it(self):
        # b, c, d all hold another word in the second message: 3; positions: 4.
        shown = only(message(1, "bird can do"), message(2, "a bird can do", ended=True))
        assert flicker(shown) == Flicker(3, 4)

    def test_removed_and_shown_again(self):
        # b goes (1), then nothing was shown at its position: c takes none back. Positions: 2.
        assert flicker(only(message(1, "a b"), message(2, "a"), message(3, "a c", ended=True))) == (1, 2)

    def test_an_empty_message_takes_back_everything(self):
        assert flicker(only(message(1, "you"), message(2, ""))) == (1, 1)

    def test_the_final_counts_too(self):
        assert flicker(only(message(1, "good die"), message(2, "Good day.", ended=True))) == (1, 2)

    def test_nothing(self):
        assert utterances(trace(message(1, ""), message(2, "", ended=True))) == []

    @given(st.lists(st.lists(st.sampled_from("abc"), max_size=4), max_size=6))
    def test_growing_text_is_steady_and_counts_are_sane(self, texts):
        messages = [message(i, " ".join(words)) for i, words in enumerate(texts)]
        for shown in utterances(trace(*messages)):
            counts = flicker(shown)
            assert counts.first_shown == max(map(len, texts))
            assert 0 <= counts.unstable <= sum(map(len, texts))
        whole = [word for words in texts for word in words]
        growing = [message(i, " ".join(whole[:i])) for i in range(1, len(whole) + 1)]
        for shown in utterances(trace(*growing)):
            assert flicker(shown) == (0, len(whole))


class TestImmutability:
    def test_kept(self):
        assert changed_finals(only(message(1, "a b", finals=1), message(2, "a c", ended=True))) == (0, 0)

    def test_changed_once_though_it_changed_twice(self):
        shown = only(message(1, "a", finals=1), message(2, "b", finals=1), message(3, "c", ended=True))
        assert changed_finals(shown) == Changes(words=1, spellings=1)

    def test_a_removed_word(self):
        assert changed_finals(only(message(1, "a b", finals=2), message(2, "a", ended=True))).words == 1

    def test_changes_of_case_are_counted_apart(self):
        shown = only(message(1, "hello", finals=1), message(2, "Hello.", ended=True))
        assert changed_finals(shown) == (0, 1)

    def test_a_final_that_changes_after_the_end(self):
        shown = only(message(1, "a b", ended=True), message(2, "a c", ended=True))
        assert changed_finals(shown) == (1, 1)


def test_stable_since():
    shown = only(
        message(1.0, "the"),
        message(1.5, "a blue"),
        message(2.0, "the blue"),
        message(2.5, "The black cat.", ended=True),
    )
    assert [(position.tokens, at) for position, at in stable_since(shown)] == [
        (("the",), 2.0), (("black",), 2.5), (("cat",), 2.5),
    ]  # fmt: skip
