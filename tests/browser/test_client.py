"""The JavaScript client: sessions that outlive their connection, and what they send."""

import json
import time

import pytest

from support.time_limit import HANG_S

RATE = 16_000


def wait(page, condition):
    """Wait in such a way that the page's events are handled meanwhile."""
    end = time.monotonic() + HANG_S
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        page.wait_for_timeout(25)


class Client:
    """A session in a page; `log` has its events."""

    def __init__(self, page, **options):
        self.page = page
        page.evaluate(
            """async ([rate, options]) => {
              const { Session } = await import("/live/vivavoce.js");
              window.log = [];
              window.tokens = 0;
              const token = async () => {
                tokens += 1;
                if (options.tokenError && tokens > (options.goodTokens || 0)) throw new Error(options.tokenError);
                return `token-${tokens}`;
              };
              window.session = new Session({ sampleRate: rate, token, ...options });
              const names = ["state", "begin", "partial", "final", "warning", "reconnecting", "reconnected", "error", "close"];
              for (const name of names) session.on(name, (detail) =>
                log.push([name, detail instanceof Error ? {message: detail.message, code: detail.code, lostMs: detail.lostMs} : detail]));
              window.opening = session.open().then(() => "", (error) => error.message);
            }""",
            [RATE, options],
        )

    def send(self, ms, value=1000):
        self.page.evaluate(
            "([n, value]) => { for (let i = 0; i < n; i += 960) session.send(new Int16Array(Math.min(960, n - i)).fill(value)) }",
            [ms * RATE // 1000, value],
        )

    def events(self, name):
        return [detail for kind, detail in self.page.evaluate("log") if kind == name]

    def call(self, expression):
        return self.page.evaluate(expression)


@pytest.fixture
def client(open_page):
    return lambda **options: Client(open_page("/r/talk"), **options)


def turn(order, words, *, end=False, start=0):
    """A turn of words of 500 ms each; those that end with ? are not final."""
    each = [
        {"start": start + at * 500, "end": start + at * 500 + 400, "text": word.strip("?"), "confidence": 1.0,
         "word_is_final": not word.endswith("?")}
        for at, word in enumerate(words.split())
    ]  # fmt: skip
    final = " ".join(word["text"] for word in each if word["word_is_final"])
    return {"type": "Turn", "turn_order": order, "end_of_turn": end, "transcript": final, "words": each}


def test_a_session_from_begin_to_end(server, client):
    it = client(parameters={"room": "talk", "keyterms_prompt": ["Vivavoce", "a, b"]})
    wait(it.page, lambda: it.events("begin"))
    assert it.call("opening") == ""
    (session,) = server.sessions
    assert session.query["sample_rate"] == str(RATE)
    assert session.query["token"] == "token-1"
    assert session.query["room"] == "talk"
    assert json.loads(session.query["keyterms_prompt"]) == ["Vivavoce", "a, b"]
    it.send(1010)
    wait(it.page, lambda: session.duration_ms >= 960)
    session.send(**turn(0, "good morning everybody?"))
    wait(it.page, lambda: it.events("partial"))
    partial = it.events("partial")[-1]
    assert (partial["stable"], partial["tail"], partial["text"]) == (
        "good morning",
        "everybody",
        "good morning everybody",
    )
    session.send(**turn(0, "Good morning.", end=True))
    session.send(type="Warning", warning="mind", warning_code=2001)
    session.send(type="SomethingNew", x=1)
    wait(it.page, lambda: it.events("warning"))
    assert it.events("final")[-1]["text"] == "Good morning."
    it.call("() => { session.update({max_turn_silence: 500}); session.forceEndpoint() }")
    it.call("session.stop()")
    assert session.ended.wait(10)
    assert session.duration_ms == 1010
    assert min(session.sizes) >= 50 * RATE * 2 // 1000
    assert [text["type"] for text in session.texts] == ["UpdateConfiguration", "ForceEndpoint", "Terminate"]
    assert it.events("close") == [{"code": 1000, "reason": ""}]
    assert it.events("state") == ["connecting", "open", "ending", "closed"]
    assert not it.events("error")


def test_messages_have_the_length_that_the_protocol_wants(server, client):
    it = client()
    wait(it.page, lambda: it.events("begin"))
    it.call(
        "session.send(new Int16Array(16000 * 3 + 7)); for (let i = 0; i < 100; i++) session.send(new Int16Array(37))"
    )
    it.call("session.stop()")
    (session,) = server.sessions
    assert session.ended.wait(10)
    assert len(session.audio) // 2 - (16000 * 3 + 7 + 3700) in range(800)
    assert all(50 <= size * 500 / RATE <= 1000 for size in session.sizes)


def test_a_lost_connection_continues_from_the_last_final_turn(server, client):
    it = client()
    wait(it.page, lambda: it.events("begin"))
    it.send(4000)
    first = server.sessions[0]
    first.send(**turn(0, "one two", end=True))  # 0 to 900 ms
    wait(it.page, lambda: it.events("final"))
    first.send(**turn(1, "three four?", start=2000))
    wait(it.page, lambda: it.events("partial"))
    it.call("session.update({max_turn_silence: 700})")
    first.close(1011, "broken")
    wait(it.page, lambda: len(server.sessions) == 2)
    it.send(1000, 2000)
    second = server.sessions[1]
    assert second.query["token"] == "token-2"
    assert it.events("reconnecting")[0]["reason"] == "broken"
    wait(it.page, lambda: second.duration_ms >= 3800)
    # Of 3960 ms that were sent, those after the final turn: from 900 ms, or the quietest place soon after.
    (again,) = it.events("reconnected")
    assert again["lostMs"] == 0
    assert 2860 <= again["replayedMs"] <= 3060
    assert second.texts == [{"type": "UpdateConfiguration", "max_turn_silence": 700}]
    second.send(**turn(0, "three four five", start=1000, end=True))
    wait(it.page, lambda: len(it.events("final")) == 2)
    final = it.events("final")[1]
    assert final["turn_order"] == 1
    assert final["words"][0]["start"] == 1000 + 3960 - again["replayedMs"]
    it.call("session.stop()")
    assert second.ended.wait(10)
    assert it.events("close")[-1]["code"] == 1000


def test_audio_that_waits_for_the_network_is_kept_in_order(server, client):
    it = client()
    wait(it.page, lambda: it.events("begin"))
    server.begins = False
    server.sessions[0].close(1012, "restarting")
    wait(it.page, lambda: len(server.sessions) == 2)
    for value in range(1, 21):
        it.send(60, value * 100)
    server.begins = True
    server.sessions[1].close(1012)
    wait(it.page, lambda: len(server.sessions) == 3 and server.sessions[2].duration_ms >= 1200)
    audio = memoryview(bytes(server.sessions[2].audio)).cast("h")
    assert list(audio[::960]) == [value * 100 for value in range(1, 21)]


@pytest.mark.parametrize(
    ("code", "tries"),
    [(1001, 2), (1011, 2), (3005, 2), (3008, 2), (1008, 1), (3006, 1), (3007, 1), (1000, 2)],
)
def test_which_ends_are_final(server, client, code, tries):
    it = client()
    wait(it.page, lambda: it.events("begin"))
    it.send(600)
    wait(it.page, lambda: server.sessions[0].duration_ms == 600)
    server.sessions[0].close(code, "because")
    if tries == 2:
        wait(it.page, lambda: it.events("reconnected"))
    else:
        wait(it.page, lambda: it.events("close"))
        assert it.events("error") == [{"message": "because", "code": code, "lostMs": 600}]
        assert it.events("close") == [{"code": code, "reason": "because"}]
    assert len(server.sessions) == tries


def test_the_error_message_is_preferred_to_the_short_reason_of_the_close(server, client):
    server.refuses_sessions = (1008, "room_key does not fit the room 'talk': choose another name")
    it = client()
    wait(it.page, lambda: it.events("close"))
    assert it.call("opening").startswith("room_key does not fit")
    assert it.events("error")[0]["code"] == 1008


def test_it_gives_up_after_attempts_without_progress(server, client):
    it = client(attempts=3)
    wait(it.page, lambda: it.events("begin"))
    server.refuses_sessions = (3005, "no")
    server.sessions[0].close(1011)
    wait(it.page, lambda: it.events("close"))
    assert [each["attempt"] for each in it.events("reconnecting")] == [1, 2, 3]
    delays = [each["delayMs"] for each in it.events("reconnecting")]
    assert delays[0] == 0
    assert 180 <= delays[1] <= 320
    assert 370 <= delays[2] <= 630


def test_a_server_without_a_sign_of_life_counts_as_lost(server, client):
    it = client(stallMs=1000)
    wait(it.page, lambda: it.events("begin"))
    assert server.sessions[0].query["session_heartbeat"] == "true"
    server.sessions[0].send(type="Heartbeat")
    wait(it.page, lambda: len(server.sessions) == 2)
    assert it.events("reconnecting")[0]["reason"] == "the server does not respond"


def test_a_pause_finishes_the_turn_and_resumes_without_the_audio_between(server, client):
    it = client()
    wait(it.page, lambda: it.events("begin"))
    it.send(600, 1)
    it.call("session.pause()")
    first = server.sessions[0]
    wait(it.page, lambda: first.said("ForceEndpoint"))
    first.send(**turn(0, "one", end=True))
    assert first.ended.wait(10)
    wait(it.page, lambda: it.events("state")[-1] == "paused")
    it.send(600, 2)
    it.call("session.resume()")
    it.send(600, 3)
    wait(it.page, lambda: len(server.sessions) == 2 and server.sessions[1].duration_ms >= 600)
    values = set(memoryview(bytes(server.sessions[1].audio)).cast("h"))
    assert 3 in values
    assert 2 not in values
    assert not first.said("Terminate")
    it.call("session.pause()")  # no words: it does not wait for a final turn for ever
    wait(it.page, lambda: it.events("state")[-1] == "paused")
    it.call("session.stop()")
    wait(it.page, lambda: it.events("close"))


def test_a_token_that_is_refused_ends_it_and_a_network_that_is_away_does_not(server, client):
    it = client(tokenError="no such ticket")
    wait(it.page, lambda: it.events("close"))
    assert it.call("opening") == "no such ticket"
    it = client(tokenError="the network is away", goodTokens=1, attempts=2)
    wait(it.page, lambda: it.events("begin"))
    server.sessions[0].close(1011)
    wait(it.page, lambda: it.events("close"))
    assert len(it.events("reconnecting")) == 2


def test_memory_is_bounded_while_no_server_comes_back(server, client):
    it = client(attempts=1000)
    wait(it.page, lambda: it.events("begin"))
    server.begins = False
    server.sessions[0].close(1011)
    wait(it.page, lambda: len(server.sessions) == 2)
    it.send(400_000)
    assert it.call("session.unfinishedMs") == 300_000
    server.begins = True
    server.sessions[1].close(1011)
    wait(it.page, lambda: it.events("reconnected"))
    again = it.events("reconnected")[0]
    assert again["replayedMs"] == 300_000
    assert 99_900 <= again["lostMs"] <= 100_000
    # It is sent no further ahead of the clock than the server allows.
    wait(it.page, lambda: server.sessions[2].duration_ms >= 20_000)
    assert server.sessions[2].duration_ms < 40_000


def test_a_mistake_of_the_page_does_not_end_the_session(server, client):
    it = client()
    wait(it.page, lambda: it.events("begin"))
    it.call("() => { console.error = () => {}; session.on('final', () => { throw new Error('oops') }) }")
    server.sessions[0].send(**turn(0, "one", end=True))
    server.sessions[0].send(**turn(1, "two", end=True))
    wait(it.page, lambda: len(it.events("final")) == 2)


def test_stop_while_the_connection_is_lost_still_sends_the_rest(server, client):
    it = client()
    wait(it.page, lambda: it.events("begin"))
    server.begins = False
    server.sessions[0].close(1011)
    wait(it.page, lambda: len(server.sessions) == 2)
    it.send(600)
    it.call("void session.stop()")
    server.begins = True
    server.sessions[1].close(1011)
    wait(it.page, lambda: it.events("close"))
    assert server.sessions[2].duration_ms == 600
    assert server.sessions[2].said("Terminate")
