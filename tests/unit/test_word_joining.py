"""Words become a text as their script is written."""

import pytest

from vivavoce.protocol.events import TurnUpdated
from vivavoce.types import Word
from vivavoce.word_joining import is_unspaced, join_words


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], ""),
        (["Hello", "there."], "Hello there."),
        (["Größe", "zählt", "hier."], "Größe zählt hier."),
        (["今日", "は", "いい", "天気", "です。"], "今日はいい天気です。"),
        (["我们", "用", "Python", "写。"], "我们用 Python 写。"),
        (["สวัสดี", "ครับ"], "สวัสดีครับ"),
        (["안녕하세요", "여러분."], "안녕하세요 여러분."),
        (["Привет,", "мир!"], "Привет, мир!"),
    ],
)
def test_words_are_joined_as_they_are_written(words, text):
    assert join_words(words) == text
    turn = TurnUpdated(0, 0, 1, tuple(Word(word, 0, 1, 0.9, True) for word in words))
    assert (turn.text, turn.final_text) == (text, text)


@pytest.mark.parametrize(
    ("character", "expected"), [("\u9999", True), ("\u3002", True), ("a", False), (" ", False), ("", False)]
)
def test_characters_have_a_script_with_spaces_or_without(character, expected):
    assert is_unspaced(character) is expected
