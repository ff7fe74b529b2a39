"""Long answers are sent in slices."""

from __future__ import annotations

import asyncio

import pytest

from vivavoce.server.sliced_bodies import _SLICE_BYTES, SlicedBodies


def sent_by(kind, *messages):
    """What a server is given of what an application sends."""
    got = []

    async def app(_scope, _receive, send):
        for message in messages:
            await send(message)

    async def send(message):
        got.append(message)

    asyncio.run(SlicedBodies(app)({"type": kind}, None, send))
    return got


@pytest.mark.parametrize("length", [0, 1, _SLICE_BYTES, _SLICE_BYTES + 1, 5 * _SLICE_BYTES, 100_001])
@pytest.mark.parametrize("has_more", [True, False])
def test_a_body_arrives_whole_in_slices_of_which_only_the_last_is_the_end(length, has_more):
    body = bytes(index % 251 for index in range(length))
    start = {"type": "http.response.start", "status": 200, "headers": []}
    first, *slices = sent_by(
        "http", start, {"type": "http.response.body", "body": body, "more_body": has_more}
    )
    assert first == start
    assert b"".join(each["body"] for each in slices) == body
    assert max(len(each["body"]) for each in slices) <= _SLICE_BYTES
    assert [each["more_body"] for each in slices] == [True] * (len(slices) - 1) + [has_more]


def test_what_is_no_body_passes():
    message = {"type": "websocket.send", "text": "x" * 100_000}
    assert sent_by("websocket", message) == [message]
    assert sent_by("http", {"type": "http.response.body"}) == [{"type": "http.response.body"}]
