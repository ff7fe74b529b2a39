"""Messages can be decoded by several threads at once, the first ones too.

msgspec 0.22 crashes if two threads decode a type for the first time at once. That needs a process each time.
"""

import subprocess
import sys

import pytest

RACE = """
import sys
import threading
from contextlib import suppress

from vivavoce.client.dial_errors import _error_text
from vivavoce.protocol.aai_v2.messages import decode_server_message
from vivavoce.protocol.aai_v3.messages import decode_event
from vivavoce.protocol.token_requests import decode_v2_token, read_v2_request
from vivavoce.server.rooms.commands import decode_update
from vivavoce.server.rooms.replica import decode_entry, decode_snapshot

sys.setswitchinterval(1e-6)
DECODERS = [
    (
        decode_event,
        '{"type": "Turn", "turn_order": 0, "turn_is_formatted": false, "end_of_turn": false,'
        '"transcript": "a", "end_of_turn_confidence": 0.5, "words":'
        '[{"text": "a", "start": 0, "end": 1, "confidence": 0.5, "word_is_final": true}]}',
    ),
    (
        decode_server_message,
        '{"message_type": "FinalTranscript", "audio_start": 0, "audio_end": 1, "confidence": 1, "text": "a",'
        '"words": [{"text": "a", "start": 0, "end": 1, "confidence": 0.5}], "created": "2020-01-01T00:00:00",'
        '"punctuated": true, "text_formatted": true}',
    ),
    (_error_text, b'{"error": "no"}'),
    (read_v2_request, b'{"expires_in": 60}'),
    (decode_v2_token, b'{"token": "0"}'),
    (decode_entry, bytes([0x93, 0xA1, 0x61, 1, 0x92, 0xA4, *b"lose", 0xA1, 0x61])),
    (decode_snapshot, bytes([0x92, 0x90, 0x80])),
    (decode_update, bytes([0x94, 0xA6, *b"update", 0xA1, 0x61, 0x95, 0, 0, 0x90, 0xC3, 0xC0, 0])),
]
together = threading.Barrier(8)


def decode_all():
    for decode, data in DECODERS:
        together.wait()
        for _ in range(3):
            with suppress(Exception):
                decode(data)


threads = [threading.Thread(target=decode_all) for _ in range(8)]
for each in threads:
    each.start()
for each in threads:
    each.join()
"""


@pytest.mark.parametrize("attempt", range(6))
def test_threads_that_decode_for_the_first_time_at_once_do_not_crash(attempt):
    done = subprocess.run(
        [sys.executable, "-c", RACE], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-1_000:]
