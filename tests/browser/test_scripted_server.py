"""The pages with our server: what a speaker does reaches the readers, and a restarted server is found again."""

import pytest

from browser.test_reader import expect_text
from support.scripted_engine import pcm, silence, speech, spoken
from support.servers import scripted_server
from support.time_limit import HANG_S

WORDS = (0, 1, 3)


@pytest.fixture
def visit(chromium):
    contexts = []

    def opened(address, **options):
        context = chromium.new_context(permissions=["microphone"], **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(1000 * HANG_S)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()


def address_of(server):
    return server.base_url.replace("ws://127.0.0.1", "http://localhost")


def say(server, speaker, *indices):
    """Speaks as another session of the page's room, which needs its key."""
    import numpy as np

    import vivavoce

    key = speaker.evaluate("localStorage.getItem('vivavoce.key.talk')")
    audio = pcm(np.concatenate([silence(8), speech(*indices), silence(60)]))
    with vivavoce.connect(sample_rate=16_000, url=server.base_url, room="talk", room_key=key) as session:
        return [turn.transcript for turn in session.transcribe(audio) if turn.end_of_turn]


def test_a_talk_from_start_to_end(visit):
    with scripted_server() as server:
        speaker = visit(f"{address_of(server)}/?room=talk")
        reader = visit(f"{address_of(server)}/r/talk")
        overlay = visit(f"{address_of(server)}/r/talk/overlay?clear=0")
        expect_text(reader, "#status", "Waiting for the speaker")
        speaker.click("#start")
        expect_text(reader, "#status", "Live")
        speaker.click("#pause")
        expect_text(reader, "#status", "Paused: the speaker may come back")
        speaker.click("#pause")
        expect_text(speaker, "#status", "Live")
        expect_text(reader, "#status", "Live")
        say(server, speaker, *WORDS)
        text = spoken(*WORDS)[0]
        for page, place in ((speaker, ".log"), (reader, ".log"), (overlay, "#captions")):
            expect_text(page, place, text)
        line = speaker.locator(".line", has_text=text).first
        line.hover()
        line.get_by_role("button", name="Correct").click()
        speaker.get_by_label("Corrected text").fill("Alfa, and no other.")
        speaker.keyboard.press("Enter")
        expect_text(reader, "#transcript", "Alfa, and no other.")
        expect_text(reader, ".mark", "corrected")
        late = visit(f"{address_of(server)}/r/talk")
        expect_text(late, ".earlier", "Alfa, and no other.")
        with late.expect_download() as saved:
            late.click("#options-button")
            late.click("#save-txt")
        assert "Alfa, and no other." in saved.value.path().read_text()
        speaker.click("#stop")
        expect_text(reader, "#status", "Ended")
        expect_text(speaker, "#status", "Ready")


def test_a_reader_can_not_write_and_another_browser_can_not_speak(visit):
    with scripted_server() as server:
        speaker = visit(f"{address_of(server)}/?room=talk")
        speaker.click("#start")
        expect_text(speaker, "#status", "Live")
        say(server, speaker, *WORDS)
        other = visit(f"{address_of(server)}/?room=talk")
        line = other.locator(".line", has_text=spoken(*WORDS)[0]).first
        line.hover()
        line.get_by_role("button", name="Correct").click()
        other.get_by_label("Corrected text").fill("Mine.")
        other.keyboard.press("Enter")
        expect_text(other, "#trouble", "did not open the room")
        other.click("#start")
        expect_text(other, "#trouble", "choose another room name")
        expect_text(other, "#status", "Ready")


def test_everybody_comes_back_after_the_server_was_restarted(visit):
    with scripted_server() as server:
        port = int(server.base_url.rpartition(":")[2])
        speaker = visit(f"{address_of(server)}/?room=talk")
        reader = visit(f"{address_of(server)}/r/talk")
        speaker.click("#start")
        expect_text(reader, "#status", "Live")
    expect_text(speaker, "#status", "Connection lost")
    expect_text(reader, "#status", "Connection lost")
    with scripted_server(port=port) as server:
        expect_text(reader, "#status", "Live")
        expect_text(speaker, "#status", "Live")
        say(server, speaker, *WORDS)
        expect_text(reader, ".log", spoken(*WORDS)[0])
        speaker.click("#stop")
        expect_text(reader, "#status", "Ended")


def test_a_page_of_a_server_with_keys_needs_a_ticket(visit):
    import json
    import urllib.request

    with scripted_server(api_keys=("a-key",)) as server:
        page = visit(f"{address_of(server)}/?room=talk")
        page.click("#start")
        expect_text(page, "#trouble", "Open this page by the address that `vivavoce live` prints")
        request = urllib.request.Request(
            f"{address_of(server)}/live/ticket?hours=1", headers={"Authorization": "a-key"}, method="POST"
        )
        with urllib.request.urlopen(request) as answer:
            ticket = json.load(answer)["ticket"]
        page = visit(f"{address_of(server)}/#room=talk&ticket={ticket}")
        page.click("#start")
        expect_text(page, "#status", "Live")
        assert ticket not in page.url
        page.click("#stop")
        expect_text(page, "#status", "Ready")
