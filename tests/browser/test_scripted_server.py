"""The pages with our server: what a speaker does reaches the readers, and a restarted server is found again."""

import contextlib
import json
import re
import urllib.request

import numpy as np
import pytest

import vivavoce
from browser.test_looks import violations
from browser.test_reader import expect_text
from support.fake_embedder import FakeEmbedder
from support.redis_server import redis_server  # noqa: F401  - a fixture
from support.scripted_engine import pcm, silence, speech, spoken
from support.servers import scripted_server
from support.time_limit import HANG_S
from vivavoce.asr.engine import VoiceModels, Voices
from vivavoce.store import Store, StoredSession

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


def say(server, speaker, *indices, **parameters):
    """Speaks as another session of the page's room, which needs its key."""
    key = speaker.evaluate("localStorage.getItem('vivavoce.key.talk')")
    audio = pcm(np.concatenate([silence(8), speech(*indices), silence(60)]))
    room = {"room": "talk", "room_key": key, **parameters}
    with vivavoce.connect(sample_rate=16_000, url=server.base_url, **room) as session:
        return [turn.transcript for turn in session.transcribe(audio) if turn.end_of_turn]


def correct(page, text, corrected):
    """Corrects the first line with a text, by hand."""
    line = page.locator(".line", has_text=text).first
    line.hover()
    line.get_by_role("button", name="Correct").click()
    page.get_by_label("Corrected text").fill(corrected)
    page.keyboard.press("Enter")


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
        correct(speaker, text, "Alfa, and no other.")
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


def test_pages_of_two_servers_show_one_talk(visit, redis_server):  # noqa: F811
    options = {"redis": redis_server.url, "no_auth": True}
    with scripted_server(**options) as one, scripted_server(**options) as other:
        one.wait_ready()
        other.wait_ready()
        reader = visit(f"{address_of(other)}/r/talk")
        overlay = visit(f"{address_of(other)}/r/talk/overlay?clear=0")
        expect_text(reader, "#status", "Waiting for the speaker")
        speaker = visit(f"{address_of(one)}/?room=talk")
        speaker.click("#start")
        expect_text(reader, "#status", "Live")
        say(one, speaker, *WORDS)
        text = spoken(*WORDS)[0]
        for page, place in ((speaker, ".log"), (reader, ".log"), (overlay, "#captions")):
            expect_text(page, place, text)
        correct(speaker, text, "Alfa, and no other.")
        expect_text(reader, "#transcript", "Alfa, and no other.")
        speaker.click("#stop")
        expect_text(reader, "#status", "Ended")


def test_a_reader_can_not_write_and_another_browser_can_not_speak(visit):
    with scripted_server() as server:
        speaker = visit(f"{address_of(server)}/?room=talk")
        speaker.click("#start")
        expect_text(speaker, "#status", "Live")
        say(server, speaker, *WORDS)
        other = visit(f"{address_of(server)}/?room=talk")
        correct(other, spoken(*WORDS)[0], "Mine.")
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


def ticket_of(server):
    request = urllib.request.Request(
        f"{address_of(server)}/live/ticket?hours=1", headers={"Authorization": "a-key"}, method="POST"
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["ticket"]


def test_a_page_of_a_server_with_keys_needs_a_ticket(visit):
    with scripted_server(api_keys=("a-key",)) as server:
        page = visit(f"{address_of(server)}/?room=talk")
        page.click("#start")
        expect_text(page, "#trouble", "Open this page by the address that `vivavoce live` prints")
        ticket = ticket_of(server)
        page = visit(f"{address_of(server)}/#room=talk&ticket={ticket}")
        page.click("#start")
        expect_text(page, "#status", "Live")
        assert ticket not in page.url
        page.click("#stop")
        expect_text(page, "#status", "Ready")


# --- kept transcripts -------------------------------------------------------------------------


def keep_sessions(server, *sessions):
    """Transcribes sessions, given as pairs of title and words."""
    for title, indices in sessions:
        audio = pcm(np.concatenate([silence(8), speech(*indices), silence(60)]))
        options = {"url": server.base_url, "api_key": "a-key", "room": "hall", "room_key": "hall-key"}
        with vivavoce.connect(sample_rate=16_000, room_title=title, **options) as session:
            assert [*session.transcribe(audio)]


def test_kept_transcripts_are_found_saved_and_deleted(visit, axe, keep, tmp_path):
    with scripted_server(api_keys=("a-key",), store=tmp_path / "t.db", keep_days=30) as server:
        keep_sessions(server, ("Monday", (0, 1)), ("Tuesday", (4, 5)), ("<b>Wednesday", (0, 7)))
        speaker = visit(f"{address_of(server)}/#room=talk&ticket={ticket_of(server)}")
        with speaker.expect_popup() as opened:
            speaker.get_by_role("link", name="Kept transcripts").click()
        page = opened.value
        page.set_default_timeout(1000 * HANG_S)
        expect_text(page, "#status", "Sessions: 3. Transcripts are kept for 30 days.")
        assert page.locator("h2").all_text_contents() == ["<b>Wednesday", "Tuesday", "Monday"]
        for width, name in ((390, "phone"), (1280, "desktop")):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            keep(page, f"transcripts-{name}")
        for theme in ("light", "dark", "contrast"):
            page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
            assert violations(page, axe) == []

        page.get_by_label("Words to find").fill("alpha")
        page.keyboard.press("Enter")
        expect_text(page, "#status", "Turns with these words: 2.")
        assert all("Alpha" in text for text in page.locator(".found").all_text_contents())
        with page.expect_download() as saved:
            page.get_by_role("button", name="Save text: Monday").click()
        assert saved.value.suggested_filename.startswith("hall-")
        assert saved.value.path().read_text().split() == spoken(0, 1)

        page.get_by_label("Words to find").fill("")
        page.keyboard.press("Enter")
        expect_text(page, "#status", "Sessions: 3.")
        asked = []
        page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
        page.get_by_role("button", name="Delete: Tuesday").click()
        assert page.locator("h2").count() == 3
        assert re.match(r"Delete “Tuesday, .*\d{4}.*”, 1 turns, for good\?", asked[0])
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Delete: Tuesday").click()
        expect_text(page, "#status", "Sessions: 2.")
        assert page.locator("h2").all_text_contents() == ["<b>Wednesday", "Monday"]


def test_kept_transcripts_say_why_there_are_none(visit, tmp_path):
    path = "/live/transcripts.html"
    with scripted_server() as server:
        expect_text(visit(address_of(server) + path), "#trouble", "this server keeps no transcripts")
    with scripted_server(store=tmp_path / "t.db", api_keys=("a-key",)) as server:
        page = visit(address_of(server) + path)
        expect_text(page, "#trouble", "Open this page by the link on the speaker's page")
    page.get_by_role("button", name="Search").click()
    expect_text(page, "#trouble", "The server can't be reached.")


def test_more_transcripts_are_shown_when_they_are_asked_for(visit, tmp_path):
    with contextlib.closing(Store(tmp_path / "t.db")) as store:
        for number in range(60):
            store.begin(StoredSession(f"{number:08}-0000-0000-0000-000000000000", 1_000_000.0 + number))
    with scripted_server(store=tmp_path / "t.db") as server:
        page = visit(f"{address_of(server)}/live/transcripts.html")
        expect_text(
            page, "#status", "Sessions: the newest 50. Transcripts are kept until somebody deletes them."
        )
        page.get_by_role("button", name="Show more").click()
        expect_text(page, "#status", "Sessions: 60.")
        assert not page.get_by_role("button", name="Show more").is_visible()
        assert (
            page.evaluate(
                "[...document.querySelectorAll('li')].indexOf(document.activeElement.closest('li'))"
            )
            == 50
        )


# --- who speaks -------------------------------------------------------------------------------


@pytest.fixture
def labelling(tmp_path, monkeypatch):
    """Options of a server with a fake voice encoder, which hears two voices."""
    file = tmp_path / "pretrained.pt"
    file.touch()
    monkeypatch.setattr(
        "vivavoce.server.service.voices_of", lambda _options: Voices(lambda: VoiceModels(FakeEmbedder()))
    )
    return {"speaker_model": str(file), "store": tmp_path / "t.db"}


def test_speakers_get_names_that_readers_and_kept_transcripts_have(visit, labelling):
    with scripted_server(**labelling) as server:
        speaker = visit(f"{address_of(server)}/?room=talk")
        reader = visit(f"{address_of(server)}/r/talk")
        overlay = visit(f"{address_of(server)}/r/talk/overlay?clear=0")
        expect_text(reader, "#status", "Waiting for the speaker")
        speaker.wait_for_function("() => !document.getElementById('speakers').disabled")
        speaker.click("#start")
        expect_text(reader, "#status", "Live")
        say(server, speaker, 0, 2, speaker_labels=True)
        say(server, speaker, 1, 3, speaker_labels=True)
        for page in (reader, overlay):
            expect_text(page, "#transcript, #captions", spoken(1)[0])
        speaker.get_by_label("Name of A").fill("Anna")
        speaker.keyboard.press("Enter")
        for page in (reader, overlay):
            expect_text(page, ".name", "Anna")
        line = speaker.locator(".line", has_text=spoken(1)[0])
        line.hover()
        line.get_by_role("button", name="Correct").click()
        speaker.get_by_label("Speaker of this line").fill("Ben")
        speaker.get_by_role("button", name="Save").click()
        expect_text(reader, "#transcript", "Ben")
        assert reader.locator(".name").all_inner_texts() == ["Anna", "Ben"]
        late = visit(f"{address_of(server)}/r/talk")
        expect_text(late, ".earlier", "Ben")
        kept = visit(f"{address_of(server)}/live/transcripts.html")
        expect_text(kept, "#status", "Sessions")
        kept.fill("#words", spoken(0)[0])
        kept.keyboard.press("Enter")
        expect_text(kept, ".found", f"Anna: {spoken(0)[0]}")
