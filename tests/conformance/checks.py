"""What must be true of every client's trace: one body of assertions for all.

A trace is what a client program told: objects with ``event`` and ``at_s``, in seconds since it began.

- ``begin`` has an ``id``;
- ``turn`` has ``text``, ``is_final``, ``words`` (``text``, ``start`` and ``end`` in ms), in v2 ``start`` and
  ``end`` and, where the client shows them, ``order``, ``is_formatted`` and ``channel``;
- ``end`` and ``information`` have ``audio_s``;
- ``sent`` says that all sound is sent, ``force`` that an end was forced, ``closed`` that the client was told
  of the end, ``done`` that the program reached its last line.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jiwer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.webhooks import Posted

from conformance.webhooks import HEADER

__all__ = ["Expected", "faults_of", "webhook_faults", "word_error_rate"]

Event = dict[str, Any]

_END_WITHIN_S = 4.0  # the vendor's SDKs give up after 5
_FORCED_WITHIN_S = 2.0
_AUDIO_TOLERANCE_S = 1.01  # v3 tells whole seconds
_FEWEST_PARTIALS = 5
_ATTEMPTS = 2  # of a webhook: the first is turned away


@dataclass(frozen=True, slots=True)
class Expected:
    """What a case must come to.

    Attributes:
        protocol: ``v2`` or ``v3``.
        words: What is said, in lower case.
        audio_s: How long the sound is, in seconds.
        max_wer: Highest word error rate that passes, 0 to 1.
        is_forced: Whether the program forces an end.
        channels: Who speaks, in turn; empty: one channel.
        tells: Events that the client shows once in every session.
        hides_empty: Whether the client keeps turns without words to itself.
        hears: Names of other events that the client must show.
        tells_partials: Whether unfinished turns are told.
        refusal: The close code of a case that must be refused; None: it must go well.
    """

    protocol: str
    words: tuple[str, ...]
    audio_s: float
    max_wer: float = 0.15
    is_forced: bool = False
    channels: tuple[str, ...] = ()
    tells: tuple[str, ...] = ()
    hides_empty: bool = False
    hears: tuple[str, ...] = ()
    tells_partials: bool = True
    refusal: int | None = None


def _plain(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def _of(trace: list[Event], *kinds: str) -> list[Event]:
    return [event for event in trace if event["event"] in kinds]


def faults_of(trace: list[Event], expected: Expected) -> list[str]:
    """Everything that is wrong with a trace, in words; empty if nothing is.

    Args:
        trace: What the client told, in order.
        expected: What it should have.
    """
    if not trace or trace[-1]["event"] != "done":
        return ["the program did not reach its end"]
    checks = _REFUSED if expected.refusal is not None else _SERVED
    return [fault for check in checks for fault in check(trace, expected)]


# --- a session that must go well ------------------------------------------------------------------


def _begins_and_tells(trace: list[Event], expected: Expected) -> Iterator[str]:
    begins = _of(trace, "begin")
    if begins and trace[0]["event"] != "begin":
        yield f"something came before the begin: {[event['event'] for event in trace[:4]]}"
    if begins and uuid.UUID(begins[0]["id"]).version != 4:  # what the vendor's SDKs demand
        yield f"the session's id is no UUID of version 4: {begins[0]['id']}"
    for kind in expected.tells:
        if len(_of(trace, kind)) != 1:
            yield f"told {len(_of(trace, kind))} times: {kind}"


def _hears_others(trace: list[Event], expected: Expected) -> Iterator[str]:
    missing = set(expected.hears) - {event["name"] for event in _of(trace, "other")}
    if missing:
        yield f"not told: {', '.join(sorted(missing))}"


def _nothing_wrong(trace: list[Event], _expected: Expected) -> Iterator[str]:
    for event in _of(trace, "error"):
        yield f"an error: {event['text']} ({event.get('code')})"


def _heard(trace: list[Event]) -> list[str]:
    return [word for turn in _of(trace, "turn") if turn["is_final"] for word in _plain(turn["text"])]


def word_error_rate(trace: list[Event], expected: Expected) -> float:
    """Of all finals together, 0 to 1 and more."""
    return float(jiwer.wer(" ".join(expected.words), " ".join(_heard(trace))))


def _words_are_right(trace: list[Event], expected: Expected) -> Iterator[str]:
    heard = _heard(trace)
    wer = word_error_rate(trace, expected)
    if wer > expected.max_wer:
        yield f"{wer:.0%} of the words are wrong (at most {expected.max_wer:.0%}): {' '.join(heard)}"


def _partials_come_before(trace: list[Event], expected: Expected) -> Iterator[str]:
    turns = [turn for turn in _of(trace, "turn") if turn["text"] or turn["words"]]
    partials = [turn for turn in turns if not turn["is_final"]]
    if not expected.tells_partials:
        if partials:
            yield f"{len(partials)} partials, and none were wanted"
        return
    if len(partials) < _FEWEST_PARTIALS:
        yield f"only {len(partials)} partials"
    if turns and turns[0]["is_final"]:
        yield "a final before any partial"


def _times_go_on(trace: list[Event], expected: Expected) -> Iterator[str]:
    end = 0
    for turn in _of(trace, "turn"):
        at = end if turn["is_final"] else 0
        for word in turn["words"]:
            if not (type(word["start"]) is int and type(word["end"]) is int):
                yield f"a word's times are no whole milliseconds: {word}"
                return
            if not at <= word["start"] <= word["end"] <= expected.audio_s * 1000 + 1:
                yield f"a word goes back, or beyond the sound: {word} after {at} ms"
                return
            at = word["end"]
        if turn["is_final"]:
            end = at


def _finals_are_whole(trace: list[Event], _expected: Expected) -> Iterator[str]:
    for turn in _of(trace, "turn"):
        if not (turn["is_final"] and turn["words"]):
            continue
        if turn["text"].split() != [word["text"] for word in turn["words"]]:
            yield f"a final's text is not its words: {turn['text']!r}"
        if turn.get("is_formatted") is False:
            yield f"a final is not formatted: {turn['text']!r}"


def _is_as_v2_tells(trace: list[Event], expected: Expected) -> Iterator[str]:
    """v2: partials are plain, and every transcript says where it begins and ends."""
    if expected.protocol != "v2":
        return
    for turn in _of(trace, "turn"):
        if not turn["is_final"] and re.search(r"[A-Z.,?!]", turn["text"]):
            yield f"a partial is not plain: {turn['text']!r}"
        spans = [turn["start"], *(word["start"] for word in turn["words"])]
        ends = [turn["end"], *(word["end"] for word in turn["words"])]
        if turn["start"] != min(spans) or turn["end"] != max(ends):
            yield f"a transcript does not span its words: {turn}"


def _order_holds(trace: list[Event], expected: Expected) -> Iterator[str]:
    """v3: turns are counted, each ends once, and its final words stay."""
    current, is_over, kept = 0, False, list[str]()
    for turn in _of(trace, "turn"):
        order = turn.get("order")
        if order is None:
            return
        if is_over and (order == current + 1 or (expected.hides_empty and order > current)):
            current, is_over, kept = order, False, []
        elif order != current or is_over:
            yield f"turn {order} after turn {current}{' had ended' if is_over else ''}"
            return
        settled = [word["text"] for word in turn["words"] if word.get("is_final")]
        same = [_plain(word) for word in settled[: len(kept)]] == [_plain(word) for word in kept]
        if len(settled) < len(kept) or not same:
            yield f"final words changed: {kept} became {settled}"
        kept = settled
        is_over = turn["is_final"]
        if is_over and not all(word.get("is_final", True) for word in turn["words"]):
            yield f"a turn ended with words that are not final: {turn['words']}"
    if not is_over:
        yield f"turn {current} never ended"


def _force_is_answered(trace: list[Event], expected: Expected) -> Iterator[str]:
    if not expected.is_forced:
        return
    forces = _of(trace, "force")
    if len(forces) != 1:
        yield "not one forced end"
        return
    force = forces[0]
    if expected.hides_empty:
        return
    after = trace[trace.index(force) :]
    final = next((turn for turn in _of(after, "turn") if turn["is_final"]), None)
    if final is None or final["at_s"] - force["at_s"] > _FORCED_WITHIN_S:
        yield f"no final within {_FORCED_WITHIN_S:g} s of the force"


def _channels_are_told(trace: list[Event], expected: Expected) -> Iterator[str]:
    if not expected.channels:
        return
    said = [turn["channel"] for turn in _of(trace, "turn") if turn["is_final"] and turn["words"]]
    changes = tuple(channel for at, channel in enumerate(said) if at == 0 or channel != said[at - 1])
    if changes != expected.channels:
        yield f"the channels spoke in the order {changes}, not {expected.channels}"


def _ends_well(trace: list[Event], expected: Expected) -> Iterator[str]:
    sent = _of(trace, "sent")
    if len(sent) != 1:
        yield "the sound was not sent whole"
        return
    waited = trace[-1]["at_s"] - sent[0]["at_s"]
    if waited > _END_WITHIN_S:
        yield f"{waited:.1f} s from the last sound to the end"
    ends = _of(trace, "end")
    for event in [*ends, *_of(trace, "information")]:
        if abs(event["audio_s"] - expected.audio_s) > _AUDIO_TOLERANCE_S:
            yield f"{event['audio_s']} s of audio were counted, not {expected.audio_s:.1f}"
    last = [event["event"] for event in trace if event["event"] not in {"done", "sent", "closed"}][-1]
    if (ends and last != "end") or _of(trace, "turn", "begin")[-1]["event"] != "turn":
        yield f"{last} came last"


def webhook_faults(trace: list[Event], posted: Posted | None) -> list[str]:
    """Everything that is wrong with what was posted after a session.

    Args:
        trace: What the client told of it.
        posted: What came; None: nothing did.
    """
    if posted is None:
        return ["nothing was posted"]
    faults = []
    if posted.attempts != _ATTEMPTS:
        faults.append(f"posted {posted.attempts} times, not {_ATTEMPTS}")
    if posted.key != HEADER[1]:
        faults.append(f"posted without the header that was asked for, but {posted.key!r}")
    begin = next(iter(_of(trace, "begin")), {})
    if posted.body["session_id"] != begin.get("id"):
        faults.append(f"posted for session {posted.body['session_id']}, not {begin.get('id')}")
    told = [(turn["order"], turn["text"]) for turn in _of(trace, "turn") if turn["is_final"]]
    if [(turn["turn_order"], turn["transcript"]) for turn in posted.body["messages"]] != told:
        faults.append(f"posted were {posted.body['messages']}, not {told}")
    return faults


_SERVED: tuple[Callable[[list[Event], Expected], Iterator[str]], ...] = (
    _begins_and_tells,
    _hears_others,
    _nothing_wrong,
    _words_are_right,
    _partials_come_before,
    _times_go_on,
    _finals_are_whole,
    _is_as_v2_tells,
    _order_holds,
    _force_is_answered,
    _channels_are_told,
    _ends_well,
)


# --- a session that must be refused ----------------------------------------------------------------


def _is_refused(trace: list[Event], expected: Expected) -> Iterator[str]:
    if _of(trace, "begin", "turn"):
        yield "a session began"
    errors = _of(trace, "error")
    if not errors:
        yield "no error was told"
    elif not errors[0]["text"]:
        yield "an error without a reason"
    # Some clients show the code, some put it into the text, some tell the message and the close apart.
    elif not any(str(expected.refusal) in f"{error.get('code')} {error['text']}" for error in errors):
        yield f"not refused with {expected.refusal}: {errors}"


_REFUSED = (_is_refused,)
