"""Turns are split where their speaker changes, and each word belongs to one piece."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.asr.speakers import SPEAKER_SETS, Owner, Piece, owners, pieces_of

STEP, OFFSET = 270, 496
FIRST, SECOND, BOTH, NOBODY = 1, 2, 4, 0
SECOND_FRAMES = 16_000 // STEP


def split(*runs, start=0):
    """Pieces of audio with so many frames of each class."""
    classes = np.concatenate([np.full(n, each) for each, n in runs])
    return pieces_of(classes, STEP, OFFSET, start, len(classes) * STEP + 721)


def test_one_speaker_is_one_piece_with_all_its_short_pauses():
    [piece] = split((NOBODY, 20), (FIRST, 120), (NOBODY, 30), (FIRST, 60), start=1_000)
    assert piece.alone == ((1_000, 1_000 + 230 * STEP + 721),)
    assert piece.shared == ()


def test_long_pauses_belong_to_nobody():
    [piece] = split((NOBODY, 90), (FIRST, 120), (NOBODY, 70), (FIRST, 60))
    first, second = piece.alone
    assert first[1] - first[0] == 120 * STEP
    assert second[0] - first[1] == 70 * STEP
    assert second[1] == 340 * STEP + 721


def test_nobody_at_all_is_one_piece_too():
    assert split((NOBODY, 100)) == [Piece(((0, 100 * STEP + 721),))]
    assert pieces_of(np.zeros(0, np.intp), STEP, OFFSET, 5, 300) == [Piece(((5, 305),))]


def test_a_change_is_found_to_a_frame():
    first, second = split((FIRST, 100), (SECOND, 80))
    assert first.alone == ((OFFSET - STEP // 2, OFFSET - STEP // 2 + 100 * STEP),)
    assert second.alone[0][0] == first.alone[-1][1]


def test_pieces_are_in_the_order_of_their_voices():
    first, second = split((SECOND, 100), (FIRST, 80), (SECOND, 40))
    assert len(first.alone) == 2
    assert len(second.alone) == 1


def test_what_is_spoken_together_belongs_to_both():
    first, second = split((FIRST, 100), (BOTH, 40), (SECOND, 80))
    assert first.shared == second.shared
    assert first.shared[0][0] == first.alone[0][1]
    assert first.shared[0][1] == second.alone[0][0]


def test_flaws_of_a_few_frames_are_no_speakers():
    assert len(split((FIRST, 100), (SECOND, 5), (FIRST, 60))) == 1
    assert len(split((FIRST, 100), (NOBODY, 5), (FIRST, 60), (SECOND, 3))) == 1
    assert len(split((FIRST, 100), (SECOND, 20), (FIRST, 60))) == 1  # a third of a second says nothing


def test_words_belong_to_who_speaks_most_of_them():
    pieces = [Piece(((0, 16_000),), ((16_000, 20_000),)), Piece(((20_000, 40_000),), ((16_000, 20_000),))]
    words = [(0, 8_000), (15_000, 17_000), (17_000, 19_500), (19_000, 24_000), (41_000, 42_000), (-9, -5)]
    assert owners(pieces, words) == [
        Owner(0), Owner(0), Owner(0, is_shared=True), Owner(1), Owner(1), Owner(0),
    ]  # fmt: skip


@pytest.mark.parametrize("start", [0, 7_777])
@given(runs=st.lists(st.tuples(st.integers(0, 6), st.integers(1, 90)), max_size=12))
def test_pieces_cover_all_speech_and_nothing_twice(start, runs):
    classes = np.concatenate([np.zeros(0, np.intp), *(np.full(n, each) for each, n in runs)])
    length = len(classes) * STEP + 721
    pieces = pieces_of(classes, STEP, OFFSET, start, length)
    assert 1 <= len(pieces) <= 3
    spans = [span for piece in pieces for span in piece.alone]
    assert all(start <= first < last <= start + length for first, last in spans)
    ordered = sorted(spans)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(ordered))
    assert (
        all(sum(last - first for first, last in piece.alone) >= 6_400 for piece in pieces) or len(pieces) == 1
    )
    words = [(start + at, start + at + 4_000) for at in range(0, length, 4_000)]
    assert all(0 <= owner.place < len(pieces) for owner in owners(pieces, words))


def test_every_set_of_speakers_has_a_class():
    assert len(set(SPEAKER_SETS)) == 7
    assert all(set(each) <= {0, 1, 2} for each in SPEAKER_SETS)


@given(
    spans=st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=1, max_size=5),
    at=st.integers(-10, 300),
)
def test_a_piece_is_cut_into_two_that_have_all_of_it(spans, at):
    starts = np.cumsum([gap + length for gap, length in spans])
    piece = Piece(
        tuple((int(end) - length, int(end)) for end, (_, length) in zip(starts, spans, strict=True))
    )
    before, after = piece.cut(at)
    assert before.length == min(max(at, 0), piece.length)
    assert before.length + after.length == piece.length
    samples = [at for part in (before, after) for first, last in part.alone for at in range(first, last)]
    assert samples == [at for first, last in piece.alone for at in range(first, last)]
