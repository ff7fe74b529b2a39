"""First and last words: what counts as lost, and that sessions are seen as clients see them."""

import numpy as np
import pytest
from benchmarks import words_kept as kept
from benchmarks.in_process import Recognition
from benchmarks.word_edges import lacks_first_word, lost_word, lost_words, shown_utterances, was_said
from benchmarks.words_kept import WordsKept, check, turn_messages

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, silence, speech
from vivavoce.asr.models import Hypothesis
from vivavoce.bench.records import Clip, RefWord, ShownWord, TurnMessage


def shown(*words):
    """Words as (text, start in ms, end in ms); a text alone takes 400 ms and follows the one before."""
    found, at = [], 0
    for word in words:
        text, start, end = (word, at, at + 400) if isinstance(word, str) else word
        found.append(ShownWord(text, start, end))
        at = end
    return tuple(found)


def message(turn, words, *, ended=False):
    return TurnMessage(0.0, turn, shown(*words), ended)


@pytest.mark.parametrize(
    ("partial", "final", "lost"),
    [
        (["good", "night"], ["Good", "night."], None),
        (["good", "night"], ["Good."], ("night", 1)),
        (["good", "night"], [], ("night", 0)),
        (["good", "night"], ["Good", "light."], None),  # another word in its place
        (["good", "night"], ["Good", "day", "too"], None),
        (["twenty", "five"], [("25.", 0, 800)], None),  # both in one
        (["some", "one"], [("someone", 0, 800)], None),
        (["yes", "yes"], ["Yes."], ("yes", 1)),  # what is left is the first one
        ([("yes", 0, 400), ("yes", 500, 900)], [("yes", 520, 900)], None),
        (["the", "end", "of"], ["the", "end", ("is", 1_200, 1_500)], ("of", 2)),  # after it
        (["good", ("night", 400, 500)], ["good", ("night", 650, 900)], None),  # the same word, a little later
        (["good", ("night", 400, 500)], ["good", ("night", 1_650, 1_900)], ("night", 1)),
        ([], ["good"], None),
        (["three", "ten"], [("3-10-", 0, 800)], None),
        (["three", "ten", "three"], [("3103.", 0, 1_200)], None),
        (["good", "-"], ["good"], None),  # a dash is no word
    ],
)
def test_a_last_word_is_lost_if_nothing_is_in_its_place(partial, final, lost):
    found = lost_word(shown(*partial), shown(*final))
    assert (found and (found[0].text, found[1])) == lost


def test_without_times_the_order_decides():
    words = [ShownWord("good"), ShownWord("night")]
    assert lost_word(words, words) is None
    assert lost_word(words, words[:1]) == (words[1], 1)


def test_every_partial_counts_at_the_end_and_the_last_one_everywhere():
    (utterance,) = shown_utterances(
        [
            message(0, ["good", "evening"]),  # corrected
            message(0, ["good", "night", "mister"]),
            message(0, ["good", "night", "Mister", "Bond"]),
            message(0, ["good", "night"]),
            message(0, ["Good", "night."], ended=True),
        ]
    )
    found = lost_words(utterance, utterance.final_words)
    assert [(lost.word.text, lost.place, lost.of_last) for lost in found] == [
        ("mister", 2, False),
        ("Bond", 2, False),
    ]
    (utterance,) = shown_utterances(
        [
            message(0, ["good", "night", "old"]),
            message(0, ["good", "night", "my"]),
            message(0, ["Good", "night", ("friend", 1_300, 1_500), ("too", 1_500, 2_000)], ended=True),
        ]
    )
    (lost,) = lost_words(utterance, utterance.final_words)
    assert (lost.word.text, lost.of_last) == ("my", True)


def test_what_the_next_final_has_is_not_lost():
    cut = [
        message(0, ["good", "night", "mister", "bond"]),
        message(0, ["Good", "night."], ended=True),
        message(1, [("Mister", 820, 1_200), ("Bond.", 1_200, 1_600)], ended=True),
    ]
    first, second = shown_utterances(cut)
    assert lost_words(first, (*first.final_words, *second.final_words)) == []
    (lost,) = lost_words(first, (*first.final_words, *second.final_words[:1]))
    assert (lost.word.text, lost.place) == ("bond", 3)


def test_words_taken_back_make_an_utterance_without_words_unless_it_continues():
    continued = [message(0, ["good"]), message(0, []), message(0, ["good", "night"], ended=True)]
    (utterance,) = shown_utterances(continued)
    assert utterance.final_text == "good night"
    later = [
        message(0, []),
        message(0, ["good"]),
        message(0, []),
        message(0, [("day", 900, 999)], ended=True),
    ]
    assert [each.final_text for each in shown_utterances(later)] == ["", "day"]
    assert [len(lost_words(each, shown(("day", 900, 999)))) for each in shown_utterances(later)] == [1, 0]
    assert [each.final_text for each in shown_utterances([message(0, ["good"])])] == [""]
    assert shown_utterances([message(0, [], ended=True)]) == []


def test_it_was_said_if_the_transcript_would_be_better_with_it():
    found = shown_utterances([message(0, ["good", "night"]), message(0, ["good"], ended=True)])
    finals = found[0].final_words
    (lost,) = lost_words(found[0], finals)
    assert was_said(lost, finals, "good night")
    assert not was_said(lost, finals, "good")
    assert not was_said(lost, finals, "good evening")  # one error as well
    assert not was_said(lost, finals, "")


@pytest.mark.parametrize(
    ("reference", "recognised", "lacks"),
    [
        ("then he went", "Then he went.", False),
        ("then he went", "He went.", True),
        ("then he went", "When he went.", False),
        ("then he went", "", True),
        ("", "hello", False),
        ("four seven one", "471.", False),
        ("four seven one", "71.", True),
        ("zero four", "04.", False),
        ("three ten", "3-10-", False),
    ],
)
def test_a_first_word_is_missing_if_nothing_is_in_its_place(reference, recognised, lacks):
    assert lacks_first_word(reference, shown(*recognised.split())) is lacks


def test_another_word_in_the_time_of_the_first_is_in_its_place():
    recognised = shown("Most", ("knowers", 400, 900), "in")
    assert lacks_first_word("more snow was in", recognised)
    assert not lacks_first_word("more snow was in", recognised, RefWord("more", 0.1, 0.3))
    assert lacks_first_word("so more snow was in", recognised, RefWord("so", -0.4, 0.0))


def recording(*parts):
    return (np.concatenate(parts) * 32_767).astype(np.int16)


@pytest.mark.parametrize(("name", "text"), [("v2", "Alpha bravo."), ("v3", "Alpha bravo.")])
def test_messages_are_those_that_a_client_receives(name, text):
    pcm = recording(silence(20), speech(0, 1), silence(20))
    messages = turn_messages(pcm, 16_000, name, Recognition(ScriptedRecogniser(), ScriptedDetector()))
    *partials, final = [each for each in messages if each.words]
    assert final.ended
    assert " ".join(word.text for word in final.words) == text
    assert partials
    assert [lost_words(each, final.words) for each in shown_utterances(messages)] == [[]]


class Forgetful(ScriptedRecogniser):
    """Leaves a word out of what is settled."""

    def __init__(self, place):
        super().__init__()
        self._place = place

    def _decode(self, span):
        found = super()._decode(span)
        if not span.exact:
            return found
        words = list(found.words)
        tokens = list(found.tokens)
        del words[self._place], tokens[self._place]
        return Hypothesis(tuple(tokens), tuple(words))


@pytest.mark.parametrize(("place", "counts"), [(-1, (1, 1, 0, 1, 1, 0)), (0, (1, 1, 0, 0, 0, 1))])
def test_losses_are_counted(place, counts, monkeypatch, tmp_path):
    # The last partial comes of the settled pass, as the final does; those before it had the word.
    pcm = recording(speech(0, 1, 3), np.full(20 * 512, 0.005), silence(20))
    monkeypatch.setattr(kept, "load_pcm", lambda _: pcm)
    monkeypatch.setattr(
        kept, "offline_hypotheses", lambda *_: {"a": "Alpha bravo delta"}
    )  # the whole at once
    clip = Clip("a", "read", tmp_path, "alpha bravo delta", len(pcm) / 16_000, 16_000)
    found = check([clip], "v2", Forgetful(place), ScriptedDetector())
    row = [int(cell) for cell in found.row("v2").strip("| \n").split(" | ")[1:]]
    assert tuple(row) == counts
    assert len(found.losses) == 1


def test_nothing_is_lost_where_nothing_is_said():
    assert check([], "v3", ScriptedRecogniser(), ScriptedDetector()) == WordsKept()
