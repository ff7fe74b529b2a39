"""Messages of a v3 server, for scripts."""

from support.scripted_server import Close, Expect, Send

BEGIN = Send({"type": "Begin", "id": "b", "expires_at": 1_900_000_000})
TERMINATION = Send({"type": "Termination", "audio_duration_seconds": 1, "session_duration_seconds": 1})


def turn(text, order=0, *, ended=False):
    words = [
        {"start": 100 * i, "end": 100 * i + 90, "confidence": 0.9, "text": word, "word_is_final": ended}
        for i, word in enumerate(text.split())
    ]
    return Send(
        {
            "turn_order": order, "turn_is_formatted": ended, "end_of_turn": ended, "transcript": text,
            "end_of_turn_confidence": 0.8, "words": words, "utterance": "", "type": "Turn",
        }
    )  # fmt: skip


UNTIL_TERMINATE = Expect("type")
GOOD_END = (UNTIL_TERMINATE, turn("Good bye.", 1, ended=True), TERMINATION, Close())
