"""Messages that wait to be sent, and those to send again after a reconnect."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.client.send_queue import SendQueue

RATE = 16_000
MS = 32  # bytes
FORCE = "force"
END = "end"


def new_queue(*, sample_rate=RATE, bytes_per_sample=2, channels=1, keeps_audio=True):
    return SendQueue(
        sample_rate=sample_rate,
        bytes_per_sample=bytes_per_sample,
        channels=channels,
        min_audio_ms=50,
        replayed_text=FORCE,
        keeps_audio=keeps_audio,
    )


def drain(queue):
    return list(iter(lambda: queue.pop(0.0, None), None))


def audio_of(messages):
    return b"".join(message for message in messages if isinstance(message, bytes))


def test_audio_is_cut_and_the_rest_comes_before_the_end():
    queue = new_queue()
    queue.push_audio(bytes(70 * MS))
    queue.push(FORCE)
    queue.push_audio(bytes(20 * MS))
    queue.push_end(END)
    sizes = [message if isinstance(message, str) else len(message) // MS for message in drain(queue)]
    assert sizes == [70, FORCE, 20, END]
    assert len(queue) == 0


def test_compressed_audio_is_sent_piece_by_piece_and_never_again():
    queue = new_queue(sample_rate=None, bytes_per_sample=None)
    queue.push_audio(memoryview(b"packet"))
    queue.push_audio(b"p")
    assert drain(queue) == [b"packet", b"p"]
    assert (queue.can_replay, queue.sent_s, queue.unfinished_ms, queue.total_ms) == (False, 0.0, 0, 0)
    queue.finish_turn(100)


@pytest.mark.parametrize(
    ("options", "can_replay"), [({}, True), ({"keeps_audio": False}, False), ({"channels": 2}, False)]
)
def test_audio_of_one_channel_is_kept_if_that_is_requested(options, can_replay):
    assert new_queue(**options).can_replay is can_replay


def test_audio_is_counted_for_each_connection():
    queue = new_queue(channels=2)
    queue.push_audio(bytes(2 * 500 * MS))
    drain(queue)
    assert queue.sent_s == 0.5
    queue.start_connection()
    assert queue.sent_s == 0.0


def test_a_connection_continues_after_the_last_finished_turn():
    queue = new_queue()
    queue.push_audio(bytes(1000 * MS))
    queue.push(FORCE)
    queue.push("settings")
    queue.push_audio(bytes(20 * MS))
    drain(queue)
    queue.finish_turn(400)
    queue.push_audio(bytes(100 * MS))
    queue.push_end(END)
    assert queue.unfinished_ms == pytest.approx(1120 - 400, abs=200)
    replayed = queue.resume()
    queue.push_first("hello")
    first, *rest = drain(queue)
    assert first == "hello"
    assert rest[-1] == END
    assert rest.count(END) == 1
    assert replayed.lost_ms == 0
    assert 400 <= replayed.start_ms <= 600
    assert replayed.start_ms + replayed.replayed_ms == 1000
    assert len(audio_of(rest)) // MS == 1120 - replayed.start_ms
    assert queue.total_ms == 1120


@given(
    st.lists(st.one_of(st.integers(1, 5_000), st.just(FORCE), st.just("pop"), st.just("resume")), max_size=25)
)
def test_all_audio_and_every_request_reach_the_last_connection_without_a_finished_turn(steps):
    queue, pushed, forces, sent = new_queue(), bytearray(), 0, []
    for step in steps:
        if step == "pop":
            message = queue.pop(0.0, None)
            sent += [message] if message is not None else []
        elif step == "resume":
            queue.resume()
            sent.clear()
        elif step == FORCE:
            queue.push(FORCE)
            forces += 1
        else:
            data = bytes((len(pushed) + index) % 251 for index in range(step))
            pushed += data
            queue.push_audio(data)
    queue.push_end(END)
    sent += drain(queue)
    assert audio_of(sent) == bytes(pushed[: len(pushed) // 2 * 2])
    assert sent.count(FORCE) == forces
    assert sent[-1] == END
