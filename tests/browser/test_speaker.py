"""The speaker's page, with a recording as Chromium's microphone."""

import base64
import itertools
import re

import pytest

from browser.test_client import turn, wait
from browser.test_reader import expect_text, wait_for_readers


@pytest.fixture
def speaker(open_page, server):
    def opened(path="/?room=talk", **options):
        page = open_page(path, permissions=["microphone"], **options)
        wait_for_readers(page, server)
        return page

    return opened


def begin(page, server, n=1):
    page.click("#start")
    expect_text(page, "#status", "Live")
    wait(page, lambda: len(server.sessions) == n)
    return server.sessions[-1]


def is_idle(page):
    expect_text(page, "#status", "Ready")


def test_it_sends_the_microphone_at_the_rate_of_the_audio_hardware(server, speaker, recording, keep):
    page = speaker()
    session = begin(page, server)
    wait(page, lambda: session.duration_ms > 2500)
    rate = int(session.query["sample_rate"])
    assert rate == page.evaluate("new AudioContext().sampleRate")
    assert all(50 <= size * 500 / rate <= 100 for size in session.sizes)
    samples = memoryview(bytes(session.audio)[: len(session.audio) // 2 * 2]).cast("h")
    # A tone of 440 Hz: it crosses zero 880 times a second.
    second = list(samples[rate : 2 * rate])
    crossings = sum(1 for one, other in itertools.pairwise(second) if (one < 0) != (other < 0))
    assert 850 < crossings < 910
    assert max(second) > 1000
    assert page.evaluate("document.getElementById('level').value") > 0.3
    assert session.query["room"] == "talk"
    assert re.fullmatch("[0-9a-f]{32}", session.query["room_key"])
    assert session.query["format_turns"] == "true"
    keep(page, "speaker-live")
    page.click("#stop")
    assert session.ended.wait(10)
    assert session.said("Terminate")
    is_idle(page)


def test_what_is_said_appears_and_a_correction_reaches_the_room(server, speaker):
    page = speaker()
    session = begin(page, server)
    server.emit("partial", {"source": 0, "start": 0, "stable": "We meet at", "tail": "for"})
    expect_text(page, ".partial", "We meet at for")
    server.emit("line", server.line(0, "We meet at four with Mr. Petroff."))
    expect_text(page, ".log", "Petroff")
    line = page.locator(".line").first
    line.hover()
    line.get_by_role("button", name="Correct").click()
    page.get_by_label("Corrected text").fill("We meet at four with Mr. Petrov.")
    page.keyboard.press("Enter")
    wait(page, lambda: server.corrections)
    assert server.corrections == [
        ({"line": 0, "text": "We meet at four with Mr. Petrov."}, session.query["room_key"])
    ]
    server.emit("correction", server.line(0, "We meet at four with Mr. Petrov.", corrected=True))
    expect_text(page, ".log", "Petrov.")
    line.get_by_role("button", name="Correct").click()
    page.keyboard.press("Escape")
    assert page.locator(".editor").count() == 0
    assert "Petrov." in line.inner_text()


def test_settings_become_parameters_and_some_apply_at_once(server, speaker):
    page = speaker()
    page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true })")
    page.fill("#title", "On water")
    page.fill("#terms", "Petrova\n  limestone \n\n" + "x" * 51)
    page.select_option("#turns", "conservative")
    page.check("#profanity")
    page.select_option("#redact", "contact")
    session = begin(page, server)
    query = session.query
    assert query["room_title"] == "On water"
    assert query["keyterms_prompt"] == '["Petrova","limestone"]'
    assert (query["min_turn_silence"], query["max_turn_silence"]) == ("800", "3600")
    assert query["filter_profanity"] == "true"
    assert query["redact_pii"] == "true"
    assert query["redact_pii_policies"] == '["email_address","phone_number"]'
    assert page.locator("#redact").is_disabled()
    page.uncheck("#format")
    page.select_option("#turns", "aggressive")
    wait(page, lambda: len(session.said("UpdateConfiguration")) >= 2)
    last = session.said("UpdateConfiguration")[-1]
    assert last["format_turns"] is False
    assert last["max_turn_silence"] == 400
    page.reload()
    assert not page.locator("#format").is_checked()
    assert page.locator("#terms").input_value().startswith("Petrova")


def test_a_pause_disconnects_after_the_last_words_and_resume_continues(server, speaker):
    page = speaker()
    session = begin(page, server)
    wait(page, lambda: session.duration_ms > 300)
    page.click("#pause")
    expect_text(page, "#status", "Paused")
    wait(page, lambda: session.said("ForceEndpoint"))
    session.send(**turn(0, "one", end=True))
    assert session.ended.wait(10)
    assert not session.said("Terminate")
    page.get_by_role("button", name="Resume").click()
    expect_text(page, "#status", "Live")
    wait(page, lambda: len(server.sessions) == 2 and server.sessions[1].duration_ms > 300)
    assert server.sessions[1].query["room_key"] == session.query["room_key"]
    page.click("#stop")
    is_idle(page)


def test_the_ticket_is_taken_out_of_sight_and_brings_a_token(server, speaker):
    page = speaker("/#room=talk&ticket=secret-ticket&title=On%20water")
    assert page.url == f"{server.url}/"
    assert page.input_value("#room") == "talk"
    assert page.input_value("#title") == "On water"
    session = begin(page, server)
    assert server.tickets == ["secret-ticket"]
    assert session.query["token"] == "a-token"
    page.reload()
    begin(page, server, 2)
    assert server.tickets == ["secret-ticket"] * 2


def test_readers_on_other_computers_get_the_address_that_they_can_reach(speaker):
    page = speaker("/#room=talk&readers=http%3A%2F%2F192.0.2.7%3A8765")
    assert page.inner_text("#address") == "http://192.0.2.7:8765/r/talk"
    assert page.is_hidden("#local")


@pytest.mark.parametrize("told", ["", "javascript:alert(1)", "http://192.0.2.7/other"])
def test_an_address_of_another_kind_is_not_shown(server, speaker, told):
    page = speaker(f"/#room=talk&readers={told}")
    assert page.inner_text("#address") == f"{server.url}/r/talk"
    assert page.is_visible("#local")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "Open this page by the address that `vivavoce live` prints"),
        (503, "the server gives no token (503)"),
    ],
)
def test_without_a_token_it_says_what_to_do(server, speaker, status, words):
    server.token_status = status
    page = speaker()
    page.click("#start")
    expect_text(page, "#trouble", words)
    is_idle(page)


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        (1008, "room_key does not fit the room 'talk'", "choose another room name"),
        (3009, "Too many concurrent sessions", "Try again when another session has ended"),
        (3006, "Invalid Message: keyterms_prompt", "Invalid Message: keyterms_prompt"),
    ],
)
def test_a_refused_session_says_why_and_can_be_started_again(server, speaker, keep, code, reason, words):
    server.refuses_sessions = (code, reason)
    page = speaker()
    page.click("#start")
    expect_text(page, "#trouble", words)
    is_idle(page)
    keep(page, f"speaker-refused-{code}")
    server.refuses_sessions = None
    begin(page, server)
    assert page.locator("#trouble").is_hidden()


def test_a_restarted_server_is_found_again_and_gets_what_was_said_meanwhile(server, speaker, keep):
    page = speaker()
    session = begin(page, server)
    wait(page, lambda: session.duration_ms > 600)
    server.__exit__()
    expect_text(page, "#status", "Connection lost: reconnecting")
    keep(page, "speaker-reconnecting")
    server._streams.clear()
    with server:
        wait(page, lambda: len(server.sessions) == 2 and server.sessions[1].duration_ms > 900)
        expect_text(page, "#status", "Live")
        page.click("#stop")
        is_idle(page)
        page.context.close()


def test_a_server_that_is_not_there(server, speaker):
    page = speaker()
    server.__exit__()
    page.click("#start")
    expect_text(page, "#trouble", "The transcription stopped")
    is_idle(page)
    page.context.close()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NotAllowedError", "Allow it in the site settings"),
        ("NotFoundError", "Plug one in"),
        ("NotReadableError", "another program may be using it"),
        ("OverconstrainedError", "Choose another one"),
    ],
)
def test_a_microphone_that_is_not_given_is_said_in_plain_words(server, speaker, keep, name, words):
    page = speaker()
    page.evaluate(
        "name => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('technical', name)) }",
        name,
    )
    page.click("#start")
    expect_text(page, "#trouble", words)
    assert "technical" not in page.inner_text("#trouble")
    is_idle(page)
    assert not server.sessions
    if name == "NotAllowedError":
        keep(page, "speaker-denied")


def test_an_unplugged_microphone_is_replaced(server, speaker):
    page = speaker()
    page.evaluate(
        """() => {
          const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          window.streams = [];
          window.isGone = false;
          navigator.mediaDevices.getUserMedia = async (wanted) => {
            if (isGone) throw new DOMException("", "NotFoundError");
            const stream = await real(wanted);
            streams.push(stream);
            return stream;
          };
        }"""
    )
    unplug = "() => { for (const track of streams[streams.length - 1].getTracks()) { track.stop(); track.onended(); } }"
    session = begin(page, server)
    wait(page, lambda: session.duration_ms > 300)
    page.evaluate(unplug)
    expect_text(page, "#hint", "continues with another microphone")
    before = session.duration_ms
    wait(page, lambda: session.duration_ms > before + 300)
    page.evaluate("() => { isGone = true }")
    page.evaluate(unplug)
    expect_text(page, "#hint", "Plug one in: the transcription continues by itself")
    assert session.ended.wait(10)
    page.evaluate("() => { isGone = false; navigator.mediaDevices.dispatchEvent(new Event('devicechange')) }")
    wait(page, lambda: len(server.sessions) == 2 and server.sessions[1].duration_ms > 300)
    page.click("#stop")
    is_idle(page)


def test_a_microphone_without_a_sound_is_noticed(server, speaker):
    page = speaker()
    page.evaluate(
        """() => {
          navigator.mediaDevices.getUserMedia = async () => new AudioContext().createMediaStreamDestination().stream;
        }"""
    )
    begin(page, server)
    expect_text(page, "#hint", "No audio arrives")


def test_a_shared_tab_without_audio_is_explained(server, speaker):
    page = speaker()
    page.evaluate(
        """() => {
          const stream = document.createElement("canvas");
          navigator.mediaDevices.getDisplayMedia = async () => stream.captureStream();
        }"""
    )
    page.check("input[value=display]")
    page.click("#start")
    expect_text(page, "#trouble", "tick “Share audio”")
    page.evaluate("() => { navigator.mediaDevices.getDisplayMedia = undefined }")
    page.click("#start")
    expect_text(page, "#trouble", "Chrome and Edge can")


def test_a_shared_tab_is_transcribed_until_sharing_ends(server, speaker):
    page = speaker()
    page.evaluate(
        """() => {
          navigator.mediaDevices.getDisplayMedia = async (wanted) => {
            window.wanted = wanted;
            const context = new AudioContext();
            const tone = context.createOscillator();
            const out = context.createMediaStreamDestination();
            tone.connect(out);
            tone.start();
            const stream = document.createElement("canvas").captureStream();
            stream.addTrack(out.stream.getAudioTracks()[0]);
            window.track = out.stream.getAudioTracks()[0];
            return stream;
          };
        }"""
    )
    page.check("input[value=display]")
    session = begin(page, server)
    wait(page, lambda: session.duration_ms > 300)
    assert page.evaluate("wanted.audio.echoCancellation") is False
    page.evaluate("track.onended()")
    expect_text(page, "#trouble", "Sharing has ended")
    assert session.ended.wait(10)
    is_idle(page)


def test_a_file_is_transcribed_at_the_pace_of_speech_and_ends(server, speaker, recording):
    page = speaker()
    page.check("input[value=file]")
    page.click("#start")
    expect_text(page, "#trouble", "no file is chosen")
    page.set_input_files("#file", str(recording))
    session = begin(page, server)
    assert session.ended.wait(20)
    assert 1800 < session.duration_ms < 3500
    is_idle(page)


def test_a_file_that_is_no_audio(server, speaker, tmp_path):
    page = speaker()
    wrong = tmp_path / "wrong.wav"
    wrong.write_text("no audio")
    page.check("input[value=file]")
    page.set_input_files("#file", str(wrong))
    page.click("#start")
    expect_text(page, "#trouble", "can't play this file")
    is_idle(page)


def test_a_room_is_random_at_first_and_then_remembered(server, open_page):
    page = open_page("/")
    name = page.input_value("#room")
    assert re.fullmatch("[a-z2-9]{4}(-[a-z2-9]{4}){2}", name)
    assert page.get_attribute("#address", "href") == f"{server.url}/r/{name}"
    page.reload()
    assert page.input_value("#room") == name
    page.click("summary:has-text('Room')")
    page.click("#new-room")
    assert page.input_value("#room") != name
    page.fill("#room", "no spaces allowed")
    page.keyboard.press("Tab")
    expect_text(page, "#trouble", "letters without accents")


def test_on_plain_http_from_elsewhere_it_says_what_to_do(chromium, server, keep):
    context = chromium.new_context()
    page = context.new_page()
    # What other computers see: the same page under a name that is not localhost.
    page.route("http://captions.example/**", lambda route: route.fulfill(response=route.fetch(
        url=route.request.url.replace("http://captions.example", server.url))))  # fmt: skip
    page.goto("http://captions.example/?room=talk")
    expect_text(page, "#trouble", "Open it by https://")
    assert page.locator("#start").is_disabled()
    keep(page, "speaker-plain-http")
    page.unroute_all(behavior="ignoreErrors")
    context.close()


def test_a_browser_that_delivers_no_audio_is_named(server, open_page):
    page = open_page("/r/talk", permissions=["microphone"])
    page.add_init_script("""
        window.AudioContext = class extends AudioContext {
            constructor(options) { super(options); this.suspend(); }
            async resume() {}
        };
    """)
    page.goto(f"{server.url}/?room=talk")
    page.click("#start")
    expect_text(page, "#status", "Live")
    expect_text(page, "#hint", "The browser delivers no audio")
    page.click("#stop")
    is_idle(page)


def test_another_tab_is_shared_until_it_is_closed(launch, recording, server, open_page):
    tone = base64.b64encode(recording.read_bytes()).decode()
    server.example = f"<title>A film</title><audio autoplay loop src='data:audio/wav;base64,{tone}'></audio>"
    browser = launch(None, "--auto-select-tab-capture-source-by-title=A film")
    context = browser.new_context()
    film = open_page("/example", context=context)
    page = open_page("/?room=talk", context=context)
    page.get_by_label("A tab, or the computer's audio").check()
    session = begin(page, server)
    wait(page, lambda: session.duration_ms > 3_000)
    samples = memoryview(bytes(session.audio)[: len(session.audio) // 2 * 2]).cast("h")
    assert max(samples) > 1000, "the tab's audio"
    film.close()
    expect_text(page, "#trouble", "Sharing has ended.")
    is_idle(page)
    assert session.said("Terminate")
    browser.close()


def test_the_keyboard_alone_does_everything(server, speaker):
    page = speaker()

    def tab_to(identity):
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("(it => it.id || it.textContent)(document.activeElement)") == identity:
                return
        raise AssertionError(f"Tab does not reach {identity}")

    tab_to("start")
    page.keyboard.press("Enter")
    expect_text(page, "#status", "Live")
    wait(page, lambda: len(server.sessions) == 1)
    tab_to("pause")
    page.keyboard.press("Space")
    expect_text(page, "#status", "Paused")
    page.keyboard.press("Space")
    expect_text(page, "#status", "Live")
    server.emit("line", server.line(0, "We meat at four."))
    expect_text(page, "#transcript", "We meat")
    for summary in ("Room", "Transcription", "Appearance"):
        tab_to(summary)
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.parentElement.open")
    tab_to("Correct")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+A")
    page.keyboard.type("We meet at four.")
    page.keyboard.press("Enter")
    wait(page, lambda: len(server.corrections) == 1)
    assert server.corrections[0][0]["text"] == "We meet at four."
    tab_to("stop")
    page.keyboard.press("Enter")
    is_idle(page)
