import asyncio
import json

import pytest

from vivavoce.protocol.events import Webhook
from vivavoce.server import ServerOptions
from vivavoce.server.webhooks import deliver

HOOK = Webhook("http://127.0.0.1/")


def run(answers, turns=()):
    """Deliver to somebody who answers so; returns whether it was taken, what came, and the waits."""
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

    taken = asyncio.run(deliver(HOOK, "id", turns, send=send, sleep=sleep))
    assert not left or taken or 400 <= answers[len(got) - 1] < 500
    return taken, got, waits


def test_turns_are_posted_once():
    taken, got, waits = run([200], ['{"turn_order":0}', '{"turn_order":1}'])
    assert taken
    assert got == [{"session_id": "id", "messages": [{"turn_order": 0}, {"turn_order": 1}]}]
    assert waits == []
    assert run([204])[1] == [{"session_id": "id", "messages": []}]


def test_it_is_tried_again_with_growing_waits_up_to_ten_times(caplog):
    taken, got, waits = run([500, OSError("refused"), 302, 200])
    assert (taken, len(got), waits) == (True, 4, [1, 2, 4])
    taken, got, waits = run([503] * 10)
    assert (taken, len(got)) == (False, 10)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert "was not taken: HTTP 503" in caplog.text


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_4xx_is_the_receivers_last_word(status):
    taken, got, _ = run([status, 200])
    assert (taken, len(got)) == (False, 1)


def test_nobody_unknown_makes_a_server_post():
    assert ServerOptions().may_post
    assert ServerOptions(host="0.0.0.0", api_keys=("k",)).may_post
    assert not ServerOptions(host="0.0.0.0", no_auth=True).may_post
    assert not ServerOptions(webhooks=False).may_post
