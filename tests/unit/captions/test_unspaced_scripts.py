"""Captions of Chinese, Japanese and Thai: no spaces, full-width characters count double, kinsoku is kept."""

# ruff: noqa: RUF001  - full-width marks are what this is about

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.caption_rules import check_parsers
from vivavoce.captions import Captioner, Style, captions, to_srt
from vivavoce.captions.scripts import belong_together, cells, pieces
from vivavoce.client.events import TurnEvent
from vivavoce.protocol.events import TurnUpdated
from vivavoce.server.rooms.cues import GrowingCues
from vivavoce.server.rooms.room import Room
from vivavoce.store import LineKey, StoredLine, StoredSession
from vivavoce.store.export import EXPORTS
from vivavoce.transcription import Transcript
from vivavoce.types import Word
from vivavoce.word_joining import join_words

STYLE = Style()
CHINESE = "今天天气很好，我们一起去公园散步吧。公园里有很多人，孩子们在草地上玩，老人们坐在树下聊天。"
JAPANESE = "今日はとても天気がいいですね。友だちと「公園」へ行って、コーヒーを飲みました。"
THAI = ["วันนี้", "อากาศ", "ดี", "มาก", "เรา", "ไป", "เดิน", "เล่น", "ที่", "สวน", "สาธารณะ", "กัน", "เถอะ"]


def spoken(texts, ms=200):
    return [Word(text, ms * at, ms * (at + 1), 0.9, is_final=True) for at, text in enumerate(texts)]


def lines(texts, style=None):
    return [line for cue in captions([spoken(texts)], style) for line in cue.lines]


# --- width --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("abc", 3), ("caf\u00e9", 4), ("今日", 4), ("コーヒー", 8), ("ｺｰﾋｰ", 4), ("ＡＢ", 4), ("한국", 4),
        ("ดี", 1), ("ที่", 1), ("cafe\u0301", 5), ("“A”…", 4), ("", 0),
    ],
)  # fmt: skip
def test_full_width_characters_count_double(text, width):
    assert cells(text) == width


def test_a_line_holds_half_as_many_full_width_characters():
    assert lines("日" * 21) == ["日" * 21]
    assert lines("日" * 22) == ["日" * 11] * 2
    assert max(map(cells, lines("日" * 100))) <= STYLE.line_characters
    assert max(map(cells, lines(["한국어"] * 40))) <= STYLE.line_characters


def test_reading_takes_twice_as_long():
    [cue] = captions([spoken("日" * 17, ms=10)])
    assert cue.end_ms == 2_000
    [cue] = captions([spoken(["a" * 17], ms=10)])
    assert cue.end_ms == 1_000


# --- joining and breaking -----------------------------------------------------------------------


@pytest.mark.parametrize("texts", [list(CHINESE), list(JAPANESE), THAI, [CHINESE], [JAPANESE]])
def test_there_are_no_spaces_and_no_character_is_lost(texts):
    cues = captions([spoken(texts)])
    assert "".join(cue.text for cue in cues) == "".join(texts)
    assert all(cells(line) <= STYLE.line_characters for cue in cues for line in cue.lines)
    check_parsers(cues)


def test_words_of_other_scripts_keep_their_spaces():
    texts = ["私", "は", "Python", "と", "machine", "learning", "が", "好き", "です", "。"]
    assert lines(texts) == ["私は Python と", "machine learning が好きです。"]
    assert captions([spoken(texts)])[0].text == "私は Python と machine learning が好きです。"


def test_sentences_and_phrases_end_lines_and_cues():
    assert [cue.lines for cue in captions([spoken(JAPANESE)])] == [
        ("今日はとても天気がいいですね。", "友だちと「公園」へ行って、"),
        ("コーヒーを飲みました。",),
    ]
    assert [cue.lines for cue in captions([spoken(CHINESE, 100)])] == [
        ("今天天气很好，我们一起去公园散步吧。", "公园里有很多人，孩子们在草地上玩，"),
        ("老人们坐在树下聊天。",),
    ]


def test_japanese_particles_and_endings_stay_with_their_word():
    texts = [
        "東京",
        "駅",
        "の",
        "前",
        "に",
        "ある",
        "大きな",
        "建物",
        "の",
        "中",
        "で",
        "待っ",
        "て",
        "い",
        "ます",
    ]
    found = lines(texts)
    assert len(found) == 2
    assert found[1][0] in "前大建中待"


def test_a_segment_is_split_between_its_characters():
    assert pieces("コンピューター") == ["コンピューター"]
    assert pieces("今日は" * 5) == list("今日は" * 5)
    assert pieces("私はPython3.12がとても好きなんです。") == [
        "私", "はPython3.12が", *"とても好きなんです。",
    ]  # fmt: skip
    assert pieces("x" * 99) == ["x" * 99]
    assert pieces("วันนี้อากาศดีมากเราไปเดินเล่นที่สวนสาธารณะ") == ["วันนี้อากาศดีมากเราไปเดินเล่นที่สวนสาธารณะ"]


def test_a_segment_shares_its_time():
    [first, second] = captions([[Word("日" * 60, 1_000, 9_000, 0.9)]])
    assert first.start_ms == 1_000
    assert second.start_ms == pytest.approx(1_000 + 8_000 / 60 * len("".join(first.lines)), abs=1)


# --- what may not begin or end a line -----------------------------------------------------------

CLOSING = "。、）」』】？！ー々っゃッァ・"
OPENING = "「『（【"


@pytest.mark.parametrize("mark", CLOSING)
@pytest.mark.parametrize("n_before", range(18, 24))
def test_no_line_begins_with_a_closing_mark(mark, n_before):
    for line in lines("日" * n_before + mark + "月" * 10):
        assert line[0] != mark


@pytest.mark.parametrize("mark", OPENING)
@pytest.mark.parametrize("n_before", range(18, 24))
def test_no_line_ends_with_an_opening_mark(mark, n_before):
    for line in lines("日" * n_before + mark + "月" * 10):
        assert line[-1] != mark


@pytest.mark.parametrize("n_before", range(18, 46))
def test_thai_marks_and_vowels_stay_with_their_letter(n_before):
    """Recognisers may cut a syllable in two."""
    for line in lines(["ก"] * n_before + ["\u0e35", "ก", "\u0e32", "เ", "ก"] + ["ก"] * 10):
        assert line[0] not in "\u0e35\u0e32"
        assert line[-1] != "เ"


def test_words_with_a_space_between_them_never_belong_together():
    assert not belong_together("word", "、")
    assert not belong_together("日", ")")
    assert belong_together("日", "）")


phrases = st.lists(
    st.tuples(
        st.sampled_from(["", "", "「", "（"]),
        st.sampled_from(["今日", "天", "コーヒー", "とても", "Python", "42", "公園", "ดี", "行", "日" * 30]),
        st.sampled_from(["", "", "", "。", "、", "」", "）", "っ", "？！", "。」"]),
    ),
    min_size=1,
    max_size=40,
)


@given(phrases, st.integers(20, 60), st.integers(1, 3), st.sampled_from([30, 200, 500]))
def test_rules_hold_for_any_phrases(phrases, line_characters, n_lines, ms):
    texts = [part for phrase in phrases for part in phrase if part]
    style = Style(line_characters=line_characters, lines=n_lines)
    cues = captions([spoken(texts, ms)], style)
    assert join_words(cue.text for cue in cues) == join_words(texts)
    for line in (line for cue in cues for line in cue.lines):
        assert cells(line) <= max(line_characters, 24)
        assert line == line.strip()
    for before, line in pairwise(line for cue in cues for line in cue.lines):
        if join_words((before, line)) == before + line:  # others have a space between them
            assert line[0] not in CLOSING
            assert before[-1] not in OPENING
    assert all(len(cue.lines) <= n_lines for cue in cues)
    assert all(one.end_ms <= other.start_ms for one, other in pairwise(cues))
    captioner = Captioner(style)
    assert [*captioner.add(spoken(texts, ms)), *captioner.finish()] == cues


def test_a_transcript_joins_its_turns_as_its_words():
    turns = [
        TurnEvent(turn_order=at, end_of_turn=True, transcript=text)
        for at, text in enumerate(["今日は。", "いい天気。", "OK."])
    ]
    assert Transcript(turns).text == "今日は。いい天気。 OK."


# --- where captions are written -----------------------------------------------------------------


def test_kept_transcripts_and_rooms_have_them_too():
    words = tuple(spoken(JAPANESE))
    expected = to_srt(captions([words]))
    assert "今日はとても天気がいいですね。\n友だちと「公園」へ行って、\n" in expected
    kept = [StoredLine(LineKey("one", 0, 0), 5.0, words)]
    assert EXPORTS["srt"].write(StoredSession("one", 1.0), kept, {}) == expected
    assert EXPORTS["txt"].write(StoredSession("one", 1.0), kept, {}) == f"{JAPANESE}\n"
    room = Room("hall")
    room.join("one", 1.0)
    room.update("one", TurnUpdated(0, 0, words[-1].end_ms, words, ended=True), 1.0)
    assert to_srt(GrowingCues().update(room.lines)) == expected
    room.correct(room.lines[0].id, CHINESE)
    assert "".join(cue.text for cue in GrowingCues().update(room.lines)) == CHINESE
