"""The audio that a lost connection would need again."""

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.client.operations import FORCE
from vivavoce.client.replay_buffer import ReplayBuffer, merge_short_audio

RATE = 16_000
MS = 32  # bytes


def test_audio_is_cut_where_it_is_quietest():
    replay = ReplayBuffer(RATE, 2)
    loud = (12_000).to_bytes(2, "little") * 2 * RATE
    quiet = bytes(20 * MS)
    replay.push(loud[: 1100 * MS] + quiet + loud[: 500 * MS], 0.0)
    replay.finish_turn(1000)
    assert replay.to_ms(replay.start) in range(1100, 1120)


def test_silence_is_dropped_in_the_end():
    replay = ReplayBuffer(RATE, 2)
    for second in range(300):
        replay.push(bytes(1000 * MS), float(second))
        replay.trim(None, float(second))
    assert 60_000 <= replay.to_ms(replay.end - replay.start) <= 62_000
    assert replay.lost_bytes == 0


def test_recent_audio_is_kept_whatever_its_length():
    replay = ReplayBuffer(RATE, 2)
    for _ in range(200):
        replay.push(bytes(1000 * MS), 1.0)
        replay.trim(None, 2.0)
    assert replay.start == 0


def test_a_turn_is_kept_from_its_first_word_and_memory_is_finite():
    replay = ReplayBuffer(RATE, 2)
    for second in range(400):
        replay.push(bytes(1000 * MS), float(second))
        replay.trim(50_000, float(second))
    assert replay.to_ms(replay.end - replay.start) == 300_000
    assert replay.to_ms(replay.lost_bytes) == 51_000


@given(st.lists(st.one_of(st.binary(max_size=3_000), st.just(FORCE)), max_size=12))
def test_merging_keeps_all_audio_and_makes_legal_messages(items):
    shortest = 1_600
    queue = merge_short_audio(items, shortest)
    audio = [item for item in queue if isinstance(item, bytes)]
    assert b"".join(audio) == b"".join(item for item in items if isinstance(item, bytes))
    assert all(len(item) >= shortest for item in audio[:-1])
    assert [item for item in queue if item == FORCE] == [item for item in items if item == FORCE]
