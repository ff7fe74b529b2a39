"""Who speaks: on the reader's page, on the speaker's, and in the overlay."""

import itertools

import pytest

from browser.test_client import Client, turn, wait
from browser.test_looks import SIZES, violations
from browser.test_overlay import lines_of, rollup
from browser.test_reader import expect_text, fill, wait_for_readers
from browser.test_speaker import begin

NAMES = ("Anna", "Ben", "C", "D", "Ève", "F", "G", "H")
TWO = [(0, "Is it ready?"), (1, "Yes, it is.")]


@pytest.fixture
def panel(server):
    """A room of two speakers."""
    server.snapshot = server.room(state="live", voices=server.voices("A", "B"))
    return server


@pytest.fixture
def reader(panel, open_page):
    page = open_page("/r/talk")
    wait_for_readers(page, panel)
    expect_text(page, "#status", "Live")
    return page


def shown(page):
    """The paragraphs of the transcript: the name if one is shown, the text, and the style."""
    return [
        tuple(row)
        for row in page.eval_on_selector_all(
            ".line",
            """them => them.map(it => [it.querySelector(".name")?.textContent || "",
              it.querySelector(".text").textContent, it.dataset.voice || ""])""",
        )
    ]


def test_names_stand_where_the_speaker_changes(panel, reader):
    panel.emit("line", panel.line(0, "", parts=[(0, "Good morning.")]))
    panel.emit("line", panel.line(1, "", parts=[(0, "Let us begin.")]))
    panel.emit("line", panel.line(2, "", parts=TWO))
    panel.emit("line", panel.line(3, "", parts=[(None, "Hm.")]))
    panel.emit("line", panel.line(4, "", parts=[(1, "Or not.", False)]))
    panel.emit("line", panel.line(5, "No labels."))
    expect_text(reader, ".log", "No labels.")
    assert shown(reader) == [
        ("A", "Good morning.", "0"), ("", "Let us begin.", "0"), ("", "Is it ready?", "0"),
        ("B", "Yes, it is.", "1"), ("Unknown speaker", "Hm.", "none"), ("B?", "Or not.", "1"),
        ("", "No labels.", ""),
    ]  # fmt: skip
    # A screen reader hears the name with the words that follow it.
    assert reader.locator("[role=log] .line", has_text="Yes, it is.").inner_text() == "B\nYes, it is."


def test_a_new_voice_is_known_before_its_line(panel, reader):
    panel.emit("voices", {"voices": panel.voices("A", "B", "C")})
    panel.emit("line", panel.line(0, "", parts=[(2, "Hello.")]))
    expect_text(reader, ".name", "C")


def test_a_revision_changes_speakers_in_place(panel, reader):
    panel.emit("line", panel.line(0, "", parts=[(0, "Is it ready?")]))
    panel.emit("line", panel.line(1, "", parts=[(0, "Yes, it is.")]))
    panel.emit("line", panel.line(2, "", parts=[(0, "Good.")]))
    expect_text(reader, ".log", "Good.")
    reader.evaluate("window.before = [...document.querySelectorAll('.text')]")
    panel.emit("correction", panel.line(1, "", parts=[(1, "Yes, it is.")]))
    expect_text(reader, ".log", "B")
    assert shown(reader) == [
        ("A", "Is it ready?", "0"), ("B", "Yes, it is.", "1"), ("A", "Good.", "0")
    ]  # fmt: skip
    assert reader.evaluate("before.every((it) => it.isConnected)"), "the words were taken away"
    assert reader.locator(".mark").count() == 0
    panel.emit("correction", panel.line(1, "", parts=[(0, "Yes,"), (1, "it is.")]))
    reader.wait_for_function("() => document.querySelectorAll('.line').length === 4")
    assert [row[1] for row in shown(reader)] == ["Is it ready?", "Yes,", "it is.", "Good."]
    panel.emit("correction", panel.line(1, "", parts=[(0, "Yes, it is.")]))
    reader.wait_for_function("() => document.querySelectorAll('.line').length === 3")
    assert [row[0] for row in shown(reader)] == ["A", "", ""]


def test_names_change_in_all_lines_and_are_never_markup(panel, reader):
    for number in range(4):
        panel.emit("line", panel.line(number, "", parts=[(number % 2, f"Line {number}.")]))
    expect_text(reader, ".log", "Line 3.")
    reader.evaluate("window.before = [...document.querySelectorAll('.name')].map((it) => it.firstChild)")
    name = "<img src=x onerror=alert(1)>"
    panel.emit("voices", {"voices": panel.voices(name, "B")})
    expect_text(reader, ".name", name)
    assert [row[0] for row in shown(reader)] == [name, "B"] * 2
    assert reader.locator("#transcript img").count() == 0
    assert reader.evaluate("before.every((it) => it.isConnected)"), "a screen reader would read them again"
    panel.emit("voices", {"voices": panel.voices("Anna", "Anna")})
    reader.wait_for_function("() => document.querySelectorAll('.name').length === 1")
    assert {row[2] for row in shown(reader)} == {"0"}


def test_a_revision_does_not_move_a_reader_who_has_scrolled_back(panel, reader):
    fill(panel, 40)
    panel.emit("line", panel.line(40, "", parts=[(0, "The last line.")]))
    expect_text(reader, ".log", "The last line.")
    reader.evaluate("document.getElementById('scroller').scrollBy(0, -900)")
    reader.locator("#follow").wait_for()
    reader.evaluate(
        "window.read = [...document.querySelectorAll('.line')].find((it) => it.getBoundingClientRect().top > 300)"
    )
    place = "read.getBoundingClientRect().top"
    before = reader.evaluate(place)
    for number in (0, 20, 40):
        panel.emit("correction", panel.line(number, "", parts=[(1, "Said."), (0, "And said.")]))
    expect_text(reader, ".log", "And said.")
    assert reader.evaluate(place) == pytest.approx(before, abs=2)
    assert reader.inner_text("#follow") == "Back to live"


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
@pytest.mark.parametrize("size", SIZES)
def test_eight_speakers_look_different_and_have_contrast(server, open_page, axe, keep, theme, size):
    lines = [server.line(it, "", parts=[(it, f"{name} says this.")]) for it, name in enumerate(NAMES)]
    lines.append(server.line(9, "", parts=[(None, "And who is this?"), (0, "It is me,", False)]))
    server.snapshot = server.room(lines, "live", voices=server.voices(*NAMES))
    page = open_page("/r/talk", size=SIZES[size])
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    expect_text(page, ".earlier", "It is me,")
    keep(page, f"voices-{size}-{theme}")
    assert violations(page, axe) == []  # of which one is the contrast
    looks = page.eval_on_selector_all(
        ".shape",
        "them => them.slice(0, 9).map(it => [getComputedStyle(it).clipPath, getComputedStyle(it).backgroundColor])",
    )
    assert len({shape for shape, _ in looks}) == 9
    assert len({colour for _, colour in looks}) == 9


# --- the speaker's page -----------------------------------------------------------------------


@pytest.fixture
def speaker(panel, open_page):
    def opened(path="/?room=talk"):
        page = open_page(path, permissions=["microphone"])
        wait_for_readers(page, panel)
        return page

    return opened


def test_labels_are_asked_for(panel, speaker):
    page = speaker()
    page.get_by_text("Transcription", exact=True).click()
    page.check("#speakers")
    page.fill("#most-speakers", "3")
    session = begin(page, panel)
    assert session.query["speaker_labels"] == "true"
    assert session.query["max_speakers"] == "3"
    assert session.query["speaker_labels_revision_interval_ms"] == "120000"
    assert page.locator("#speakers").is_disabled()
    page.reload()
    page.wait_for_function("() => !document.getElementById('speakers').disabled")
    assert page.locator("#speakers").is_checked()
    assert page.input_value("#most-speakers") == "3"
    page.get_by_text("Transcription", exact=True).click()
    page.uncheck("#speakers")
    assert "speaker_labels" not in begin(page, panel, 2).query


@pytest.mark.parametrize(("wanted", "most"), [("any", None), ("4", "4")])
def test_the_command_asks_for_labels(panel, speaker, wanted, most):
    page = speaker(f"/#room=talk&speakers={wanted}")
    page.wait_for_function("() => !document.getElementById('speakers').disabled")
    query = begin(page, panel).query
    assert (query["speaker_labels"], query.get("max_speakers")) == ("true", most)


@pytest.mark.parametrize("answer", [False, None])
def test_a_server_without_a_voice_encoder_says_so(panel, speaker, answer):
    panel.labels_speakers = answer
    page = speaker("/#room=talk&speakers=any")
    expect_text(page, "#voices", "no voice encoder")
    assert page.locator("#speakers").is_disabled()
    assert not page.locator("#speakers").is_checked()
    assert "speaker_labels" not in begin(page, panel).query


def test_a_name_is_given_while_the_talk_runs(panel, speaker):
    page = speaker()
    session = begin(page, panel)
    page.get_by_label("Name of A").fill("Anna")
    page.keyboard.press("Tab")
    wait(page, lambda: panel.names)
    assert panel.names == [({"voice": 0, "name": "Anna"}, session.query["room_key"])]
    panel.emit("voices", {"voices": panel.voices("Anna", "B")})
    page.get_by_label("Name of Anna").wait_for()
    page.get_by_label("Name of B").fill("Be")  # and is not ready when news come
    panel.emit("voices", {"voices": panel.voices("Anna", "B", "C")})
    page.get_by_label("Name of C").wait_for()
    assert page.get_by_label("Name of B").input_value() == "Be"
    assert page.get_by_label("Name of Anna").input_value() == "Anna"


def test_a_line_is_given_to_another_speaker(panel, speaker):
    page = speaker()
    panel.emit("line", panel.line(0, "", parts=TWO))
    line = page.locator(".line", has_text="Yes, it is.")
    line.hover()
    line.get_by_role("button", name="Correct").click()
    page.get_by_label("Speaker of this line").fill("Anna")
    panel.emit("correction", panel.line(0, "", parts=[(0, "Is it ready?"), (0, "Yes, it is.")]))
    panel.emit("line", panel.line(1, "", parts=[(0, "Next.")]))
    expect_text(page, ".log", "Next.")
    assert page.get_by_label("Speaker of this line").input_value() == "Anna"
    page.get_by_role("button", name="Save").click()
    wait(page, lambda: panel.corrections)
    assert panel.corrections[0][0] == {"line": 0, "part": 1, "name": "Anna"}
    page.wait_for_function("() => !document.querySelector('.editor')")
    assert [row[0] for row in shown(page)] == ["A", "", ""]  # what came meanwhile is shown


def test_a_part_is_corrected_alone(panel, speaker):
    page = speaker()
    panel.emit("line", panel.line(0, "", parts=TWO))
    line = page.locator(".line", has_text="Is it ready?")
    line.hover()
    line.get_by_role("button", name="Correct").click()
    page.get_by_label("Corrected text").fill("Are you ready?")
    page.keyboard.press("Enter")
    wait(page, lambda: panel.corrections)
    assert panel.corrections[0][0] == {"line": 0, "part": 0, "text": "Are you ready?"}


def test_the_speakers_page_with_names_can_be_used_by_everybody(panel, speaker, axe, keep):
    page = speaker()
    panel.emit("line", panel.line(0, "", parts=TWO))
    expect_text(page, ".log", "Yes, it is.")
    line = page.locator(".line", has_text="Yes, it is.")
    line.hover()
    line.get_by_role("button", name="Correct").click()
    for theme in ("light", "dark", "contrast"):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        keep(page, f"voices-speaker-{theme}")
        assert violations(page, axe) == []


# --- the overlay ------------------------------------------------------------------------------


def tags(page):
    """The names beside each line of the overlay."""
    return page.eval_on_selector_all(
        "#captions .line",
        "them => them.map(it => [...it.querySelectorAll('.name')].map((name) => name.textContent).join('+'))",
    )


def test_the_overlay_names_the_speaker_of_each_line(panel, open_page, axe, keep):
    page = open_page("/r/talk/overlay?clear=0&lines=3&background=black", size=(1920, 1080))
    wait_for_readers(page, panel)
    panel.emit("partial", {"source": 0, "start": 0, "stable": "is it ready yes", "tail": ""})
    expect_text(page, "#captions", "yes")
    panel.emit("line", panel.line(0, "", parts=TWO))
    expect_text(page, "#captions", "Yes, it is.")
    page.wait_for_function("() => document.querySelectorAll('.name').length === 2")
    assert lines_of(page)[::2] == ["Is it ready?", "Yes, it is."]
    assert tags(page) == ["A", "B"]
    panel.emit("voices", {"voices": panel.voices("Anna", "B")})
    expect_text(page, ".name", "Anna")
    keep(page, "overlay-voices")
    assert violations(page, axe) == []
    panel.emit("correction", panel.line(0, "", parts=[(1, "Is it ready?"), (1, "Yes, it is.")]))
    page.wait_for_function("() => document.querySelectorAll('.name').length === 1")
    assert tags(page) == ["B", ""]


def test_a_long_name_stays_on_the_screen_and_beside_its_line(panel, open_page, keep):
    page = open_page("/r/talk/overlay?clear=0&background=black", size=(1920, 1080))
    wait_for_readers(page, panel)
    panel.emit("voices", {"voices": panel.voices("Maria Magdalena Konstantinopoulou-Papadopoulou", "B")})
    panel.emit("line", panel.line(0, "", parts=TWO))
    page.locator(".name").nth(1).wait_for()
    keep(page, "overlay-long-name")
    first, second = page.eval_on_selector_all(
        ".names",
        "them => them.map(it => it.getBoundingClientRect()).map(({left, top, bottom}) => [left, top, bottom])",
    )
    assert first[0] >= 0
    assert first[2] <= second[1]


def test_no_line_of_the_overlay_gets_a_second_speaker(open_page, chromium):
    page = open_page("/r/talk", bypass_csp=True)
    lines = rollup(
        page,
        """({ make }) => {
          const it = make({ lines: 9 });
          it.partial(0, "we counted twenty four springs in the valley", "");
          it.partial(0, "we counted twenty four springs in the valley and did you", "");
          it.final(0, "", 0, [{ voice: 0, text: "We counted 24 springs in the valley." }, { voice: 1, text: "And did you?" }]);
          it.partial(0, "yes", "");
          it.final(0, "", 1, [{ voice: 0, text: "Yes." }]);
          it.revise(1, [{ voice: 2, text: "Yes." }]);
          return it.lines.map((line) => [line.words.join(" "), line.voices]);
        }""",
    )
    assert lines == [
        ["we counted twenty four springs", [0]],
        ["in the valley.", [0]],
        ["And did you?", [1]],
        ["Yes.", [2]],
    ]


# --- the client -------------------------------------------------------------------------------


def test_the_client_reports_speakers_over_all_connections(panel, open_page):
    it = Client(open_page("/r/talk"), parameters={"speaker_labels": True})
    wait(it.page, lambda: panel.sessions)
    it.page.evaluate(
        "void session.on('speaker_revision', (detail) => log.push(['speaker_revision', detail]))"
    )
    assert panel.sessions[0].query["speaker_labels"] == "true"
    for number in range(2):
        it.send(2_000)
        session = panel.sessions[number]
        wait(it.page, lambda session=session: session.duration_ms >= 1_900)
        session.send(**turn(0, "one two", end=True), speaker_label="A")
        wait(it.page, lambda number=number: len(it.events("final")) == number + 1)
        revision = {"turn_order": 0, "speaker_label": "B", "words": turn(0, "one two")["words"]}
        session.send(type="SpeakerRevision", revisions=[revision])
        wait(it.page, lambda number=number: len(it.events("speaker_revision")) == number + 1)
        if number == 0:
            session.close(1011)
            wait(it.page, lambda: len(panel.sessions) == 2)
    finals, revisions = it.events("final"), it.events("speaker_revision")
    assert [each["speaker_label"] for each in finals] == ["A", "A"]
    items = list(itertools.chain(*revisions))
    assert [(each["turn_order"], each["speaker_label"]) for each in items] == [(0, "B"), (1, "B")]
    assert [each["words"][0]["start"] for each in items] == [each["words"][0]["start"] for each in finals]
