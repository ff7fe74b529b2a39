"""What must be true of every client's trace: one set of assertions for all clients.

A trace is what a client program reports: objects with ``event`` and ``at_s``, in seconds since its start.

- ``begin`` has an ``id``.
- ``turn`` has ``text``, ``is_final`` and ``words`` (``text``, ``start`` and ``end`` in ms), empty if the
  client shows none. In v2 it also has ``start`` and ``end``. These, and ``order``, ``is_formatted`` and
  ``channel``, are there if the client shows them.
- ``end`` and ``information`` have ``audio_s``.
- ``sent``: all audio is sent. ``force``: the program forced an endpoint. ``closed``: the client reported the
  end of the session. ``done``: the program reached its last line.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jiwer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.webhooks import Delivery

from conformance.webhooks import AUTH_HEADER

__all__ = ["Expected", "check_trace", "check_webhook", "word_error_rate"]

Event = dict[str, Any]

_MAX_FORCED_FINAL_S = 2.0
_AUDIO_TOLERANCE_S = 1.01  # v3 reports whole seconds
_MIN_PARTIALS = 5
_WEBHOOK_ATTEMPTS = 2  # the receiver rejects the first


@dataclass(frozen=True, slots=True)
class Expected:
    """What the trace of a case must show.

    Attributes:
        protocol: ``v2`` or ``v3``.
        words: The words of the audio, in lower case.
        audio_s: Duration of the audio, in seconds.
        max_wer: Highest word error rate that passes, 0 to 1.
        forces_endpoint: Whether the program forces an endpoint.
        channels: The channels in the order in which they speak; empty: the audio has one channel.
        events_once: Events that the program must report exactly once.
        skips_empty_turns: Whether the client drops turns without words.
        other_events: Names of further events that the program must report.
        sends_partials: Whether the server sends partials.
        rejected_with: The close code with which the server must reject the session; None: it must accept it.
        max_close_s: Longest time from the last audio to the end. The vendor's SDKs give up after 5 s.
        sessions: How many sessions the program opens, one after the other.
    """

    protocol: str
    words: tuple[str, ...]
    audio_s: float
    max_wer: float = 0.15
    forces_endpoint: bool = False
    channels: tuple[str, ...] = ()
    events_once: tuple[str, ...] = ()
    skips_empty_turns: bool = False
    other_events: tuple[str, ...] = ()
    sends_partials: bool = True
    rejected_with: int | None = None
    max_close_s: float = 4.0
    sessions: int = 1


def _plain(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def _events(trace: list[Event], *kinds: str) -> list[Event]:
    return [event for event in trace if event["event"] in kinds]


def check_trace(trace: list[Event], expected: Expected) -> list[str]:
    """Return the failures of a trace, a sentence each; empty if it passes.

    Args:
        trace: What the program reported, in order.
        expected: What it should have reported.
    """
    if not trace or trace[-1]["event"] != "done":
        return ["the program did not reach its last line"]
    checks = _ACCEPTED if expected.rejected_with is None else _REJECTED
    return [failure for check in checks for failure in check(trace, expected)]


# --- a session that the server must accept --------------------------------------------------------


def _check_events_once(trace: list[Event], expected: Expected) -> Iterator[str]:
    begins = _events(trace, "begin")
    if begins and trace[0]["event"] != "begin":
        yield f"events before the begin: {[event['event'] for event in trace[:4]]}"
    if begins and uuid.UUID(begins[0]["id"]).version != 4:  # the vendor's SDKs demand it
        yield f"the session id must be a UUID of version 4, got {begins[0]['id']}"
    for kind in expected.events_once:
        if len(_events(trace, kind)) != expected.sessions:
            times = "once" if expected.sessions == 1 else f"{expected.sessions} times"
            yield f"{kind!r} must be reported {times}, not {len(_events(trace, kind))} times"


def _check_other_events(trace: list[Event], expected: Expected) -> Iterator[str]:
    missing = set(expected.other_events) - {event["name"] for event in _events(trace, "other")}
    if missing:
        yield f"not reported: {', '.join(sorted(missing))}"


def _check_no_errors(trace: list[Event], _expected: Expected) -> Iterator[str]:
    for event in _events(trace, "error"):
        yield f"an error: {event['text']} ({event.get('code')})"


def _final_words(trace: list[Event]) -> list[str]:
    return [word for turn in _events(trace, "turn") if turn["is_final"] for word in _plain(turn["text"])]


def word_error_rate(trace: list[Event], expected: Expected) -> float:
    """Return the word error rate of all finals together; it may exceed 1."""
    return float(jiwer.wer(" ".join(expected.words), " ".join(_final_words(trace))))


def _check_words(trace: list[Event], expected: Expected) -> Iterator[str]:
    wer = word_error_rate(trace, expected)
    if wer > expected.max_wer:
        words = " ".join(_final_words(trace))
        yield f"the word error rate is {wer:.0%}, at most {expected.max_wer:.0%} passes: {words}"


def _check_partials(trace: list[Event], expected: Expected) -> Iterator[str]:
    turns = [turn for turn in _events(trace, "turn") if turn["text"] or turn["words"]]
    partials = [turn for turn in turns if not turn["is_final"]]
    if not expected.sends_partials:
        if partials:
            yield f"{len(partials)} partials, expected none"
        return
    if len(partials) < _MIN_PARTIALS:
        yield f"only {len(partials)} partials"
    if turns and turns[0]["is_final"]:
        yield "a final before any partial"


def _check_times(trace: list[Event], expected: Expected) -> Iterator[str]:
    end = 0
    for turn in _events(trace, "begin", "turn"):
        if turn["event"] == "begin":
            end = 0  # each session has its own clock
            continue
        at = end if turn["is_final"] else 0
        for word in turn["words"]:
            if not (type(word["start"]) is int and type(word["end"]) is int):
                yield f"the times of a word must be whole milliseconds, got {word}"
                return
            if not at <= word["start"] <= word["end"] <= expected.audio_s * 1000 + 1:
                yield f"a word must lie between {at} ms and the end of the audio, got {word}"
                return
            at = word["end"]
        if turn["is_final"]:
            end = at


def _check_finals(trace: list[Event], _expected: Expected) -> Iterator[str]:
    for turn in _events(trace, "turn"):
        if not (turn["is_final"] and turn["words"]):
            continue
        if turn["text"].split() != [word["text"] for word in turn["words"]]:
            yield f"the text of a final differs from its words: {turn['text']!r}"
        if turn.get("is_formatted") is False:
            yield f"a final is not formatted: {turn['text']!r}"


def _check_v2(trace: list[Event], expected: Expected) -> Iterator[str]:
    """In v2, partials are in lower case without punctuation, and a transcript spans its words."""
    if expected.protocol != "v2":
        return
    for turn in _events(trace, "turn"):
        if not turn["is_final"] and re.search(r"[A-Z.,?!]", turn["text"]):
            yield f"a partial is formatted: {turn['text']!r}"
        if turn.get("start") is None:
            continue
        starts = [turn["start"], *(word["start"] for word in turn["words"])]
        ends = [turn["end"], *(word["end"] for word in turn["words"])]
        if turn["start"] != min(starts) or turn["end"] != max(ends):
            yield f"a transcript does not span its words: {turn}"


def _check_v3_order(trace: list[Event], expected: Expected) -> Iterator[str]:
    """In v3, turns are numbered, each ends once, and its final words never change."""
    current, is_over, final_words = 0, False, list[str]()
    for turn in _events(trace, "turn"):
        order = turn.get("order")
        if order is None:
            return
        if turn.get("is_formatted") and not turn["is_final"]:
            yield f"a turn that goes on is marked as formatted: {turn['text']!r}"
        if is_over and (order == current + 1 or (expected.skips_empty_turns and order > current)):
            current, is_over, final_words = order, False, []
        elif order != current or is_over:
            yield f"turn {order} after turn {current}{' had ended' if is_over else ''}"
            return
        now = [word["text"] for word in turn["words"] if word.get("is_final")]
        is_same = [_plain(word) for word in now[: len(final_words)]] == [_plain(word) for word in final_words]
        if len(now) < len(final_words) or not is_same:
            yield f"final words changed: {final_words} became {now}"
        final_words = now
        is_over = turn["is_final"]
        if is_over and not all(word.get("is_final", True) for word in turn["words"]):
            yield f"a turn ended with words that are not final: {turn['words']}"
    if not is_over:
        yield f"turn {current} never ended"


def _check_forced_endpoint(trace: list[Event], expected: Expected) -> Iterator[str]:
    if not expected.forces_endpoint:
        return
    forces = _events(trace, "force")
    if len(forces) != 1:
        yield f"{len(forces)} forced endpoints, expected one"
        return
    force = forces[0]
    if expected.skips_empty_turns:
        return
    after = trace[trace.index(force) :]
    final = next((turn for turn in _events(after, "turn") if turn["is_final"]), None)
    if final is None or final["at_s"] - force["at_s"] > _MAX_FORCED_FINAL_S:
        yield f"no final within {_MAX_FORCED_FINAL_S:g} s of the forced endpoint"


def _check_channels(trace: list[Event], expected: Expected) -> Iterator[str]:
    if not expected.channels:
        return
    channels = [turn["channel"] for turn in _events(trace, "turn") if turn["is_final"] and turn["words"]]
    order = tuple(channel for at, channel in enumerate(channels) if at == 0 or channel != channels[at - 1])
    if order != expected.channels:
        yield f"the channels speak in the order {order}, expected {expected.channels}"


def _check_end(trace: list[Event], expected: Expected) -> Iterator[str]:
    sent = _events(trace, "sent")
    if len(sent) != 1:
        yield "the program did not send all audio"
        return
    waited_s = trace[-1]["at_s"] - sent[0]["at_s"]
    if waited_s > expected.max_close_s:
        yield f"{waited_s:.1f} s from the last audio to the end"
    ends = _events(trace, "end")
    for event in [*ends, *_events(trace, "information")]:
        if abs(event["audio_s"] - expected.audio_s) > _AUDIO_TOLERANCE_S:
            yield f"{event['audio_s']} s of audio reported, expected {expected.audio_s:.1f}"
    last = [event["event"] for event in trace if event["event"] not in {"done", "sent", "closed"}][-1]
    if (ends and last != "end") or _events(trace, "turn", "begin")[-1]["event"] != "turn":
        yield f"the last event is {last!r}"


_ACCEPTED: tuple[Callable[[list[Event], Expected], Iterator[str]], ...] = (
    _check_events_once,
    _check_other_events,
    _check_no_errors,
    _check_words,
    _check_partials,
    _check_times,
    _check_finals,
    _check_v2,
    _check_v3_order,
    _check_forced_endpoint,
    _check_channels,
    _check_end,
)


# --- a session that the server must reject --------------------------------------------------------


def _check_rejection(trace: list[Event], expected: Expected) -> Iterator[str]:
    if _events(trace, "begin", "turn"):
        yield "the session began"
    errors = _events(trace, "error")
    if not errors:
        yield "no error"
    elif not errors[0]["text"]:
        yield "an error without a reason"
    # Some clients show the code, some put it into the text, some report the message and the close separately.
    elif not any(str(expected.rejected_with) in f"{error.get('code')} {error['text']}" for error in errors):
        yield f"not rejected with {expected.rejected_with}: {errors}"


_REJECTED = (_check_rejection,)


# --- webhooks -------------------------------------------------------------------------------------


def check_webhook(trace: list[Event], delivery: Delivery | None) -> list[str]:
    """Return the failures of what the server posted after a session; empty if it passes.

    Args:
        trace: What the program reported about the session.
        delivery: What the receiver got; None: nothing.
    """
    if delivery is None:
        return ["nothing was posted"]
    failures = []
    if delivery.attempts != _WEBHOOK_ATTEMPTS:
        failures.append(f"{delivery.attempts} attempts, expected {_WEBHOOK_ATTEMPTS}")
    if delivery.key != AUTH_HEADER[1]:
        failures.append(f"the value of {AUTH_HEADER[0]} must be {AUTH_HEADER[1]!r}, got {delivery.key!r}")
    begin = next(iter(_events(trace, "begin")), {})
    if delivery.body["session_id"] != begin.get("id"):
        failures.append(f"posted for session {delivery.body['session_id']}, expected {begin.get('id')}")
    finals = [(turn["order"], turn["text"]) for turn in _events(trace, "turn") if turn["is_final"]]
    if [(turn["turn_order"], turn["transcript"]) for turn in delivery.body["messages"]] != finals:
        failures.append(f"posted turns are {delivery.body['messages']}, expected {finals}")
    return failures
