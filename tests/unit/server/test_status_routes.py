"""Who sees the figures of a server."""

import asyncio
import json
import threading

import pytest

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser
from vivavoce.asr.engine import Engine
from vivavoce.server import ServerOptions
from vivavoce.server.app import create_app
from vivavoce.store import KeyStore

HERE, ELSEWHERE = "127.0.0.1", "192.0.2.7"


def get(options, path, client, headers=(), *, reviser=None):
    """Send one request to the application; return its status and its body.

    A second model that is given is not loaded before the request is answered.
    """
    answered = threading.Event()
    late = reviser and (lambda: answered.wait(60) and reviser())
    app = create_app(
        ServerOptions(**options),
        engine=lambda _: Engine(recogniser=ScriptedRecogniser, detector=ScriptedDetector, reviser=late),
    )
    parts = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        parts.append(message)

    async def ask():
        async with app.state.service.lifespan(app):
            if reviser is None:
                await app.state.service.engine.wait_loaded()
            scope = {
                "type": "http", "method": "GET", "path": path, "query_string": b"", "root_path": "",
                "http_version": "1.1",
                "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
                "client": (client, 1), "server": ("asr.example", 80), "scheme": "http",
            }  # fmt: skip
            await app(scope, receive, send)
            answered.set()

    asyncio.run(ask())
    return parts[0]["status"], b"".join(part.get("body", b"") for part in parts).decode()


PUBLIC = {"host": "0.0.0.0", "api_keys": ("good", "old disabled")}
OPEN = {"host": "0.0.0.0", "no_auth": True}


@pytest.mark.parametrize(
    ("options", "client", "headers", "are_shown"),
    [
        ({}, HERE, (), True),
        ({}, ELSEWHERE, (), True),  # a proxy on this machine decides who gets here
        (PUBLIC, HERE, (), True),
        (PUBLIC, "::1", (), True),
        (PUBLIC, "::ffff:127.0.0.1", (), True),
        (PUBLIC, ELSEWHERE, (), False),
        (PUBLIC, HERE, [("X-Forwarded-For", ELSEWHERE)], False),
        (PUBLIC, HERE, [("Forwarded", f"for={ELSEWHERE}")], False),
        (PUBLIC, ELSEWHERE, [("Authorization", "good")], True),
        (PUBLIC, ELSEWHERE, [("Authorization", "Bearer good")], True),
        (PUBLIC, ELSEWHERE, [("Authorization", "bad")], False),
        (PUBLIC, ELSEWHERE, [("Authorization", "old")], False),
        ({}, HERE, [("Host", "evil.example:8765")], False),  # a page whose name points here
        ({}, HERE, [("Host", "localhost:8765")], True),
        ({"api_keys": ("good",)}, HERE, [("X-Forwarded-For", ELSEWHERE)], False),  # through a proxy
        ({"api_keys": ("good",)}, HERE, [("X-Forwarded-For", ELSEWHERE), ("Authorization", "good")], True),
        (PUBLIC, ELSEWHERE, [("X-Forwarded-For", HERE)], False),
        (OPEN, ELSEWHERE, (), False),
        (OPEN, ELSEWHERE, [("Authorization", "any")], False),
        (OPEN | {"public_status": True}, ELSEWHERE, (), True),
        (PUBLIC | {"public_status": True}, ELSEWHERE, (), True),
    ],
)
def test_who_sees_the_figures(options, client, headers, are_shown):
    status, body = get(options, "/metrics", client, headers)
    if are_shown:
        assert (status, "vivavoce_sessions_open 0" in body) == (200, True)
    else:
        assert status == 403
        assert "--public-status" in json.loads(body)["error"]
        assert "vivavoce_" not in body
    for path in ("/readyz", "/v3/health"):
        status, body = get(options, path, client, headers)
        assert (status, json.loads(body)["status"]) == (200, "ready")  # what a load balancer needs
        assert ("sessions" in json.loads(body)) is are_shown


@pytest.mark.parametrize("options", [{}, PUBLIC, OPEN])
def test_liveness_and_the_page_that_says_what_this_is_are_for_everyone(options):
    assert get(options, "/healthz", ELSEWHERE) == (200, '{"status":"ok"}')
    status, body = get(options, "/", ELSEWHERE)
    assert (status, body.startswith("Vivavoce ")) == (200, True)


def test_a_server_is_not_ready_before_its_second_model_is_loaded():
    for path in ("/readyz", "/v3/health"):
        status, body = get({}, path, HERE, reviser=ScriptedRecogniser)
        assert (status, json.loads(body)["status"]) == (503, "loading")
    status, body = get({}, "/healthz", HERE, reviser=ScriptedRecogniser)
    assert (status, json.loads(body)["status"]) == (200, "ok")


@pytest.mark.parametrize(("key", "status"), [("admin", 200), ("alice", 403), ("off", 403), (None, 403)])
def test_of_the_keys_in_a_store_only_those_of_administrators_see_figures(tmp_path, key, status):
    with KeyStore(tmp_path / "keys.db") as store:
        keys = {"admin": store.add("root", is_admin=True), "alice": store.add("alice")}
        keys["off"] = store.add("off", is_admin=True)
        store.change("off", is_on=False)
    options = {"host": "0.0.0.0", "key_store": tmp_path / "keys.db"}
    headers = [("Authorization", f"Bearer {keys[key]}")] if key else []
    assert get(options, "/metrics", ELSEWHERE, headers)[0] == status
