"""The pages with our server and its model: a recording is Chromium's microphone, readers and an overlay follow it."""

import base64
import json
import os
from pathlib import Path

import pytest

from browser import film
from browser.conftest import PICTURES
from browser.other_browsers import Firefox, start
from browser.test_reader import expect_text
from support.time_limit import HANG_S, wait_until

pytest.importorskip("playwright.sync_api", reason="the group `browser` is not installed")
pytestmark = [pytest.mark.live, pytest.mark.eval]

EVAL = Path(os.environ.get("VIVAVOCE_EVAL", Path(__file__).parents[3] / "shared" / "eval"))
CLIPS = [
    "lj-LJ001-0005", "ls-2412-153948-0000", "cv-sample-3", "ls-3080-5032-0002", "lj-LJ001-0025",
    "ls-533-1066-0007", "ls-1688-142285-0006",
]  # fmt: skip
RATE = 48_000
MOST_UNSTABLE = 0.1  # of the words shown: what METRICS asks of partials
CAPTIONS = """() => {
  const {top, height} = document.getElementById("captions").getBoundingClientRect();
  return {top, height};
}"""
PAUSE_S = 1.5

# Keeps what a page sends.
RECORD = """() => {
  window.sent = [];
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (typeof data !== "string") sent.push(data.slice ? data.slice() : data);
    else if (data.includes("Terminate")) window.rate = new URL(this.url).searchParams.get("sample_rate");
    return send.call(this, data);
  };
}"""
SENT = """() => new Promise((resolve) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result.split(",")[1]);
  reader.readAsDataURL(new Blob(sent));
})"""

# Notes when each line comes onto the screen, and every state of the captions.
WATCH = """() => {
  window.seen = [];
  window.states = [];
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes)
      if (node.classList?.contains("line")) seen.push([node.textContent, Date.now() / 1000]);
    states.push([...document.querySelectorAll("#captions .line")].map((it) => it.textContent));
  }).observe(document.querySelector("#transcript, #captions"), {childList: true, subtree: true, characterData: true});
}"""


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """Some recordings, one after the other: a WAV file, its length in s, and what is said."""
    numpy = pytest.importorskip("numpy")
    soundfile, soxr = pytest.importorskip("soundfile"), pytest.importorskip("soxr")
    if not (EVAL / "manifest.jsonl").exists():
        pytest.skip("no evaluation recordings here")
    rows = map(json.loads, (EVAL / "manifest.jsonl").read_text().splitlines())
    clips = {row["id"]: row for row in rows}
    pause = numpy.zeros(round(RATE * PAUSE_S), numpy.float32)
    parts = [pause, pause]
    for name in CLIPS:
        samples, rate = soundfile.read(EVAL / clips[name]["audio"], dtype="float32", always_2d=True)
        parts += [soxr.resample(samples.mean(axis=1), rate, RATE), pause]
    samples = numpy.concatenate([*parts, pause])
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    soundfile.write(path, samples, RATE, subtype="PCM_16")
    return path, len(samples) / RATE, [clips[name]["text"] for name in CLIPS]


@pytest.fixture(scope="module")
def server():
    from vivavoce.server import LocalServer, ServerOptions

    with LocalServer(ServerOptions(port=0, max_lead_s=None)) as running:
        running.wait_ready()
        yield running


@pytest.fixture
def browser(launch, talk):
    launched = launch(f"{talk[0]}%noloop")
    yield launched
    launched.close()


def streamed(address, samples, rate):
    """What the SDK gets for audio at the pace of speech, as one text."""
    import vivavoce
    from vivavoce.recordings.pacing import paced

    size = rate * 2 * 60 // 1000
    pieces = paced((samples[at : at + size] for at in range(0, len(samples), size)), rate * 2)
    with vivavoce.connect(sample_rate=rate, url=address, format_turns=True) as session:
        return " ".join(turn.transcript for turn in session.transcribe(pieces) if turn.end_of_turn)


def overlay_text(states):
    """All lines that the overlay showed, as they were when they stopped to change."""
    shown, before = [], []
    for now in states:
        if now[: max(0, len(before) - 1)] != before[:-1]:
            gone = next(
                n for n in range(1, len(before) + 1) if now[: max(0, len(before) - 1 - n)] == before[n:-1]
            )
            shown += before[:gone]
        elif len(now) < len(before):  # the captions went away
            shown += before
        before = now
    return " ".join([*shown, *before])


def check_overlay(overlay, filmed):
    """No line has jumped back, and few words were taken back; keeps the film for people to look at."""
    n_frames, filmed_s = filmed.stop()
    film.save(filmed.frames(), PICTURES / "overlay.mp4")
    box = overlay.evaluate(CAPTIONS)
    edges = [round(box["top"] + n * box["height"] / 2) for n in range(3)]
    jumps = film.jumps_back(filmed.frames(), [(edges[0], edges[1]), (edges[1], edges[2])])
    taken, shown = film.withdrawn(overlay.evaluate("states"))
    print(
        f"overlay: {n_frames} frames in {filmed_s:.0f} s, {jumps} jumps; {taken} of {shown} words taken back"
    )
    assert filmed_s > 60
    assert jumps == 0
    assert taken <= MOST_UNSTABLE * shown


def allowed_errors(streamed):
    """A point of word error rate more than the same audio streamed by the SDK.

    A word at least: which words are committed depends a little on when passes run, and of so few a single word
    is more than a point.
    """
    return streamed.errors + max(1, streamed.words // 100)


def test_words_reach_readers_and_overlay_as_they_are_spoken(talk, server, browser, keep):
    from vivavoce.bench.figures import word_errors

    _, duration_s, said = talk
    address = server.base_url.replace("ws://", "http://").replace("127.0.0.1", "localhost")
    speaker = browser.new_context(permissions=["microphone"]).new_page()
    speaker.goto(f"{address}/?room=talk")
    reader = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    reader.goto(f"{address}/r/talk")
    overlay = browser.new_context(viewport={"width": 1920, "height": 1080}).new_page()
    overlay.goto(f"{address}/r/talk/overlay?clear=0&lines=2")
    expect_text(reader, "#status", "Waiting")
    for page in (speaker, reader, overlay):
        page.evaluate(WATCH)
    filmed = film.Film(overlay)
    speaker.evaluate(RECORD)
    speaker.click("#start")
    expect_text(reader, "#status", "Live")
    reader.locator(".partial").first.wait_for(timeout=30_000)
    keep(reader, "real-reader-partial")
    reader.locator(".line").nth(len(CLIPS) // 2).wait_for(timeout=1000 * (duration_s + HANG_S))
    for page, name in ((speaker, "speaker"), (reader, "reader"), (overlay, "overlay")):
        keep(page, f"real-{name}")
    expect_text(speaker, "#hint", "No audio arrives", timeout=1000 * (duration_s + HANG_S))  # it has ended
    speaker.click("#stop")
    expect_text(reader, "#status", "Ended")
    keep(reader, "real-reader-ended")
    check_overlay(overlay, filmed)

    reference = " ".join(said)
    audio = base64.b64decode(speaker.evaluate(SENT))
    texts = {
        "streamed": streamed(server.base_url, audio, int(speaker.evaluate("rate"))),
        "speaker": " ".join(speaker.locator(".line .text").all_inner_texts()),
        "reader": " ".join(reader.locator(".line .text").all_inner_texts()),
        "overlay": overlay_text(overlay.evaluate("states")),
    }
    errors = {name: word_errors([(reference, text)]) for name, text in texts.items()}
    percents = {name: found.percent for name, found in errors.items()}
    lines = reader.evaluate("() => fetch(location.pathname + '/transcript.json').then((it) => it.json())")[
        "lines"
    ]
    at = {line["text"]: line["at"] for line in lines}
    delays = sorted(seen - at[text] for text, seen in reader.evaluate("seen") if text in at)
    print("WER in %:", percents, "delays in s:", [round(delay, 3) for delay in delays])
    assert texts["speaker"] == texts["reader"]
    # The browser's microphone is not the recording, bit by bit: what counts is the same audio.
    for name in ("reader", "overlay"):
        assert errors[name].errors <= allowed_errors(errors["streamed"])
    assert len(delays) >= len(CLIPS)


def test_firefox_transcribes_its_microphone(talk, server, tmp_path):
    from vivavoce.bench.figures import word_errors

    path, duration_s, said = talk
    with start(Firefox, tmp_path) as speaker:
        speaker.open(
            server.base_url.replace("ws://127.0.0.1", "http://localhost") + "/?room=fox", (1280, 800)
        )
        speaker.evaluate(f"({RECORD})()")
        speaker.evaluate("document.getElementById('start').click()")
        status = "document.getElementById('status').textContent"
        wait_until(lambda: speaker.evaluate(status) == "Live")
        assert speaker.speak(path).wait(duration_s + HANG_S) == 0
        speaker.evaluate("document.getElementById('stop').click()")
        wait_until(lambda: speaker.evaluate(status) == "Ready")
        lines = "[...document.querySelectorAll('.line .text')].map((it) => it.textContent)"
        wait_until(lambda: len(speaker.evaluate(lines)) >= len(CLIPS))
        shown = " ".join(speaker.evaluate(lines))
        audio, rate = base64.b64decode(speaker.evaluate(f"({SENT})()")), int(speaker.evaluate("rate"))
    texts = {"Firefox": shown, "streamed": streamed(server.base_url, audio, rate)}
    errors = {name: word_errors([(" ".join(said), text)]) for name, text in texts.items()}
    print("WER in %:", {name: found.percent for name, found in errors.items()})
    assert errors["Firefox"].errors <= allowed_errors(errors["streamed"])
