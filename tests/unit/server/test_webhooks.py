import asyncio
import json

import pytest

from vivavoce.protocol.events import Webhook
from vivavoce.server.webhooks import deliver

HOOK = Webhook("http://127.0.0.1/")


def run(answers, turns=()):
    """Deliver to a receiver that gives these answers; return whether it accepted, the bodies, the waits."""
    got, waits = [], []
    left = list(answers)

    def send(webhook, body):
        assert webhook is HOOK
        got.append(json.loads(body))
        answer = left.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    async def sleep(seconds):
        waits.append(seconds)

    accepted = asyncio.run(deliver(HOOK, "id", turns, send=send, sleep=sleep))
    assert not left or accepted or 400 <= answers[len(got) - 1] < 500
    return accepted, got, waits


def test_turns_are_posted_once():
    accepted, got, waits = run([200], ['{"turn_order":0}', '{"turn_order":1}'])
    assert accepted
    assert got == [{"session_id": "id", "messages": [{"turn_order": 0}, {"turn_order": 1}]}]
    assert waits == []
    assert run([204])[1] == [{"session_id": "id", "messages": []}]


def test_failed_attempts_are_repeated_with_growing_waits_up_to_ten_times(caplog):
    accepted, got, waits = run([500, OSError("refused"), 302, 200])
    assert (accepted, len(got), waits) == (True, 4, [1, 2, 4])
    accepted, got, waits = run([503] * 10)
    assert (accepted, len(got)) == (False, 10)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert "not delivered: HTTP 503" in caplog.text


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_4xx_ends_the_attempts(status):
    accepted, got, _ = run([status, 200])
    assert (accepted, len(got)) == (False, 1)
