"""Voices are told apart while a session runs, and again at its end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.asr.speakers import Leniency, VoiceBook, VoicePiece, VoiceTuning
from vivavoce.asr.speakers.groups import Group
from vivavoce.asr.speakers.voice_book import _labels

WIDTH = 32
NOBODY = np.zeros((0, WIDTH), np.float32)


def voices(n):
    """Voices that are as unlike as those of different people."""
    return np.linalg.qr(np.random.default_rng(0).normal(size=(WIDTH, n)))[0].T


def windows(voice, n, seed=0, spread=0.1):
    """Embeddings of some windows of one voice; the cosine of two of them is near 0.75."""
    noise = np.random.default_rng(seed).normal(0, spread, (n, WIDTH))
    found = voice + noise
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def heard(book, turn, embeddings):
    """The voice that a turn is told to be."""
    told = book.hear(turn, embeddings)
    assert told is None or 0.2 < told.confidence <= 1
    return None if told is None else told.voice


def test_each_voice_gets_a_label_and_keeps_it():
    book, spoken = VoiceBook(), [0, 1, 0, 2, 1, 1, 2, 0, 3]
    found = [heard(book, turn, windows(voices(4)[voice], 4, turn)) for turn, voice in enumerate(spoken)]
    assert found == spoken
    assert book.revised() == book.shown == dict(enumerate(spoken))


def test_a_turn_without_speech_has_no_label():
    book = VoiceBook()
    assert heard(book, 0, NOBODY) is None
    assert heard(book, 1, windows(voices(1)[0], 2)) == 0
    assert book.revised() == {1: 0}
    assert VoiceBook().revised() == {}


def test_there_are_never_more_voices_than_allowed():
    book = VoiceBook(max_voices=2)
    found = [heard(book, turn, windows(voices(6)[turn % 6], 3, turn)) for turn in range(30)]
    assert set(found) == {0, 1}
    assert set(book.revised().values()) <= {0, 1}


def test_a_label_of_two_voices_is_put_right_at_the_end():
    first, second = voices(2)
    between = (first + second) / np.linalg.norm(first + second)
    book = VoiceBook()
    assert heard(book, 0, windows(between, 1, 0, 0.01)) == 0  # as one window of an unsure start may be
    shown = [heard(book, turn, windows((first, second)[turn % 2], 4, turn)) for turn in range(1, 9)]
    revised = book.revised()
    assert len({revised[turn] for turn in range(1, 9, 2)}) == 1
    assert len({revised[turn] for turn in range(2, 9, 2)}) == 1
    assert revised[1] != revised[2]
    assert book.shown == {0: 0} | dict(enumerate(shown, 1))


def test_a_lone_voice_is_never_two():
    book = VoiceBook()
    lengths = np.random.default_rng(3).integers(1, 6, 400)
    assert {heard(book, turn, windows(voices(1)[0], n, turn)) for turn, n in enumerate(lengths)} == {0}
    assert set(book.revised().values()) == {0}


def test_many_turns_are_revised_in_a_moment():
    book = VoiceBook()
    for turn in range(700):
        book.hear(turn, windows(voices(3)[turn % 3], 1 + turn % 4, turn))
    assert book.revised() == {turn: turn % 3 for turn in range(700)}


@pytest.mark.parametrize("most", [None, 1, 3])
@given(turns=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), max_size=30))
def test_labels_are_in_order_and_final(most, turns):
    book, told = VoiceBook(most), {}
    for turn, (voice, n) in enumerate(turns):
        label = heard(book, turn, windows(voices(6)[voice], n, turn, 0.15))
        assert (label is None) == (n == 0)
        if label is not None:
            assert 0 <= label <= max(told.values(), default=-1) + 1
            assert most is None or label < most
            told[turn] = label
        assert book.shown == told
    revised = book.revised()
    assert set(revised) == set(told)
    assert most is None or all(label < most for label in revised.values())
    again = VoiceBook(most)
    for turn, (voice, n) in enumerate(turns):
        again.hear(turn, windows(voices(6)[voice], n, turn, 0.15))
    assert (again.shown, again.revised()) == (book.shown, revised)


SHORT = VoiceTuning(founding=2.0, inherited=0.5)


def test_short_pieces_take_a_voice_or_wait_for_one():
    one, other = voices(2)
    book = VoiceBook(tuning=SHORT)
    assert heard(book, 0, windows(other, 1)) is None
    assert heard(book, 1, windows(one, 4, 1)) == 0
    assert heard(book, 2, windows(one, 1, 2)) == 0
    assert heard(book, 3, windows(other, 1, 3)) is None
    assert heard(book, 4, windows(other, 4, 4)) == 1
    assert book.shown == {1: 0, 2: 0, 4: 1}
    assert book.revised() == {0: 1, 1: 0, 2: 0, 3: 1, 4: 1}


def test_short_pieces_found_no_voice_even_at_the_end():
    book = VoiceBook(tuning=SHORT)
    assert heard(book, 0, windows(voices(1)[0], 1)) is None
    assert book.revised() == {}


def test_the_more_a_piece_resembles_two_voices_the_less_certain_it_is():
    one, other = voices(2)
    book = VoiceBook(tuning=VoiceTuning(alike=0.5))
    book.hear(0, windows(one, 4, 0, 0.01))
    book.hear(1, windows(other, 4, 1, 0.01))
    between = one + 0.9 * other
    clear = book.hear(2, windows(one, 4, 2, 0.01))
    unclear = book.hear(3, windows(between / np.linalg.norm(between), 1, 3, 0.0))
    assert clear.voice == unclear.voice == 0
    assert clear.confidence > 0.99
    assert 0.5 < unclear.confidence < 0.9


def test_known_voices_come_first_and_stay_apart():
    people = voices(3)
    book = VoiceBook(known=[people[0], people[1]])
    assert heard(book, 0, windows(people[2], 3, 0)) == 2
    assert heard(book, 1, windows(people[1], 3, 1)) == 1
    assert heard(book, 2, windows(people[2], 3, 2)) == 2
    assert heard(book, 3, windows(people[0], 3, 3)) == 0
    assert book.revised() == book.shown == {0: 2, 1: 1, 2: 2, 3: 0}


def test_known_voices_that_are_alike_are_not_joined():
    person = voices(1)[0]
    book = VoiceBook(known=[person, person])
    assert heard(book, 0, windows(person, 3, 0)) in {0, 1}
    assert len(set(book.revised().values())) == 1


def test_known_voices_are_joined_only_where_there_are_too_many():
    people = voices(2)
    book = VoiceBook(1, VoiceTuning(founding=0.6), known=list(people))
    book.hear(0, windows(people[0], 3, 0))
    book.hear(1, windows(people[1], 3, 1))
    assert book.shown == book.revised() == {0: 0, 1: 0}


def test_known_voices_count_only_once_they_are_heard():
    people = voices(4)
    book = VoiceBook(2, known=list(people[:2]))
    found = [heard(book, turn, windows(people[voice], 3, turn)) for turn, voice in enumerate((2, 3, 0, 1, 2))]
    assert found[:2] == [2, 3]
    assert set(found) == {2, 3}
    assert len(set(book.revised().values())) <= 2


@pytest.mark.parametrize("most", [None, 1, 2])
@given(
    pieces=st.lists(st.tuples(st.integers(0, 4), st.sampled_from([0.2, 0.5, 1.0, 3.0])), max_size=25),
    n_known=st.integers(0, 2),
)
def test_whatever_is_heard_no_more_voices_than_allowed_are_shown(most, pieces, n_known):
    people = voices(5)
    book = VoiceBook(most, VoiceTuning(founding=0.6), known=list(people[:n_known]))
    for number, (voice, weight) in enumerate(pieces):
        book.hear(number, windows(people[voice], 1, number, 0.2), np.array([weight], np.float32))
    revised = book.revised()
    for labels in (book.shown, revised):
        assert most is None or len(set(labels.values())) <= most
    founding = {number for number, (_, weight) in enumerate(pieces) if weight >= 0.6}
    assert founding <= set(book.shown)
    assert set(revised) == (set(range(len(pieces))) if book.shown else set())


def test_a_voice_for_which_there_is_no_label_is_unsure():
    book = VoiceBook(2)
    spoken = [(0, 9), (1, 9), (2, 2), (3, 2), (0, 3), (1, 3)]
    told = [
        book.hear(number, windows(voices(4)[voice], n, number)) for number, (voice, n) in enumerate(spoken)
    ]
    assert [told[number].voice for number in (0, 1, 4, 5)] == [0, 1, 0, 1]
    assert all(each.voice in {0, 1} and each.confidence < 0.5 for each in told[2:4])
    assert all(each.confidence > 0.9 for each in told[4:])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_embeddings_that_are_not_finite_spoil_nothing(bad):
    book = VoiceBook()
    spoken = [0, 1, 2, 0, 1, 3]
    for turn, voice in enumerate(spoken):
        assert book.hear(100 + turn, np.full((2, WIDTH), bad, np.float32)) is None
        assert heard(book, turn, windows(voices(4)[voice], 3, turn)) == voice
    assert book.revised() == dict(enumerate(spoken))


def test_windows_that_stand_for_no_speech_are_no_voice():
    book = VoiceBook(tuning=VoiceTuning(founding=0.0))
    assert book.hear(0, windows(voices(1)[0], 2), np.zeros(2, np.float32)) is None
    assert book.revised() == {}


def test_a_voice_that_a_revision_splits_off_takes_the_label_of_no_other():
    one, other, third = (Group(each.astype(np.float32), 1.0, None, []) for each in voices(3))
    one.pieces, other.pieces, third.pieces = [0, 1, 2], [3, 4], [5]
    one.weight, other.weight = 3.0, 2.0
    found = _labels([one, other, third], dict.fromkeys(range(6), 1.0), dict.fromkeys(range(5), 0) | {5: 1}, 0)
    assert found == {0: 0, 1: 0, 2: 0, 3: 2, 4: 2, 5: 1}


def test_after_a_revision_voices_are_told_the_labels_of_it():
    first, second, third = voices(3)
    between = (first + second) / np.linalg.norm(first + second)
    book = VoiceBook()
    heard(book, 0, windows(between, 40, 0, 0.01))
    for turn in range(1, 7):
        heard(book, turn, windows((first, second)[turn % 2], 4, turn, 0.03))
    assert set(book.shown.values()) == {0}  # two voices at once were heard first
    revised = book.revised()
    assert revised[1] != revised[2]
    book.adopt(revised)
    assert book.shown == revised
    assert heard(book, 7, windows(second, 4, 7, 0.03)) == revised[1]
    assert heard(book, 8, windows(first, 4, 8, 0.03)) == revised[2]
    assert heard(book, 9, windows(third, 4, 9, 0.03)) == 2
    assert book.revised() == book.shown


STEPS = st.lists(
    st.one_of(st.none(), st.tuples(st.integers(0, 4), st.sampled_from([0.2, 0.5, 1.0, 3.0]))), max_size=25
)


@pytest.mark.parametrize("most", [1, 2, 3])
@given(
    steps=STEPS,
    n_known=st.integers(0, 3),
    doubt=st.sampled_from([-0.2, 0.06, 0.4]),  # revisions find more voices, or fewer
)
def test_revisions_while_it_runs_show_no_more_voices_than_allowed(most, steps, n_known, doubt):
    people = voices(5)
    tuning = VoiceTuning(founding=0.6, leniency_of_new=Leniency(doubt, 0.5))
    book = VoiceBook(most, tuning, known=list(people[:n_known]))
    visible = {}
    for number, step in enumerate(steps):
        if step is None:
            revised = book.revised()
            book.adopt(revised)
            visible |= revised
        else:
            voice, weight = step
            told = book.hear(number, windows(people[voice], 1, number, 0.2), np.array([weight], np.float32))
            if told is not None:
                visible[number] = told.voice
        assert len(set(visible.values())) <= most
        assert book.shown == visible
        if not n_known:
            assert all(label < most for label in visible.values())
    assert len(set(book.revised().values())) <= most


def test_a_long_session_is_clustered_as_one_that_keeps_every_piece():
    book = VoiceBook(tuning=VoiceTuning(founding=0.5))
    spoken = np.random.default_rng(1).integers(0, 4, 900)
    for number, voice in enumerate(spoken):
        book.hear(number, windows(voices(4)[voice], 1, number, 0.08))
    found = book.revised()
    assert len({(int(voice), found[number]) for number, voice in enumerate(spoken)}) == 4
    assert sorted(set(found.values())) == [0, 1, 2, 3]


DOUBT = VoiceTuning(alike=0.5, leniency_of_new=Leniency(0.4))


def leaning(voice, other, cosine):
    """Speech of one voice that resembles another by this cosine."""
    return (cosine * other + np.sqrt(1 - cosine**2) * voice)[None].astype(np.float32)


def test_a_piece_that_may_be_of_a_new_voice_is_told_the_most_similar_one_until_others_join_it():
    first, second = voices(2)
    book = VoiceBook(tuning=DOUBT)
    assert heard(book, 0, windows(first, 4, 0)) == 0
    doubtful = book.hear(1, leaning(second, first, 0.2))
    assert doubtful.voice == 0
    assert doubtful.confidence < 0.9
    assert heard(book, 2, windows(first, 4, 2)) == 0  # nor has it changed what that voice is
    assert heard(book, 3, leaning(second, first, 0.2)) == 1
    assert heard(book, 4, windows(first, 2, 4)) == 0
    assert book.shown == {0: 0, 1: 0, 2: 0, 3: 1, 4: 0}
    assert book.revised() == {0: 0, 1: 1, 2: 0, 3: 1, 4: 0}


def test_much_speech_of_a_new_voice_is_in_no_doubt():
    first, second = voices(2)
    book = VoiceBook(tuning=DOUBT)
    assert heard(book, 0, windows(first, 4, 0)) == 0
    assert heard(book, 1, np.repeat(leaning(second, first, 0.2), 4, axis=0)) == 1


def test_doubtful_speech_does_not_get_the_name_of_somebody_who_was_not_heard():
    known, first, second = voices(3)
    book = VoiceBook(tuning=DOUBT, known=[known])
    assert heard(book, 0, leaning(first, known, 0.2)) == 1
    told = book.hear(1, (0.3 * known + 0.2 * first + 0.933 * second)[None].astype(np.float32))
    assert told.voice == 1
    assert told.confidence < 0.5


def test_doubtful_speech_is_of_one_of_those_who_were_heard_when_there_are_enough():
    first, second, third = voices(3)
    book = VoiceBook(2, DOUBT)
    assert heard(book, 0, windows(first, 4, 0)) == 0
    assert heard(book, 1, leaning(third, first, 0.2)) == 0
    assert heard(book, 2, windows(second, 4, 2)) == 1
    assert heard(book, 3, leaning(third, first, 0.2)) == 0
    assert heard(book, 4, windows(second, 4, 4)) == 1


def test_doubtful_speech_is_kept_in_bounds():
    person, *others = np.eye(WIDTH, dtype=np.float32)
    book = VoiceBook(tuning=DOUBT)
    assert heard(book, 0, np.tile(person, (4, 1))) == 0
    for number, other in enumerate(others, 1):
        assert heard(book, number, leaning(other, person, 0.15)) == 0
    assert len(book._voices) <= 21
    assert len(book.revised()) == WIDTH


def of_turn(*embeddings, first=0):
    return [VoicePiece(number, each) for number, each in enumerate(embeddings, first)]


def labels_of(told):
    return {number: each.voice for number, each in told.items()}


def test_the_pieces_of_a_turn_are_seen_beside_each_other():
    first, second = voices(2)
    mixed = windows((first + second) / np.linalg.norm(first + second), 5, 0, 0.01)
    pieces = [windows(each, 1, seed, 0.01) for seed, each in enumerate((second, first, second, first))]
    together, one_by_one = VoiceBook(), VoiceBook()
    assert heard(together, 0, mixed) == heard(one_by_one, 0, mixed) == 0
    assert [heard(one_by_one, number, each) for number, each in enumerate(pieces, 1)] == [0] * 4
    told = labels_of(together.hear_turn(of_turn(*pieces, first=1)))
    assert told[1] == told[3] != told[2] == told[4]
    assert together.shown == {0: 0} | told


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_turn_has_no_more_voices_than_allowed(most):
    book = VoiceBook(most, known=[voices(5)[4]])
    told = book.hear_turn(of_turn(*(windows(each, 3) for each in voices(5)), NOBODY))
    assert sorted(told) == [0, 1, 2, 3, 4]
    assert len({each.voice for each in told.values()}) == most
    again = book.hear_turn(of_turn(*(windows(each, 3) for each in voices(5)), first=6))
    assert {each.voice for each in again.values()} == {each.voice for each in told.values()}


def test_doubtful_speech_beside_a_new_voice_is_unsure():
    first, second, third = voices(3)
    book = VoiceBook(tuning=DOUBT)
    book.hear(0, windows(first, 4, 0))
    told = book.hear_turn(of_turn(windows(second, 8, 1), leaning(third, second, 0.3), first=1))
    assert labels_of(told) == {1: 1, 2: 1}
    assert told[1].confidence > 0.9
    assert told[2].confidence == 0.5


@given(
    turns=st.lists(
        st.lists(st.tuples(st.integers(0, 4), st.sampled_from([0.2, 1.0, 3.0])), max_size=4), max_size=8
    ),
    most=st.sampled_from([None, 1, 2]),
    n_known=st.integers(0, 2),
    doubt=st.sampled_from([0.06, 0.4]),
)
def test_whatever_turns_hold_labels_keep_their_promises(turns, most, n_known, doubt):
    people = voices(5)
    tuning = VoiceTuning(founding=0.6, leniency_of_new=Leniency(doubt, 0.5))
    book, shown = VoiceBook(most, tuning, known=list(people[:n_known])), {}
    for turn in turns:
        pieces = [
            VoicePiece(
                len(shown) + 100 * place,
                windows(people[voice], 1, place, 0.2),
                np.array([weight], np.float32),
            )
            for place, (voice, weight) in enumerate(turn)
        ]
        pieces = [each for each in pieces if each.number not in shown]
        told = book.hear_turn(pieces)
        assert set(told) <= {each.number for each in pieces}
        assert all(0 < each.confidence <= 1 for each in told.values())
        shown |= labels_of(told)
        assert book.shown == shown
        assert most is None or len(set(shown.values())) <= most
    assert most is None or len(set(book.revised().values())) <= most


def test_a_voice_that_resembles_a_known_one_is_not_lost_when_a_turn_fills_the_book():
    known, first, newcomer = voices(3)
    unit = (0.55 * known + 0.835 * first).astype(np.float32)[None]
    both = (known + unit[0]) / np.linalg.norm(known + unit[0])
    book = VoiceBook(2, known=[known])
    assert heard(book, 0, np.tile(unit, (3, 1))) == 1
    told = book.hear_turn(
        of_turn(windows(newcomer, 3), np.tile(both[None], (3, 1)).astype(np.float32), first=1)
    )
    assert labels_of(told) == {1: 2, 2: 1}
    assert heard(book, 3, np.tile(unit, (3, 1))) == 1
