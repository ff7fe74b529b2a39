"""Temporary tokens over HTTP, and the sessions they open."""

import json
import time
import urllib.error
import urllib.request

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from support.servers import scripted_server
from support.time_limit import HANG_S


@pytest.fixture(scope="module")
def server():
    with scripted_server(api_keys=("secret",)) as it:
        yield it


def ask(server, path, body=None, key="secret"):
    headers = {} if key is None else {"Authorization": key}
    request = urllib.request.Request(server.base_url.replace("ws", "http", 1) + path, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=HANG_S) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def first(server, path, **headers):
    """The first message of a session, and the close code if it is closed at once."""
    with connect(server.base_url + path, compression=None, additional_headers=headers) as socket:
        message = json.loads(socket.recv(timeout=HANG_S))
        if "error" not in message:
            return message, None
        with pytest.raises(ConnectionClosed) as caught:
            socket.recv(timeout=HANG_S)
        return message, caught.value.rcvd.code


def test_a_v2_token_opens_one_session(server):
    status, body = ask(server, "/v2/realtime/token", b'{"expires_in":60}')
    assert (status, list(body)) == (200, ["token"])
    path = f"/v2/realtime/ws?sample_rate=16000&token={body['token']}"
    assert first(server, path)[0]["message_type"] == "SessionBegins"
    message, code = first(server, path)
    assert (message, code) == ({"error": "Not Authorized: the token was used before"}, 4001)


@pytest.mark.parametrize("where", ["query", "header"])
def test_a_v3_token_opens_one_session_and_ends_it_in_time(server, where):
    status, body = ask(server, "/v3/token?expires_in_seconds=60&max_session_duration_seconds=60")
    assert (status, body["expires_in_seconds"]) == (200, 60)
    path, headers = "/v3/ws", {"Authorization": body["token"]}
    if where == "query":
        path, headers = f"/v3/ws?token={body['token']}", {}
    before = time.time()
    begin, _ = first(server, path, **headers)
    assert begin["type"] == "Begin"
    assert before - 1 <= begin["expires_at"] - 60 <= time.time() + 1  # seconds are rounded
    message, code = first(server, path, **headers)
    assert (message["error_code"], code) == (1008, 1008)
    assert message["error"] == "Unauthorized Connection: the token was used before"


def test_an_expired_token_is_refused(server):
    token = server._server.service.admission.tokens.issue(expires_in_s=60, unix_now=0)
    assert first(server, f"/v3/ws?token={token}")[1] == 3008
    assert first(server, f"/v2/realtime/ws?sample_rate=16000&token={token}")[1] == 4001


@pytest.mark.parametrize(
    ("path", "body", "key", "status", "said"),
    [
        ("/v2/realtime/token", b'{"expires_in":60}', None, 401, "Missing Authorization header"),
        ("/v2/realtime/token", b'{"expires_in":60}', "wrong", 401, "not valid"),
        ("/v2/realtime/token", b'{"expires_in":1}', "secret", 400, "60..360000"),
        ("/v2/realtime/token", b"nonsense", "secret", 400, "not JSON"),
        ("/v2/realtime/token", b" " * 5_000, "secret", 400, "longer than"),
        ("/v3/token?expires_in_seconds=60", None, None, 401, "Missing Authorization header"),
        ("/v3/token", None, "secret", 400, "expires_in_seconds is missing"),
        ("/v3/token?expires_in_seconds=601", None, "secret", 400, "601"),
    ],
)
def test_a_bad_request_says_what_is_wrong(server, path, body, key, status, said):
    code, answer = ask(server, path, body, key)
    assert code == status
    assert said in answer["error"]
