"""The reader's page."""

import re
import time

import pytest

from support.time_limit import HANG_S

SENTENCES = [
    "Good morning, and welcome to the second day of our meeting.",
    "Today we talk about how water moves through limestone, and why that matters for the towns in this valley.",
    "Most of what you drink has been under ground for eleven years.",
    "Please ask at any time.",
]


def expect_text(page, selector, text, timeout=None):
    page.wait_for_function(
        "([selector, text]) => (document.querySelector(selector)?.textContent || '').includes(text)",
        arg=[selector, text],
        timeout=timeout,
    )


def fill(server, n=4):
    for number in range(n):
        server.emit("line", server.line(number, SENTENCES[number % 4]))


def wait_for_readers(page, server, n=1):
    end = time.monotonic() + HANG_S
    while server.n_readers < n:
        assert time.monotonic() < end, "no reader came"
        page.wait_for_timeout(25)


def test_it_waits_then_shows_words_as_they_come(server, open_page):
    page = open_page("/r/talk")
    expect_text(page, "#status", "Waiting for the speaker")
    server.emit("state", {"state": "live", "title": "On water"})
    server.emit("partial", {"source": 0, "start": 0, "stable": "Good morning", "tail": "and well"})
    expect_text(page, "#status", "Live")
    expect_text(page, "#title", "On water")
    expect_text(page, ".partial .stable", "Good morning")
    expect_text(page, ".partial .tail", "and well")
    assert page.inner_text(".partial") == "Good morning and well"
    server.emit("line", server.line(0, SENTENCES[0]))
    expect_text(page, ".log .line", SENTENCES[0])
    assert page.locator(".partial").count() == 0
    server.emit("partial", {"source": 0, "start": 0, "stable": "gone", "tail": ""})
    expect_text(page, ".partial", "gone")
    server.emit("partial", {"source": 0, "start": 0, "stable": "", "tail": ""})
    server.emit("state", {"state": "ended", "title": "On water"})
    expect_text(page, "#status", "Ended")
    assert page.locator(".partial").count() == 0


def test_a_late_reader_gets_what_was_said_and_a_screen_reader_is_not_flooded_by_it(server, open_page):
    server.snapshot = server.room(
        [server.line(it, text) for it, text in enumerate(SENTENCES)], "live", first=3
    )
    page = open_page("/r/talk")
    expect_text(page, ".earlier", SENTENCES[3])
    assert "Earlier lines" in page.inner_text(".earlier .note")
    assert page.locator("[aria-live=polite] .line").count() == 0
    server.emit("partial", {"source": 0, "start": 0, "stable": "Never read aloud", "tail": ""})
    expect_text(page, "[aria-hidden=true]", "Never read aloud")
    server.emit("line", server.line(4, "Read aloud once."))
    expect_text(page, "[role=log][aria-live=polite]", "Read aloud once.")
    assert page.get_by_text("Read aloud once.").count() == 1


def test_a_correction_replaces_its_line(server, open_page):
    page = open_page("/r/talk")
    wait_for_readers(page, server)
    fill(server)
    expect_text(page, ".log", SENTENCES[3])
    server.emit("correction", server.line(1, "Today we talk about limestone.", corrected=True))
    expect_text(page, ".log", "Today we talk about limestone.")
    lines = page.locator(".line")
    assert lines.count() == 4
    assert "corrected" in lines.nth(1).inner_text()


def test_it_follows_the_live_line_until_the_reader_scrolls_back(server, open_page, keep):
    page = open_page("/r/talk", size=(390, 844), has_touch=True, is_mobile=True)
    wait_for_readers(page, server)
    fill(server, 30)
    at_end = "() => { const it = document.getElementById('scroller'); return it.scrollHeight - it.clientHeight - it.scrollTop < 3 && it.scrollTop > 500 }"
    page.wait_for_function(at_end)
    assert page.locator("#follow").is_hidden()
    page.evaluate("document.getElementById('scroller').scrollBy(0, -900)")
    page.locator("#follow").wait_for()
    top = page.evaluate("document.getElementById('scroller').scrollTop")
    server.emit("line", server.line(30, "A new one."))
    expect_text(page, "#follow", "Back to live (1 new)")
    assert page.evaluate("document.getElementById('scroller').scrollTop") == top
    keep(page, "reader-phone-scrolled-back")
    page.click("#follow")
    page.wait_for_function(at_end)
    assert page.locator("#follow").is_hidden()


def test_settings_are_remembered(server, open_page):
    page = open_page("/r/talk")
    page.click("#options-button")
    assert page.get_attribute("#options-button", "aria-expanded") == "true"
    page.select_option("#theme", "contrast")
    page.locator("#size").fill("2")
    page.locator("#spacing").fill("2")
    page.uncheck("#partials")
    page.keyboard.press("Escape")
    assert page.locator("#options").is_hidden()
    page.reload()
    expect_text(page, "#status", "Waiting for the speaker")  # it is among the readers again
    assert page.get_attribute("html", "data-theme") == "contrast"
    assert page.evaluate("getComputedStyle(document.getElementById('transcript')).fontSize") == "67.2px"
    assert page.evaluate("getComputedStyle(document.getElementById('transcript')).lineHeight") == "134.4px"
    server.emit("partial", {"source": 0, "start": 0, "stable": "not shown", "tail": ""})
    page.locator(".partial").wait_for(state="attached")
    assert page.locator(".partial").is_hidden()


def test_a_lost_connection_misses_nothing(server, open_page):
    page = open_page("/r/talk")
    wait_for_readers(page, server)
    fill(server, 2)
    expect_text(page, ".log", SENTENCES[1])
    server.refusal = (500, {})
    server.drop_readers()
    expect_text(page, "#status", "Connection lost: trying again")
    server.refusal = None
    expect_text(page, "#status", "Waiting")
    assert server.last_event_ids[-1] == "e-2"
    server.emit("line", server.line(2, SENTENCES[2]))
    expect_text(page, ".log", SENTENCES[2])
    assert page.locator(".line").count() == 3


def test_it_comes_back_after_the_server_was_restarted(chromium, server, open_page):
    page = open_page("/r/talk")
    wait_for_readers(page, server)
    server.emit("line", server.line(0, "Before."))
    expect_text(page, ".log", "Before.")
    server.__exit__()
    expect_text(page, "#status", "Connection lost: trying again")
    server._streams.clear()
    with server:
        wait_for_readers(page, server)
        server.emit("snapshot", server.room([server.line(0, "After.")], "live"))
        expect_text(page, ".earlier", "After.")
        expect_text(page, "#status", "Live")
        assert page.locator(".line").count() == 1
        page.context.close()


@pytest.mark.parametrize(
    ("status", "words"),
    [(429, "Too many attempts from here: trying again in 1 s"), (503, "as many readers as it can take: trying again in 1 s"),
     (404, "There is no room at this address")],
)  # fmt: skip
def test_a_refusal_is_said_in_plain_words_and_tried_again(server, open_page, status, words):
    server.refusal = (status, {"Retry-After": "1"})
    page = open_page("/r/talk")
    expect_text(page, "#status", words)
    if status != 404:
        server.refusal = None
        expect_text(page, "#status", "Waiting for the speaker")


def test_a_text_is_never_markup(server, open_page):
    page = open_page("/r/talk")
    wait_for_readers(page, server)
    nasty = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    server.emit("state", {"state": "live", "title": nasty})
    server.emit("line", server.line(0, nasty))
    expect_text(page, ".line", nasty)
    expect_text(page, "#title", nasty)
    assert page.locator("#transcript img").count() == 0


def test_downloads_are_links_of_the_room(server, open_page):
    page = open_page("/r/talk")
    links = page.eval_on_selector_all("#options a", "them => them.map(it => it.getAttribute('href'))")
    assert links == [
        "/r/talk/transcript.txt?download", "/r/talk/captions.srt?download",
        "/r/talk/captions.vtt?download", "/r/talk/transcript.json?download",
    ]  # fmt: skip


def test_the_keyboard_alone_reaches_everything(server, open_page):
    page = open_page("/r/talk")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid" or reached[-1] == "", reached
    assert {"theme", "size", "spacing", "partials", "save-txt", "save-json", "scroller"} <= set(reached)
    assert not re.search('tabindex="[1-9]', page.content())
