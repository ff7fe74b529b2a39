"""Whisper's vocabulary: tokens and words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.whisper_fakes import END, JOINED, MARK_IDS, tokenizer_content, write_model
from vivavoce.asr.models.whisper.vocabulary import WhisperVocabulary, letters_of_bytes
from vivavoce.errors import ModelError

PIECES = [bytes([byte]) for byte in range(256)] + list(JOINED)
VOCABULARY = WhisperVocabulary(PIECES, MARK_IDS)


def spelled(text):
    tokens = VOCABULARY.encode(text)
    words = VOCABULARY.words(tokens)
    assert sum(word.n_tokens for word in words) == len(tokens)
    assert [word.first for word in words] == [
        sum(word.n_tokens for word in words[:index]) for index in range(len(words))
    ]
    return [word.text for word in words]


def test_each_byte_has_a_letter_of_its_own():
    letters = letters_of_bytes()
    assert len(set(letters)) == 256
    assert letters[ord("a")] == "a"
    assert letters[ord(" ")] == "\u0120"
    assert not any(letter.isspace() for letter in letters)


@given(st.text())
def test_tokens_spell_the_text(text):
    assert b"".join(PIECES[token] for token in VOCABULARY.encode(text)) == text.encode()


def test_pairs_are_joined_in_the_order_of_their_ids():
    assert VOCABULARY.encode(" the") == (256 + JOINED.index(b" the"),)
    assert VOCABULARY.encode(" world") == (256 + JOINED.index(b" world"),)
    # "the" at the start has no space before it, and there is no piece for it.
    assert VOCABULARY.encode("the") == tuple(b"the")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" the world", ["the", "world"]),
        ("The world.", ["The", "world."]),
        (" Caf\u00e9 \u00e0 Paris", ["Caf\u00e9", "\u00e0", "Paris"]),
        (" Bonjour ! Oui", ["Bonjour!", "Oui"]),
        (" \u00bfQu\u00e9?", ["\u00bfQu\u00e9?"]),
        (" a #1 b", ["a", "#1", "b"]),
        (" it's a (small) one", ["it's", "a", "(small)", "one"]),
        (" a  b", ["a", "b"]),
        (" a  the", ["a", "the"]),
        ("", []),
    ],
)
def test_words_start_at_spaces(text, words):
    assert spelled(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\u9999\u8549\u3002", ["\u9999", "\u8549\u3002"]),
        (" \u9999 \u8549", ["\u9999", "\u8549"]),
        ("\u300c\u9999\u300d\u3068", ["\u300c", "\u9999\u300d", "\u3068"]),
        ("\u9999AI\u306f\u8549", ["\u9999AI\u306f", "\u8549"]),  # nobody writes spaces around AI
        (" caf\u00e9 \u9999\u8549 the", ["caf\u00e9", "\u9999", "\u8549", "the"]),
        ("\u0e01\u0e02 \u0e04", ["\u0e01", "\u0e02", "\u0e04"]),
        (" \uc548\ub155 \uc5ec", ["\uc548\ub155", "\uc5ec"]),
    ],
)
def test_a_script_without_spaces_has_a_word_for_each_character(text, words):
    assert spelled(text) == words


LETTERS = st.sampled_from("ab \u00e9\u9999\u8549\u3002\u306f\u0e01\u00bb.,\u300c")


@given(
    st.one_of(st.text(LETTERS).map(VOCABULARY.encode), st.lists(st.sampled_from([*b"a .\xe9\xa6\x99", 260])))
)
def test_more_tokens_never_take_a_word_away(tokens):
    whole = {word.first for word in VOCABULARY.words(tokens)}
    for end in range(len(tokens)):
        assert {word.first for word in VOCABULARY.words(tokens[:end])} <= whole


def test_a_token_without_bytes_belongs_to_the_word_before_it():
    vocabulary = WhisperVocabulary([*PIECES[:-1], b""], MARK_IDS)  # as the last one of Whisper base
    empty = len(PIECES) - 1
    a, space, b = b"a b"
    assert [word.n_tokens for word in vocabulary.words([a, empty, space, b, empty])] == [2, 3]
    first, last = "\u9999".encode(), "\u8549".encode()
    assert [word.n_tokens for word in vocabulary.words([*first, empty, *last])] == [4, 3]
    [word] = vocabulary.words([empty])
    assert (word.text, word.n_tokens) == ("", 1)


def test_half_a_character_is_not_shown():
    first, second = (tuple(letter.encode()) for letter in "\u9999\u8549")
    [word] = VOCABULARY.words(first[:2])
    assert (word.text, word.n_tokens) == ("", 2)
    [word] = VOCABULARY.words(first + second[:2])
    assert (word.text, word.n_tokens) == ("\u9999", 5)


def test_languages_have_iso_codes():
    assert set(VOCABULARY.languages) == {"en", "de", "ja", "jv", "ka"}
    assert VOCABULARY.language_of("<|jw|>") == "jv"
    assert VOCABULARY.language_of("<|de|>") == "de"


def test_the_file_of_a_model_is_read(tmp_path):
    vocabulary = WhisperVocabulary.load(write_model(tmp_path) / "tokenizer.json")
    assert vocabulary.encode(" the world!") == VOCABULARY.encode(" the world!")
    assert vocabulary.end == END


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("model"),
        lambda content: content["model"].pop("vocab"),
        lambda content: content["model"]["vocab"].pop("a"),
        lambda content: content["added_tokens"].pop(0),
        lambda content: content["model"].update(vocab={"\u4e00": 0}),
        lambda content: content.update(model=None),
    ],
)
def test_a_file_without_the_vocabulary_is_refused(tmp_path, change):
    content = tokenizer_content()
    change(content)
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ModelError, match="vocabulary"):
        WhisperVocabulary.load(path)


def test_a_file_that_is_no_json_is_refused(tmp_path):
    (tmp_path / "tokenizer.json").write_bytes(b"\xff")
    with pytest.raises(ModelError, match=r"tokenizer\.json is not a byte-level vocabulary"):
        WhisperVocabulary.load(tmp_path / "tokenizer.json")


@given(st.text(st.sampled_from("ab cé\u9999\u8549 12_."), max_size=200))
def test_a_text_is_the_bytes_of_its_tokens_however_long_a_run_is(text):
    tokens = VOCABULARY.encode(text)
    assert b"".join(PIECES[token] for token in tokens) == text.encode()
