"""What holds for a session whatever is said, however it is cut, whenever the engine gets to it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from support.scripted_engine import FRAME, pcm, silence, speech, spoken
from support.sessions import Driver
from vivavoce.asr.session import SessionState, Tuning
from vivavoce.asr.text import plain_word
from vivavoce.protocol.events import (
    Audio,
    Configure,
    ForceEndpoint,
    KeepAlive,
    SessionBegan,
    SessionEnded,
    SessionFailed,
    SessionLimits,
    SilenceDetected,
    Terminate,
    TurnUpdated,
    Warn,
)
from vivavoce.protocol.query import SAMPLE_RATES_HZ
from vivavoce.types import Failure

# Pauses are far from the thresholds' edges only in count, not in kind: 3 to 45 frames.
talk = st.lists(
    st.one_of(
        st.integers(3, 45).map(lambda frames: ("pause", frames)),
        st.lists(st.integers(0, 9), min_size=1, max_size=6).map(lambda words: ("say", words)),
        st.just(("force", None)),
        st.sampled_from([300, 700]).map(lambda ms: ("threshold", ms)),
        st.sampled_from([(), ("ALPHA", "bRAVO")]).map(lambda terms: ("terms", terms)),
    ),
    min_size=1,
    max_size=8,
)


def script(parts):
    """Samples, and commands with their position in samples."""
    pieces, commands, at = [np.zeros(0, np.float32)], [], 0
    for kind, value in parts:
        match kind:
            case "pause":
                pieces.append(silence(value))
            case "say":
                pieces.append(speech(*value))
            case "force":
                commands.append((at, ForceEndpoint()))
            case "threshold":
                commands.append((at, Configure(min_silence_ms=value, max_silence_ms=value)))
            case "terms":
                commands.append((at, Configure(key_terms=value)))
        at = sum(map(len, pieces))
    return np.concatenate(pieces), commands


def run(parts, options, cuts, turns):
    """Feed a script in chunks of these sizes, the engine taking these turns in between."""
    samples, commands = script(parts)
    driver = Driver(tuning=Tuning(max_utterance_ms=4_000, max_parts=3, cut_window_ms=2_000), **options)
    borders = sorted({at for at, _ in commands} | {len(samples)})
    at = step = 0
    for border in borders:
        while at < border:
            n = min(cuts[step % len(cuts)], border - at)
            driver.command(Audio(pcm(samples[at : at + n])))
            at += n
            for kind in turns[step % len(turns)]:
                driver.detect(5) if kind == "d" else driver.decode()
            step += 1
        for position, command in commands:
            if position == border:
                driver.command(command)
    return driver.end()


def reported(final):
    return final.start_ms, final.end_ms, final.words, final.end_of_turn_confidence


chunks = st.lists(st.integers(200, 9_000), min_size=1, max_size=6)
engine_turns = st.lists(st.text("dp", max_size=6), min_size=1, max_size=6)
modes = st.sampled_from(
    [
        {},
        {"partials": False},
        {"silence_updates_ms": 500},
        {"answer_empty_force": True, "min_silence_ms": 320, "max_silence_ms": 960,
         "end_of_turn_threshold": 0.4},
        # Confidence ends turns of a second or two somewhere between the two silences.
        {"min_silence_ms": 160, "max_silence_ms": 1_280, "end_of_turn_threshold": 0.03},
    ]
)  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(talk, modes, chunks, engine_turns)
def test_any_chunking_and_pacing_gives_the_same_finals(parts, options, cuts, turns):
    once = run(parts, options, [1_600], ["ddddpp"])
    again = run(parts, options, cuts, turns)
    assert again.texts == once.texts
    assert [reported(it) for it in again.finals] == [reported(it) for it in once.finals]


@settings(deadline=None, max_examples=200)
@given(talk, modes, st.booleans(), chunks, engine_turns)
def test_what_is_promised_about_events(parts, options, commits, cuts, turns):
    options = {**options, "commit_words": commits, "format_partials": commits}
    driver = run(parts, options, cuts, turns)
    assert driver.session.state is SessionState.ENDED
    assert sum(isinstance(event, SessionEnded) for event in driver.events) == 1
    assert isinstance(driver.events[-1], SessionEnded)
    order, committed, last_start = 0, (), 0
    for update in driver.updates:
        assert update.turn_order == order
        final = tuple(word for word in update.words if word.is_final)
        assert final[: len(committed)] == committed or not update.words
        starts = [word.start_ms for word in update.words]
        assert starts == sorted(starts)
        assert not starts or starts[0] >= last_start
        if update.ended:
            order, committed = order + 1, ()
            last_start = starts[-1] if starts else last_start
        else:
            committed = final
    if options.get("answer_empty_force"):
        assert len(driver.finals) >= sum(kind == "force" for kind, _ in parts)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 7), min_size=1, max_size=60), chunks, engine_turns)  # not the numbers
def test_no_word_is_lost_or_doubled(words, cuts, turns):
    driver = run([("pause", 30), ("say", words), ("pause", 30)], {}, cuts, turns)
    assert " ".join(driver.texts).split() == spoken(*words)


def test_one_sample_at_a_time_is_the_same():
    parts = [("say", [0, 1]), ("pause", 25), ("say", [2])]
    assert run(parts, {}, [1], ["d"]).texts == run(parts, {}, [9_000], ["dp"]).texts


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=4 * FRAME), chunks)
def test_any_bytes_are_audio(data, cuts):
    driver = Driver()
    data = data[: len(data) // 2 * 2]
    at = 0
    while at < len(data):
        n = 2 * cuts[at % len(cuts)]
        driver.command(Audio(data[at : at + n]))
        at += n
    driver.command(Terminate())
    driver.serve()
    assert driver.session.state is SessionState.ENDED


@settings(deadline=None, max_examples=25)
@given(
    st.integers(SAMPLE_RATES_HZ.start, SAMPLE_RATES_HZ.stop - 1) | st.sampled_from([83_732, 88_200, 95_999]),
    st.sampled_from([10, 50, 200, 1_000]),
)
def test_any_sample_rate_and_chunk_length_is_served(rate, chunk_ms):
    driver = Driver(sample_rate=rate)
    driver.say(np.zeros(3 * rate, np.float32), rate * chunk_ms // 1_000)
    driver.end()
    assert driver.session.state is SessionState.ENDED
    assert driver.session.audio_ms == 3_000


# --- any conversation -------------------------------------------------------------------------

LIMITS = SessionLimits(min_chunk_ms=50, max_chunk_ms=1_000, max_lead_s=60, idle_s=30, max_session_s=120)

steps = st.lists(
    st.one_of(
        talk.map(lambda parts: ("audio", parts)),
        talk.map(lambda parts: ("dialogue", parts)),
        st.lists(st.integers(0, 9), min_size=6, max_size=9).map(lambda it: ("dialogue", [("say", it)])),
        st.just(("force", None)),
        st.just(("alive", None)),
        st.builds(
            Configure,
            min_silence_ms=st.none() | st.sampled_from([0, 160, 400, 3_000]),
            max_silence_ms=st.none() | st.sampled_from([0, 300, 1_280, 5_000]),
            end_of_turn_threshold=st.none() | st.floats(0, 1),
            speech_threshold=st.none() | st.floats(0, 1),
            format_turns=st.none() | st.booleans(),
            partials_ms=st.none() | st.sampled_from([0, 160, 3_000]),
            first_partial_ms=st.none() | st.sampled_from([256, 756]),
            acknowledge_silence=st.none() | st.booleans(),
            heartbeat=st.none() | st.booleans(),
        ).map(lambda change: ("configure", change)),
        st.text(max_size=5).map(lambda text: ("remark", text)),
        st.sampled_from([0.5, 6.0, 31.0, 200.0]).map(lambda seconds: ("wait", seconds)),
        st.sampled_from(["odd", "long", "short"]).map(lambda kind: ("fault", kind)),
        st.text("dp", min_size=1, max_size=8).map(lambda turns: ("engine", turns)),
    ),
    max_size=12,
)
endings = st.sampled_from(["terminate", "terminate twice", "engine dies"])


class Conversation:
    """Plays steps to a session and counts what has to be answered."""

    def __init__(self, options):
        self.driver = Driver(limits=LIMITS, tuning=Tuning(max_utterance_ms=4_000), **options)
        self.forces = 0

    def play(self, kind, value):
        driver = self.driver
        is_open = driver.session.state is SessionState.OPEN
        match kind:
            case "audio" | "dialogue":  # the engine learns of it later, or at once
                samples, _ = script(value)
                driver.say(samples[: len(samples) // 800 * 800], 800, serve=kind == "dialogue")
            case "force":
                self.forces += is_open
                driver.command(ForceEndpoint())
            case "alive":
                driver.command(KeepAlive())
            case "configure":
                driver.command(value)
            case "remark":
                driver.command(Warn(value))
            case "wait":
                driver.now += value
                driver.session.tick(driver.now)
            case "fault":
                sizes = {"odd": [1_601], "long": [40_000], "short": [2, 1_600]}[value]
                for size in sizes:
                    driver.command(Audio(bytes(size)))
            case "engine":
                for turn in value:
                    driver.detect(5) if turn == "d" else driver.decode()

    def end(self, how):
        driver = self.driver
        if how == "engine dies":
            driver.session.fail(Failure.INTERNAL)
        for _ in range(2 if how == "terminate twice" else 1):
            driver.command(Terminate())
        driver.serve()
        driver.command(ForceEndpoint())
        driver.command(Audio(bytes(1_600)))
        driver.session.tick(driver.now + 1_000)
        driver.serve()
        driver._collect()
        return driver


@settings(deadline=None, max_examples=300)
@given(steps, endings, modes, st.booleans(), st.booleans())
def test_any_conversation_keeps_the_promises(played, ending, options, commits, answers):
    options = {**options, "commit_words": commits, "format_partials": commits, "answer_empty_force": answers}
    conversation = Conversation(options)
    for kind, value in played:
        conversation.play(kind, value)
    driver = conversation.end(ending)
    events = driver.events

    # Exactly one beginning and one end, and nothing outside of them.
    assert isinstance(events[0], SessionBegan)
    ends = [event for event in events if isinstance(event, SessionEnded | SessionFailed)]
    assert ends == events[-1:]
    assert driver.session.is_over
    assert (driver.session.state is SessionState.ENDED) == isinstance(events[-1], SessionEnded)

    # A client that changes the format in the midst of a turn gets its words in the new one; else not a
    # letter of a committed word changes, figures or not.
    changes = [value for kind, value in played if kind == "configure"]
    shown = plain_word if any(change.format_turns is not None for change in changes) else str
    if options["format_partials"] != options.get("format_finals", True):
        shown = plain_word
    order, committed, last_start, last_silence = 0, (), 0, 0
    for event in events:
        if isinstance(event, SilenceDetected):
            assert last_silence <= event.start_ms < event.end_ms
            last_silence = event.end_ms
        if not isinstance(event, TurnUpdated):
            continue
        assert event.turn_order == order
        assert event.start_ms <= event.end_ms
        starts = [word.start_ms for word in event.words]
        assert starts == sorted(starts)
        assert all(word.start_ms <= word.end_ms for word in event.words)
        assert not starts or starts[0] >= last_start
        final = tuple((shown(it.text), it.start_ms, it.end_ms) for it in event.words if it.is_final)
        if commits and event.words:
            assert final[: len(committed)] == committed
        if event.ended:
            assert all(word.is_final for word in event.words)
            order, committed, last_start = order + 1, (), starts[-1] if starts else last_start
        else:
            committed = final if event.words else committed

    if answers and isinstance(events[-1], SessionEnded):
        reported = [event for event in driver.finals if event.words]
        # What was said ends as often as it does; each force adds one end, with words or without.
        assert len(driver.finals) >= conversation.forces
        assert len(driver.finals) - len(reported) <= conversation.forces
