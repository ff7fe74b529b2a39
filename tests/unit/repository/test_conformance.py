"""The assertions of the conformance suite find what they are for, and its table is in the documentation."""

import copy
import uuid
from pathlib import Path

import pytest

from conformance.cases import CASES, clients_table
from conformance.checks import Expected, faults_of, webhook_faults, word_error_rate
from conformance.webhooks import HEADER, Posted

ROOT = Path(__file__).parents[3]
SAID = ("it", "was", "late", "we", "went", "home")
EXPECTED = Expected(protocol="v3", words=SAID, audio_s=6.0, is_forced=True, tells=("begin", "end"))


def words(*texts, start=0, final=True):
    return [
        {"text": text, "start": start + 400 * at, "end": start + 400 * at + 300, "is_final": final}
        for at, text in enumerate(texts)
    ]


def turn(at_s, order, is_final, items, **fields):
    text = " ".join(item["text"] for item in items)
    told = {"event": "turn", "at_s": at_s, "order": order, "is_final": is_final, "words": items, "text": text}
    return told | {"is_formatted": is_final, "channel": "mic" if order == 0 else "system"} | fields


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


def test_a_good_trace_has_no_faults():
    assert faults_of(good(), EXPECTED) == []
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
    ("spoil", "said"),
    [
        (lambda trace: [], "did not reach its end"),
        (drop(11), "did not reach its end"),
        (drop(0), "told 0 times: begin"),
        (lambda trace: [trace[0], *trace], "told 2 times: begin"),
        (lambda trace: [trace[1], trace[0], *trace[2:]], "before the begin"),
        (change(0, id=str(uuid.uuid1())), "no UUID of version 4"),
        (lambda trace: [*trace[:3], {"event": "error", "at_s": 1, "text": "no"}, *trace[3:]], "an error: no"),
        (change(9, text="We went away.", words=words("We", "went", "away.", start=3_000)), "words are wrong"),
        (drop(5, 9), "100% of the words are wrong"),
        (drop(6), "only 4 partials"),
        (drop(1, 2, 3), "a final before any partial"),
        (change_word(9, 0, start=900, end=950), "goes back"),
        (change_word(5, 1, start=200), "goes back"),
        (change_word(9, 2, end=6_500), "beyond the sound"),
        (change_word(5, 1, start=400.5), "no whole milliseconds"),
        (change(5, text="It was so late."), "a final's text is not its words"),
        (change(5, is_formatted=False), "not formatted"),
        (change(9, order=2), "turn 2 after turn 1"),
        (lambda trace: [*trace[:6], trace[5], *trace[6:]], "turn 0 after turn 0 had ended"),
        (drop(9), "turn 1 never ended"),
        (change_word(3, 0, text="In"), "final words changed"),
        (change_word(5, 2, is_final=False), "words that are not final"),
        (drop(4), "not one forced end"),
        (change(4, at_s=-1.0), "no final within 2 s of the force"),
        (drop(8), "not sent whole"),
        (change(11, at_s=8.0), "5.6 s from the last sound to the end"),
        (change(10, audio_s=8), "8 s of audio were counted"),
        (drop(10), "told 0 times: end"),
        (lambda trace: [*trace[:9], trace[10], trace[9], trace[11]], "turn came last"),
    ],
)
def test_every_fault_is_found(spoil, said):
    found = faults_of(spoil(copy.deepcopy(good())), EXPECTED)
    assert any(said in fault for fault in found), found


def test_v2_has_plain_partials_and_transcripts_that_span_their_words():
    trace = [event | {"order": None} for event in good()]
    for event in trace:
        if event["event"] == "turn":
            event.update(start=event["words"][0]["start"], end=event["words"][-1]["end"])
    expected = Expected("v2", SAID, 6.0)
    assert any("a partial is not plain" in fault for fault in faults_of(trace, expected))
    for event in trace:
        if event["event"] == "turn" and not event["is_final"]:
            event["text"] = event["text"].lower().strip(".")
    assert faults_of(trace, expected) == []
    trace[5]["end"] -= 1
    assert any("does not span its words" in fault for fault in faults_of(trace, expected))


def test_other_events_are_missed():
    expected = Expected("v3", SAID, 6.0, hears=("Heartbeat",))
    assert faults_of(good(), expected) == ["not told: Heartbeat"]
    heartbeat = {"event": "other", "at_s": 0.7, "name": "Heartbeat"}
    assert faults_of([*good()[:3], heartbeat, *good()[3:]], expected) == []


def test_partials_that_nobody_wants_are_found():
    trace = [event for event in good() if event.get("is_final", True)]
    assert faults_of(trace, Expected("v3", SAID, 6.0, tells_partials=False)) == []
    expected = Expected("v3", SAID, 6.0, tells_partials=False)
    assert any("none were wanted" in fault for fault in faults_of(good(), expected))


@pytest.mark.parametrize(
    ("attempts", "key", "change", "said"),
    [
        (2, HEADER[1], {}, ""),
        (1, HEADER[1], {}, "posted 1 times"),
        (2, None, {}, "without the header"),
        (2, HEADER[1], {"session_id": "another"}, "for session another"),
        (2, HEADER[1], {"messages": []}, "posted were []"),
    ],
)
def test_what_is_posted_must_be_what_was_told(attempts, key, change, said):
    trace = good()
    finals = [turn for turn in trace if turn.get("is_final")]
    messages = [{"turn_order": turn["order"], "transcript": turn["text"]} for turn in finals]
    body = {"session_id": trace[0]["id"], "messages": messages} | change
    faults = webhook_faults(trace, Posted(attempts, key, body))
    assert len(faults) == bool(said)
    assert said in "".join(faults)
    assert webhook_faults(trace, None) == ["nothing was posted"]


def test_channels_are_heard_in_their_order():
    spoken = Expected("v3", SAID, 6.0, channels=("mic", "system"))
    assert faults_of(good(), spoken) == []
    wrong = Expected("v3", SAID, 6.0, channels=("system", "mic"))
    assert any("the channels spoke in the order" in fault for fault in faults_of(good(), wrong))


def test_a_client_that_hides_empty_turns_may_skip_their_numbers():
    trace = good()
    for event in trace:
        if event.get("order") == 1:
            event["order"] = 3
    assert faults_of(trace, EXPECTED) != []
    assert faults_of(trace, Expected("v3", SAID, 6.0, hides_empty=True)) == []


def test_a_refusal_is_one_with_its_code_and_nothing_else():
    expected = Expected("v3", (), 1.0, refusal=1008)
    error, done = {"event": "error", "at_s": 0, "text": "no key", "code": 1008}, {"event": "done", "at_s": 1}
    assert faults_of([error, done], expected) == []
    assert faults_of([error | {"code": None, "text": "1008 no key"}, done], expected) == []
    assert faults_of([done], expected) == ["no error was told"]
    assert "not refused with 1008" in faults_of([error | {"code": 3005}, done], expected)[0]
    assert faults_of([error | {"text": ""}, done], expected) == ["an error without a reason"]
    assert faults_of([good()[0], error, done], expected) == ["a session began"]


def test_the_documentation_has_the_table_of_clients():
    assert clients_table() in (ROOT / "docs" / "compatible-clients.md").read_text()


def test_every_case_has_a_name_and_a_program_of_its_own():
    assert len({case.name for case in CASES}) == len(CASES)
    for case in CASES:
        assert (ROOT / "tests" / "conformance" / "clients" / case.program).is_file()
