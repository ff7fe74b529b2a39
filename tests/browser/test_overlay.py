"""The overlay: captions that roll up. A line above the last one never changes, and no word is taken back."""

import itertools
import random

import pytest

from browser.test_reader import expect_text, wait_for_readers
from vivavoce.word_joining import join_words

TALK = [
    "Good",
    "morning,",
    "everybody.",
    "My",
    "name",
    "is",
    "Anna",
    "Petrova,",
    "and",
    "I",
    "work",
    "with",
    "the",
    "water",
    "authority",
    "of",
    "this",
    "county.",
    "Twenty",
    "years",
    "ago",
    "there",
    "were",
    "eleven",
    "springs",
    "in",
    "the",
    "valley;",
    "today",
    "there",
    "are",
    "four.",
    "We",
    "think",
    "that",
    "the",
    "quarry",
    "is",
    "one",
    "reason,",
    "but",
    "it",
    "is",
    "not",
    "the",
    "only",
    "one,",
    "because",
    "the",
    "rain",
    "has",
    "changed",
    "as",
    "well.",
    "In",
    "the",
    "last",
    "ten",
    "years",
    "we",
    "have",
    "measured",
    "the",
    "level",
    "of",
    "the",
    "ground",
    "water",
    "at",
    "sixty",
    "places,",
    "which",
    "nobody",
    "had",
    "done",
    "before.",
]


def lines_of(page):
    return page.eval_on_selector_all("#captions .line > span", "them => them.map(it => it.textContent)")


def ends_with(page, word):
    page.wait_for_function("word => document.getElementById('captions').textContent.endsWith(word)", arg=word)


def rollup(page, script):
    """Runs a script with a `RollUp` of its own, whose lines take 30 characters."""
    return page.evaluate(
        """async (script) => {
          const { RollUp, boundary } = await import("/live/rollup.js");
          const make = (options) => new RollUp({ lines: 3, fill: (text) => text.length / 30, ...options });
          const texts = (it) => it.lines.map((line) => [...line.words, ...line.tail].join(" "));
          return eval(script)({ make, texts, boundary });
        }""",
        script,
    )


@pytest.fixture
def bare(open_page, chromium):
    """A page that may evaluate scripts."""
    return open_page("/r/talk", bypass_csp=True)


def test_only_the_end_of_the_last_line_changes_and_every_word_is_shown_once(server, open_page):
    page = open_page("/r/talk/overlay?lines=3")
    wait_for_readers(page, server)
    page.evaluate(
        """() => {
          window.states = [];
          new MutationObserver(() => states.push([...document.querySelectorAll('.line')].map(it => it.textContent)))
            .observe(document.getElementById('captions'), {childList: true, subtree: true, characterData: true});
        }"""
    )
    order = random.Random(13)
    at, turn = 0, 0
    while at < len(TALK):
        size = min(len(TALK) - at, order.randint(8, 25))
        words = TALK[at : at + size]
        spoken = [word.strip(".,;").lower() if order.random() < 0.3 else word for word in words]
        for count in range(1, size):
            server.emit(
                "partial",
                {"source": 0, "start": 0, "stable": " ".join(spoken[:count]), "tail": spoken[count] + "x"},
            )
            ends_with(page, spoken[count - 1])
        server.emit("line", server.line(turn, " ".join(words)))
        ends_with(page, words[-1])
        at, turn = at + size, turn + 1
    expect_text(page, "#captions", "before.")
    states = page.evaluate("states")
    assert len(states) > 50
    shown = []  # all lines there ever were, in order, as they were when they stopped to change
    for before, now in itertools.pairwise(states):
        assert len(now) <= 3
        if now[: len(before) - 1] == before[:-1]:
            continue  # the last line has changed, or lines were added
        gone = next(count for count in range(1, 4) if now[: len(before) - 1 - count] == before[count:-1])
        shown += before[:gone]
    shown += states[-1]
    plain = [word.strip(".,;").lower() for word in " ".join(shown).split()]
    assert plain == [word.strip(".,;").lower() for word in TALK]


def test_a_final_in_other_words_repeats_none_and_leaves_none_out(bare):
    assert rollup(
        bare,
        """({ make, texts }) => {
          const it = make();
          it.partial(0, "we counted twenty four springs in the valley and sixty", "");
          const before = texts(it);
          it.final(0, "We counted 24 springs in the valley, and 60 wells.");
          return [before, texts(it)];
        }""",
    ) == [
        ["we counted twenty four springs", "in the valley and sixty"],
        ["we counted twenty four springs", "in the valley, and 60 wells."],
    ]


@pytest.mark.parametrize(
    ("placed", "count", "words", "found"),
    [
        ("a b c", 3, "a b c d", 3),
        ("a b c", 2, "A, b c d", 2),
        ("twenty four people came", 2, "24 people came in", 1),
        ("twenty four", 2, "24 people", 1),
        ("", 0, "a b", 0),
        ("a b c", 3, "", 0),
        ("a x b c", 3, "a b c d", 2),
    ],
)
def test_where_a_final_goes_on(bare, placed, count, words, found):
    script = f"({{ boundary }}) => boundary({placed.split()}, {count}, {words.split()})"
    assert rollup(bare, script) == found


def test_scripts_without_spaces_are_broken_between_their_characters(bare):
    said = "今日はとても天気がいいですね。友だちと「公園」へ行って、コーヒーを飲みました。それから映画を見て家に帰りました。"
    script = """async ({ make }) => {
      const { joinWords } = await import("/live/words.js");
      const it = make({ lines: 9 });
      const said = "SAID";
      for (const count of [3, 9, 20, 41, 50]) it.partial(0, said.slice(0, count), "");
      it.final(0, said);
      return it.lines.map((line) => joinWords(line.words));
    }"""
    found = rollup(bare, script.replace("SAID", said))
    assert found == [
        "今日はとても天気がいいですね。友だちと「公園」へ行って、",
        "コーヒーを飲みました。それから映画を見て家に帰りました。",
    ]


def test_words_are_joined_as_the_server_joins_them(bare):
    lists = [
        ["今", "日", "は", "Python", "と", "a", "b"],
        ["ไทย", "ดี", "ok"],
        ["한국어", "입니다"],
        ["a", "b"],
        [],
        ["、"],
    ]
    script = """async (lists) => {
      const { joinWords } = await import("/live/words.js");
      return lists.map(joinWords);
    }"""
    assert bare.evaluate(script, lists) == [join_words(words) for words in lists]


def test_lines_end_after_sentences_and_phrases(bare):
    assert rollup(
        bare,
        """({ make, texts }) => {
          const it = make({ lines: 9 });
          it.final(0, "That was the year of the drought. Nobody knew it then, but the springs never came back.");
          return texts(it);
        }""",
    ) == ["That was the year of the", "drought. Nobody knew it then,", "but the springs never came", "back."]


def test_another_speaker_waits_for_the_end_of_a_turn(bare):
    assert rollup(
        bare,
        """({ make, texts }) => {
          const it = make();
          it.partial(0, "I think that", "");
          it.partial(1, "No", "");
          it.partial(0, "I think that we", "");
          const before = texts(it);
          it.final(1, "No.");
          it.final(0, "I think that we should.");
          return [before, texts(it)];
        }""",
    ) == [["I think that we"], ["I think that we", "No.", "should."]]


def test_a_turn_that_goes_on_after_a_reconnect_is_not_repeated(bare):
    assert rollup(
        bare,
        """({ make, texts }) => {
          const it = make();
          it.partial(0, "the water comes from", "");
          it.partial(0, "", "");
          it.partial(1, "the", "");
          it.partial(1, "the water comes from the hill", "");
          it.final(1, "The water comes from the hill.");
          return texts(it);
        }""",
    ) == ["The water comes from the hill."]


def test_volatile_words_are_shown_only_if_wanted_and_never_break_a_line(bare):
    script = """({{ make, texts }}) => {{
      const it = make({{ showsTail: {} }});
      it.partial(0, "the water", "comes from the hill behind the town hall");
      return texts(it);
    }}"""
    assert rollup(bare, script.format("false")) == ["the water"]
    assert rollup(bare, script.format("true")) == ["the water comes from the hill"]


def test_the_address_styles_it(server, open_page, keep):
    query = "?lines=1&size=40&width=50&color=ffee00&background=transparent&align=center&position=top&font=monospace"
    page = open_page(f"/r/talk/overlay{query}&sample=1")
    expect_text(page, "#captions", "speaks.")
    assert len(lines_of(page)) == 1
    style = page.evaluate(
        "(({color, fontSize, textAlign, width, top, fontFamily}) => [color, fontSize, textAlign, width, top, fontFamily])"
        "(getComputedStyle(document.getElementById('captions')))"
    )
    assert style == ["rgb(255, 238, 0)", "40px", "center", "640px", "32px", "monospace"]
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.line > span')).backgroundColor")
        == "rgba(0, 0, 0, 0)"
    )
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"
    keep(page, "overlay-styled", omit_background=True)


def test_a_style_that_is_none_changes_nothing(server, open_page):
    page = open_page("/r/talk/overlay?lines=x&size=huge%3B&color=url(evil)&sample=1&position=%22")
    expect_text(page, "#captions", "speaks.")
    assert len(lines_of(page)) == 2


def test_no_line_is_wider_than_the_captions(server, open_page):
    page = open_page("/r/talk/overlay?lines=3&size=60&width=40")
    wait_for_readers(page, server)
    server.emit("line", server.line(0, " ".join(TALK[:18])))
    expect_text(page, "#captions", "county.")
    heights = page.eval_on_selector_all("#captions .line", "them => them.map(it => it.clientHeight)")
    assert len(heights) == 3
    assert max(heights) < 1.5 * 60


def test_what_was_said_before_is_not_shown_but_what_was_missed_is(server, open_page):
    server.snapshot = server.room([server.line(0, "Long ago.")], "live")
    page = open_page("/r/talk/overlay?clear=0")
    wait_for_readers(page, server)
    server.emit("line", server.line(1, "Now."))
    expect_text(page, "#captions", "Now.")
    assert lines_of(page) == ["Now."]
    server.emit(
        "snapshot",
        server.room(
            [server.line(it, text) for it, text in enumerate(["Long ago.", "Now.", "Missed."])], "live"
        ),
    )
    expect_text(page, "#captions", "Missed.")
    assert lines_of(page) == ["Now. Missed."]


def test_old_captions_go_away(server, open_page):
    page = open_page("/r/talk/overlay?clear=1")
    wait_for_readers(page, server)
    server.emit("line", server.line(0, "For a moment."))
    expect_text(page, "#captions", "For a moment.")
    page.wait_for_function("() => document.querySelectorAll('.line').length === 0")
