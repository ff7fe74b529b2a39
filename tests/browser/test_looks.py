"""What every page looks like, and whether everybody can use it: axe-core finds no violation."""

import json

import pytest

from browser.test_reader import SENTENCES, expect_text, wait_for_readers

SIZES = {"phone": (390, 844), "desktop": (1280, 800), "projector": (1920, 1080)}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def violations(page, axe):
    # In a world of its own, since the page's policy allows no script but its own.
    session = page.context.new_cdp_session(page)
    frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    world = session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"})
    for expression in (
        axe,
        f"axe.run(document, {json.dumps(RULES)}).then(it => JSON.stringify(it.violations))",
    ):
        result = session.send(
            "Runtime.evaluate",
            {
                "expression": expression,
                "contextId": world["executionContextId"],
                "awaitPromise": True,
                "returnByValue": True,
            },
        )
        assert "exceptionDetails" not in result, result
    found = json.loads(result["result"]["value"])
    return [(it["id"], node["target"], node.get("failureSummary")) for it in found for node in it["nodes"]]


@pytest.fixture
def talk(server):
    lines = [server.line(it, text) for it, text in enumerate(SENTENCES)]
    lines[2]["corrected"] = True
    partial = {
        "source": 0,
        "start": 0,
        "stable": "The water that you drink today fell as",
        "tail": "rain when",
    }
    server.snapshot = server.room(lines, "live", [partial], title="Water under the valley")
    return server


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
@pytest.mark.parametrize("size", SIZES)
def test_reader(talk, open_page, axe, keep, theme, size):
    page = open_page("/r/talk", size=SIZES[size])
    expect_text(page, ".partial .tail", "rain when")
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    keep(page, f"reader-{size}-{theme}")
    assert violations(page, axe) == []
    page.click("#options-button")
    keep(page, f"reader-{size}-{theme}-options")
    assert violations(page, axe) == []


@pytest.mark.parametrize("size", SIZES)
def test_reader_that_waits(server, open_page, axe, keep, size):
    page = open_page("/r/talk", size=SIZES[size])
    expect_text(page, "#status", "Waiting")
    keep(page, f"reader-{size}-waiting")
    assert violations(page, axe) == []


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
@pytest.mark.parametrize("size", SIZES)
def test_speaker(talk, open_page, axe, keep, theme, size):
    page = open_page("/?room=talk", size=SIZES[size])
    expect_text(page, ".partial .tail", "rain when")
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    keep(page, f"speaker-{size}-{theme}", full_page=size == "phone")
    assert violations(page, axe) == []
    page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true })")
    page.locator(".edit").first.click()
    keep(page, f"speaker-{size}-{theme}-settings", full_page=size == "phone")
    assert violations(page, axe) == []


@pytest.mark.parametrize("size", SIZES)
def test_overlay(talk, open_page, axe, keep, size):
    page = open_page("/r/talk/overlay?tail=1&background=black", size=SIZES[size])
    wait_for_readers(page, talk)
    for number, text in enumerate(SENTENCES):
        talk.emit("line", talk.line(10 + number, text))
    expect_text(page, "#captions", "time.")
    keep(page, f"overlay-{size}")
    assert violations(page, axe) == []
