"""Turns with the speakers that revisions gave them."""

import dataclasses
from types import SimpleNamespace

import vivavoce
from vivavoce.captions import TurnLog, captions
from vivavoce.client.events import SpeakerRevisionItem
from vivavoce.protocol.events import SpeakersRevised, TurnUpdated
from vivavoce.types import Word


def turn(order, speaker, *texts, channel=None, ended=True, formatted=True):
    words = [
        vivavoce.Word(text=text, start=1_000 * order + 100 * n, end=1_000 * order + 100 * n + 90,
                      confidence=0.9, speaker=speaker)
        for n, text in enumerate(texts)
    ]  # fmt: skip
    return vivavoce.TurnEvent(
        turn_order=order, turn_is_formatted=formatted, end_of_turn=ended, transcript=" ".join(texts),
        words=words, speaker_label=speaker, channel=channel,
    )  # fmt: skip


def revision(*turns, bare=False):
    return vivavoce.SpeakerRevisionEvent(
        revisions=[
            SpeakerRevisionItem(
                turn_order=each.turn_order,
                speaker_label=each.speaker_label,
                words=[] if bare else each.words,
                channel=each.channel,
            )
            for each in turns
        ]
    )


def log_of(*events):
    log = TurnLog()
    for event in events:
        log.add(event)
    return log


def speakers(log):
    return [(each.speaker_label, "".join(word.speaker or "-" for word in each.words)) for each in log.turns]


def test_turns_have_the_speakers_of_the_revision():
    first, second = turn(0, "PENDING", "Hello."), turn(1, "B", "Good", "day.")
    log = log_of(first, second, revision(turn(0, "A", "Hello.")))
    assert speakers(log) == [("A", "A"), ("B", "BB")]
    assert [cue.speakers for cue in captions(log.turns)] == [("A",), ("B",)]
    assert first.speaker_label == "PENDING"  # the event itself stays as it came


def test_words_of_a_turn_can_get_different_speakers():
    item = turn(0, "A", "Yes.", "No.")
    item.words[1].speaker = "B"
    assert speakers(log_of(turn(0, "A", "Yes.", "No."), revision(item))) == [("A", "AB")]


def test_a_revision_without_words_names_the_speaker_of_all():
    assert speakers(log_of(turn(0, "A", "Yes.", "No."), revision(turn(0, "B"), bare=True))) == [("B", "BB")]


def test_a_revision_may_come_before_the_end_of_its_turn():
    assert speakers(log_of(revision(turn(0, "B", "Yes.")), turn(0, "A", "Yes."))) == [("B", "B")]


def test_the_last_revision_counts():
    events = turn(0, "A", "Yes."), revision(turn(0, "B", "Yes.")), revision(turn(0, "C", "Yes."))
    assert speakers(log_of(*events)) == [("C", "C")]


def test_channels_have_turns_of_their_own():
    left, right = turn(0, "A", "Yes.", channel=0), turn(0, "A", "No.", channel=1)
    assert speakers(log_of(left, right, revision(turn(0, "B", "No.", channel=1)))) == [("A", "A"), ("B", "B")]


def test_only_finished_turns_are_kept_and_each_once():
    log = log_of(
        turn(0, None, "hello", ended=False),
        turn(0, "A", "hello", formatted=False),
        turn(0, "A", "Hello."),
        vivavoce.WarningEvent(warning_code=0, warning="odd"),
        vivavoce.ClosedEvent(code=1000, reason=""),
        object(),
    )
    assert [each.transcript for each in log.turns] == ["Hello."]


def test_events_of_the_server_are_kept_too():
    said = TurnUpdated(0, 0, 500, (Word("Yes.", 0, 500, 0.9, speaker="A"),), ended=True, speaker="A")
    revised = dataclasses.replace(said, speaker="B", words=(Word("Yes.", 0, 500, 0.9, speaker="B"),))
    log = log_of(said, dataclasses.replace(said, turn_order=1, ended=False), SpeakersRevised((revised,)))
    assert log.turns == [revised]
    assert captions(log.turns)[0].speakers == ("B",)


def test_turns_of_the_vendors_sdk_are_kept_too():
    said = SimpleNamespace(
        turn_order=0, end_of_turn=True, words=[SimpleNamespace(text="Yes.", start=0, end=1, speaker="A")]
    )
    item = SimpleNamespace(turn_order=0, speaker_label="B", words=None)
    assert speakers(log_of(said, SimpleNamespace(revisions=[item]))) == [("B", "B")]
