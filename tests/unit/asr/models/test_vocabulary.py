"""The vocabulary: from tokens to words, and from text to tokens."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.asr.models.vocabulary import Vocabulary
from vivavoce.errors import ModelError

SPACE = "\u2581".encode()
PIECES = [b"<unk>", b"<s>", b"</s>", b"<0x61>", b"ab", b"abc", SPACE + b"a", b"bc", SPACE, b"a", b"b", b"c"]


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
def test_every_token_belongs_to_exactly_one_word(tokens):
    it = vocabulary(SPACE + b"It", b"s", SPACE, b"<0xC3>", SPACE + b"b")
    words = it.words(tokens)
    assert sum(word.n_tokens for word in words) == len(tokens)
    assert [word.first for word in words] == [
        sum(before.n_tokens for before in words[:index]) for index in range(len(words))
    ]


def test_lengths_in_the_file_take_one_or_two_bytes(tmp_path):
    pieces = [b"<unk>", b"<s>", b"</s>", SPACE + b"a", SPACE + b"b" * 300]
    path = tmp_path / "tokenizer.bin"
    path.write_bytes(packed(pieces))
    it = Vocabulary.load(path)
    assert len(it) == 5
    assert it.words([3, 4])[1].text == "b" * 300


@pytest.mark.parametrize("cut", [1, 2, 5])
def test_a_truncated_file_is_an_error(tmp_path, cut):
    path = tmp_path / "tokenizer.bin"
    path.write_bytes(packed([b"abcdefgh"])[:-cut])
    with pytest.raises(ModelError, match="truncated"):
        Vocabulary.load(path)


def spell(text):
    tokens = Vocabulary(PIECES).spell(text)
    return None if tokens is None else [PIECES[token].replace(SPACE, b"_").decode() for token in tokens]


def test_neighbours_are_joined_by_rank_and_not_by_length():
    # "ab" is the first of the pieces that fit, though "_a" and "bc" would take fewer.
    assert spell("abc") == ["_", "abc"]
    assert spell("bc") == ["_", "bc"]
    assert spell("a b") == ["_a", "_", "b"]


def test_a_character_without_a_piece_is_not_spelled_by_bytes():
    assert spell("abd") is None
    assert spell("a") == ["_a"]


def test_a_hugging_face_tokenizer(tmp_path):
    path = tmp_path / "tokenizer.json"
    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2, "<0x41>": 3, "\u2581the": 4, "re": 5}
    added = [{"id": id_, "content": text, "special": True} for text, id_ in list(vocab.items())[:3]]
    added.append({"id": 8, "content": "<<ST_1>>", "special": False})
    model = {"type": "BPE", "byte_fallback": True, "vocab": vocab}
    path.write_text(json.dumps({"model": model, "added_tokens": added}))
    vocabulary = Vocabulary.load_json(path)
    assert len(vocabulary) == 9
    assert len(Vocabulary.load_json(path, size=20)) == 20
    assert [word.text for word in vocabulary.words([4, 5, 3, 8, 4, 2])] == ["thereA", "the"]
    for other in ({"type": "Unigram", "vocab": []}, model | {"byte_fallback": False}, None, "BPE"):
        path.write_text(json.dumps({"model": other}))
        with pytest.raises(ModelError, match="must hold a BPE with byte fallback"):
            Vocabulary.load_json(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"vocab": {"a": "0"}},
        {"vocab": {"a": None}},
        {"vocab": {"a": True}},
        {"vocab": {"a": -1}},
        {"vocab": {"a": [0]}},
        {"vocab": {"a": 10**12}},
        {"vocab": {"\ud800": 0}},
        {"vocab": {"<0xZZ>": 0}},
        {"added_tokens": None},
        {"added_tokens": 3},
        {"added_tokens": ["<s>"]},
        {"added_tokens": [{"content": "<s>"}]},
        {"added_tokens": [{"id": 1}]},
        {"added_tokens": [{"id": {}, "content": "<s>"}]},
        {"added_tokens": [{"id": 2**20, "content": "<s>"}]},
    ],
)
@pytest.mark.parametrize("size", [0, 20])
def test_a_damaged_hugging_face_tokenizer(tmp_path, changes, size):
    path = tmp_path / "tokenizer.json"
    model = {"type": "BPE", "byte_fallback": True, "vocab": changes.get("vocab", {"a": 0})}
    path.write_text(json.dumps({"model": model, "added_tokens": changes.get("added_tokens", [])}))
    with pytest.raises(ModelError, match=r"tokenizer\.json is damaged") as caught:
        Vocabulary.load_json(path, size=size)
    assert "\n" not in str(caught.value)


def test_a_hugging_face_tokenizer_of_a_larger_model(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({"model": {"type": "BPE", "byte_fallback": True, "vocab": {"a": 20}}}))
    with pytest.raises(ModelError, match="has 21 tokens and the model 20"):
        Vocabulary.load_json(path, size=20)
