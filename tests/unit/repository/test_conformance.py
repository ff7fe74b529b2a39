"""The conformance suite's checks find the failures they exist for, and its table is in the documentation."""

import copy
import uuid
from pathlib import Path

import pytest

from conformance.cases import CASES, clients_table
from conformance.checks import Expected, check_trace, check_webhook, word_error_rate
from conformance.webhooks import AUTH_HEADER, Delivery

ROOT = Path(__file__).parents[3]
WORDS = ("it", "was", "late", "we", "went", "home")
EXPECTED = Expected(
    protocol="v3", words=WORDS, audio_s=6.0, forces_endpoint=True, events_once=("begin", "end")
)


def words(*texts, start=0, final=True):
    return [
        {"text": text, "start": start + 400 * at, "end": start + 400 * at + 300, "is_final": final}
        for at, text in enumerate(texts)
    ]


def turn(at_s, order, is_final, items, **fields):
    text = " ".join(item["text"] for item in items)
    event = {
        "event": "turn",
        "at_s": at_s,
        "order": order,
        "is_final": is_final,
        "words": items,
        "text": text,
    }
    return event | {"is_formatted": is_final, "channel": "mic" if order == 0 else "system"} | fields


def good():
    first, second = words("It", "was", "late."), words("We", "went", "home.", start=3_000)
    return [
        {"event": "begin", "at_s": 0.0, "id": str(uuid.uuid4())},
        turn(0.5, 0, False, words("it", final=False)),
        turn(0.8, 0, False, words("it", "was", final=False)),
        turn(1.0, 0, False, [*words("It", "was"), *words("lay", start=800, final=False)]),
        {"event": "force", "at_s": 1.1},
        turn(1.3, 0, True, first),
        turn(2.0, 1, False, words("we", start=3_000, final=False)),
        turn(2.2, 1, False, words("we", "when", start=3_000, final=False)),
        {"event": "sent", "at_s": 2.4},
        turn(2.5, 1, True, second),
        {"event": "end", "at_s": 2.6, "audio_s": 6},
        {"event": "done", "at_s": 2.7},
    ]


def test_a_good_trace_passes():
    assert check_trace(good(), EXPECTED) == []
    assert word_error_rate(good(), EXPECTED) == 0


def drop(*indices):
    return lambda trace: [event for at, event in enumerate(trace) if at not in indices]


def change(index, **fields):
    def apply(trace):
        trace[index].update(fields)
        return trace

    return apply


def change_word(index, place, **fields):
    def apply(trace):
        trace[index]["words"][place].update(fields)
        return trace

    return apply


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda trace: [], "did not reach its last line"),
        (drop(11), "did not reach its last line"),
        (drop(0), "'begin' must be reported once, not 0 times"),
        (lambda trace: [trace[0], *trace], "'begin' must be reported once, not 2 times"),
        (lambda trace: [trace[1], trace[0], *trace[2:]], "events before the begin"),
        (change(0, id=str(uuid.uuid1())), "must be a UUID of version 4"),
        (lambda trace: [*trace[:3], {"event": "error", "at_s": 1, "text": "no"}, *trace[3:]], "an error: no"),
        (
            change(9, text="We went away.", words=words("We", "went", "away.", start=3_000)),
            "the word error rate is",
        ),
        (drop(5, 9), "the word error rate is 100%"),
        (drop(6), "only 4 partials"),
        (drop(1, 2, 3), "a final before any partial"),
        (change_word(9, 0, start=900, end=950), "a word must lie between"),
        (change_word(5, 1, start=200), "a word must lie between"),
        (change_word(9, 2, end=6_500), "the end of the audio"),
        (change_word(5, 1, start=400.5), "must be whole milliseconds"),
        (change(5, text="It was so late."), "the text of a final differs from its words"),
        (change(5, is_formatted=False), "not formatted"),
        (change(2, is_formatted=True), "goes on is marked as formatted"),
        (change(9, order=2), "turn 2 after turn 1"),
        (lambda trace: [*trace[:6], trace[5], *trace[6:]], "turn 0 after turn 0 had ended"),
        (drop(9), "turn 1 never ended"),
        (change_word(3, 0, text="In"), "final words changed"),
        (change_word(5, 2, is_final=False), "words that are not final"),
        (drop(4), "0 forced endpoints"),
        (change(4, at_s=-1.0), "no final within 2 s of the forced endpoint"),
        (drop(8), "did not send all audio"),
        (change(11, at_s=8.0), "5.6 s from the last audio to the end"),
        (change(10, audio_s=8), "8 s of audio reported"),
        (drop(10), "'end' must be reported once, not 0 times"),
        (lambda trace: [*trace[:9], trace[10], trace[9], trace[11]], "the last event is 'turn'"),
    ],
)
def test_every_failure_is_found(spoil, message):
    failures = check_trace(spoil(copy.deepcopy(good())), EXPECTED)
    assert any(message in failure for failure in failures), failures


def test_v2_has_plain_partials_and_transcripts_that_span_their_words():
    trace = [event | {"order": None} for event in good()]
    for event in trace:
        if event["event"] == "turn":
            event.update(start=event["words"][0]["start"], end=event["words"][-1]["end"])
    expected = Expected("v2", WORDS, 6.0)
    assert any("a partial is formatted" in failure for failure in check_trace(trace, expected))
    for event in trace:
        if event["event"] == "turn" and not event["is_final"]:
            event["text"] = event["text"].lower().strip(".")
    assert check_trace(trace, expected) == []
    trace[5]["end"] -= 1
    assert any("does not span its words" in failure for failure in check_trace(trace, expected))


def test_the_clock_of_the_words_begins_anew_with_each_session():
    begin, closed, sent, done = (
        {"event": name, "at_s": 1.0, "id": str(uuid.uuid4())} for name in ("begin", "closed", "sent", "done")
    )
    partials = [turn(1, None, False, words("it", final=False), start=0, end=300) for _ in range(5)]
    final = turn(1, None, True, words("It", "was", "late."), start=0, end=1_100)
    for event in [*partials, final]:
        event["start"], event["end"] = event["words"][0]["start"], event["words"][-1]["end"]
    session = [begin, *partials, final, closed]
    expected = Expected("v2", WORDS[:3] * 2, 6.0, events_once=("begin", "closed"), sessions=2)
    assert check_trace([*session, *session, sent, done], expected) == []
    once = check_trace([*session, sent, done], expected)
    assert "'begin' must be reported 2 times, not 1 times" in once
    without_begin = check_trace([*session, *session[1:], sent, done], expected)
    assert any("a word must lie between" in failure for failure in without_begin)


def test_a_client_may_show_neither_words_nor_times():
    trace = [event | {"order": None, "words": []} for event in good()]
    for event in trace:
        if event["event"] == "turn" and not event["is_final"]:
            event["text"] = event["text"].lower()
    assert check_trace(trace, Expected("v2", WORDS, 6.0)) == []


def test_missing_events_are_found():
    expected = Expected("v3", WORDS, 6.0, other_events=("Heartbeat",))
    assert check_trace(good(), expected) == ["not reported: Heartbeat"]
    heartbeat = {"event": "other", "at_s": 0.7, "name": "Heartbeat"}
    assert check_trace([*good()[:3], heartbeat, *good()[3:]], expected) == []


def test_partials_that_must_not_be_sent_are_found():
    trace = [event for event in good() if event.get("is_final", True)]
    assert check_trace(trace, Expected("v3", WORDS, 6.0, sends_partials=False)) == []
    expected = Expected("v3", WORDS, 6.0, sends_partials=False)
    assert any("expected none" in failure for failure in check_trace(good(), expected))


@pytest.mark.parametrize(
    ("attempts", "key", "change", "message"),
    [
        (2, AUTH_HEADER[1], {}, ""),
        (1, AUTH_HEADER[1], {}, "1 attempts, expected 2"),
        (2, None, {}, "got None"),
        (2, AUTH_HEADER[1], {"session_id": "another"}, "for session another"),
        (2, AUTH_HEADER[1], {"messages": []}, "posted turns are []"),
    ],
)
def test_a_webhook_must_have_the_turns_that_the_client_reported(attempts, key, change, message):
    trace = good()
    finals = [turn for turn in trace if turn.get("is_final")]
    messages = [{"turn_order": turn["order"], "transcript": turn["text"]} for turn in finals]
    body = {"session_id": trace[0]["id"], "messages": messages} | change
    failures = check_webhook(trace, Delivery(attempts, key, body))
    assert len(failures) == bool(message)
    assert message in "".join(failures)
    assert check_webhook(trace, None) == ["nothing was posted"]


def test_channels_must_speak_in_their_order():
    right = Expected("v3", WORDS, 6.0, channels=("mic", "system"))
    assert check_trace(good(), right) == []
    wrong = Expected("v3", WORDS, 6.0, channels=("system", "mic"))
    assert any("the channels speak in the order" in failure for failure in check_trace(good(), wrong))


def test_a_client_that_drops_empty_turns_may_skip_their_numbers():
    trace = good()
    for event in trace:
        if event.get("order") == 1:
            event["order"] = 3
    assert check_trace(trace, EXPECTED) != []
    assert check_trace(trace, Expected("v3", WORDS, 6.0, skips_empty_turns=True)) == []


def test_a_rejection_has_its_code_and_no_session():
    expected = Expected("v3", (), 1.0, rejected_with=1008)
    error, done = {"event": "error", "at_s": 0, "text": "no key", "code": 1008}, {"event": "done", "at_s": 1}
    assert check_trace([error, done], expected) == []
    assert check_trace([error | {"code": None, "text": "1008 no key"}, done], expected) == []
    assert check_trace([done], expected) == ["no error"]
    assert "not rejected with 1008" in check_trace([error | {"code": 3005}, done], expected)[0]
    assert check_trace([error | {"text": ""}, done], expected) == ["an error without a reason"]
    assert check_trace([good()[0], error, done], expected) == ["the session began"]


def test_the_documentation_has_the_table_of_clients():
    assert clients_table() in (ROOT / "docs" / "compatible-clients.md").read_text()


def test_every_case_has_a_name_and_a_program_of_its_own():
    assert len({case.name for case in CASES}) == len(CASES)
    for case in CASES:
        assert (ROOT / "tests" / "conformance" / "clients" / case.program).is_file()
