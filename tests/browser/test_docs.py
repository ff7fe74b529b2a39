"""The how-to about the JavaScript client runs as it stands."""

import re
from pathlib import Path

from browser.test_client import turn, wait

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "javascript.md"
BLOCKS = dict(
    re.findall(r"^```(html|js)\n(.*?)^```$", HOW_TO.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
)


def test_a_page_with_a_microphone(server, open_page):
    server.example = BLOCKS["html"]
    page = open_page("/example", permissions=["microphone"])
    page.click("#start")
    wait(page, lambda: server.sessions and server.sessions[0].duration_ms > 300)
    (session,) = server.sessions
    assert session.query["token"] == "a-token"
    session.send(**turn(0, "good morning everybody?"))
    wait(page, lambda: page.inner_text("#text") == "good morning everybody")
    session.send(**turn(0, "Good morning.", end=True))
    wait(page, lambda: page.inner_text("#text") == "Good morning.")
    page.click("#stop")
    assert session.ended.wait(10)
    assert session.said("Terminate")


def test_samples_of_your_own(server, open_page):
    script = f"globalThis.fetchToken = () => null;{BLOCKS['js']}"
    server.example = f"<script type=module>{script}</script>"
    page = open_page("/example")
    wait(page, lambda: server.sessions and server.sessions[0].ended.is_set())
    assert server.sessions[0].duration_ms == 1000
    assert "token" not in server.sessions[0].query
