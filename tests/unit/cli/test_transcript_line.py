"""Transcripts of the SDK become printable lines."""

import pytest

from vivavoce.cli.transcript_line import TranscriptLine
from vivavoce.printing.cells import printable
from vivavoce.types import Word


def test_a_transcript_of_the_sdk_is_converted():
    class W:
        text, start, end, confidence = "Hello\x1b", 1, 2, 0.5

    class T:
        text, audio_start, audio_end, confidence, words = "Hello\n", 1, 2, 0.5, [W]

    line = TranscriptLine.from_sdk(T, is_final=True)
    assert line == TranscriptLine("Hello", True, 1, 2, 0.5, (Word("Hello", 1, 2, 0.5, is_final=True),))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one\ntwo\r\nthree", "one two three"),
        ("\x1b[2Jgone\x07", "[2Jgone"),
        ("  a\tb  ", "a b"),
        ("na\u200bïve \udc80", "na ïve"),
        ("", ""),
    ],
)
def test_text_cannot_control_the_terminal(text, shown):
    assert printable(text) == shown
