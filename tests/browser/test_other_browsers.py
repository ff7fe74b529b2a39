"""The pages in Firefox and in WebKitGTK, which has Safari's engine: they work there as they do in Chromium."""

import json

import pytest

from browser.conftest import PICTURES
from browser.other_browsers import Firefox, WebKit, start
from browser.test_reader import SENTENCES
from support.time_limit import HANG_S, wait_until

SIZES = {"phone": (390, 844), "desktop": (1280, 800)}


@pytest.fixture(scope="module", params=[Firefox, WebKit], ids=["firefox", "webkit"])
def browser(request, tmp_path_factory):
    with start(request.param, tmp_path_factory.mktemp("profile")) as running:
        yield running


def expect_text(browser, selector, text):
    script = f"document.querySelector({json.dumps(selector)})?.textContent || ''"
    wait_until(lambda: text in browser.evaluate(script), f"{text!r} in {selector}")


def keep(browser, name):
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / f"{type(browser).__name__.lower()}-{name}.png").write_bytes(browser.screenshot())


def click(browser, selector):
    browser.evaluate(f"document.querySelector({json.dumps(selector)}).click()")


def open_reader(browser, server, size):
    """Open the reader's page and wait until its script runs: until then, no control does anything."""
    browser.open("about:blank", SIZES[size])  # the page before has the same address and text
    wait_until(lambda: not server.n_readers)
    browser.open(f"{server.url}/r/talk", SIZES[size])
    wait_until(lambda: server.n_readers)
    expect_text(browser, "#status", "Waiting for the speaker")


@pytest.mark.parametrize("size", SIZES)
def test_a_reader_sees_every_event_and_comes_back(browser, server, size):
    open_reader(browser, server, size)
    server.emit("state", {"state": "live", "title": "Water"})
    expect_text(browser, "#status", "Live")
    expect_text(browser, "h1", "Water")
    server.emit("partial", {"source": 0, "start": 0, "stable": "We meet at", "tail": "for"})
    expect_text(browser, ".partial .tail", "for")
    for number in range(12):
        server.emit("line", server.line(number, SENTENCES[number % 4]))
    server.emit("line", server.line(12, "We meet at four."))
    server.emit("correction", server.line(12, "We meet at five.", corrected=True))
    expect_text(browser, ".log", "We meet at five.")
    expect_text(browser, ".mark", "corrected")
    assert not browser.evaluate("document.querySelectorAll('.partial').length")
    at_end = (
        "(it => it.scrollHeight - it.clientHeight - it.scrollTop < 8)(document.getElementById('scroller'))"
    )
    wait_until(lambda: browser.evaluate(at_end))
    keep(browser, f"reader-{size}")
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")
    server.drop_readers()
    wait_until(lambda: server.last_event_ids[-1] is not None)
    wait_until(lambda: server.n_readers)
    server.emit("line", server.line(13, "After the break."))
    expect_text(browser, ".log", "After the break.")


def test_a_reader_chooses_colours_and_size(browser, server):
    open_reader(browser, server, "phone")
    click(browser, "#options-button")
    for control, value in (("theme", "contrast"), ("size", "2")):
        browser.evaluate(
            f"(it => {{ it.value = '{value}'; it.dispatchEvent(new Event('input')); }})"
            f"(document.getElementById('{control}'))"
        )
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(0, 0, 0)"
    open_reader(browser, server, "phone")
    assert browser.evaluate("document.documentElement.dataset.theme") == "contrast"
    assert browser.evaluate("document.documentElement.style.getPropertyValue('--text-scale')") == "2"
    browser.evaluate("localStorage.clear()")


def test_the_overlay_rolls_up(browser, server):
    browser.open(
        f"{server.url}/r/talk/overlay?clear=0&lines=2&background=black&color=yellow", SIZES["desktop"]
    )
    wait_until(lambda: server.n_readers)
    for number, text in enumerate(SENTENCES):
        server.emit("line", server.line(number, text))
    expect_text(browser, "#captions", SENTENCES[-1].split()[-1])
    assert browser.evaluate("document.querySelectorAll('#captions .line').length") <= 2
    keep(browser, "overlay")


def test_a_speaker_is_heard(browser, server, recording):
    browser.open(f"{server.url}/?room=talk", SIZES["desktop"])
    wait_until(lambda: server.n_readers)
    click(browser, "#start")
    expect_text(browser, "#status", "Live")
    wait_until(lambda: server.sessions)  # the page may be told of its session first
    session = server.sessions[-1]
    if isinstance(browser, Firefox):
        for _ in range(2):
            assert browser.speak(recording).wait(HANG_S) == 0
    wait_until(lambda: session.duration_ms > 3_000)
    rate = int(session.query["sample_rate"])
    assert all(50 <= size * 500 / rate <= 100 for size in session.sizes)
    assert max(memoryview(bytes(session.audio)).cast("h")) > 1000
    keep(browser, "speaker")
    click(browser, "#pause")
    expect_text(browser, "#status", "Paused")
    click(browser, "#pause")
    expect_text(browser, "#status", "Live")
    click(browser, "#stop")
    expect_text(browser, "#status", "Ready")
    assert server.sessions[-1].said("Terminate")
