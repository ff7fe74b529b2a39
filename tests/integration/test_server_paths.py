"""Handshakes that are refused and paths that are no WebSocket, over real sockets."""

import json
import logging
import urllib.error
import urllib.request

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from support.servers import log_of_the_server, scripted_server
from support.time_limit import HANG_S, wait_until
from vivavoce.version import __version__

V2, V3 = "/v2/realtime/ws", "/v3/ws"


@pytest.fixture(scope="module")
def server():
    with scripted_server() as it:
        it.wait_ready()
        yield it


def get(server, path, method="GET"):
    request = urllib.request.Request(server.base_url.replace("ws", "http", 1) + path, method=method)
    try:
        with urllib.request.urlopen(request, timeout=HANG_S) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers


def refusal(server, path):
    with pytest.raises(InvalidStatus) as caught, connect(server.base_url + path):
        pass
    return caught.value.response


@pytest.mark.parametrize("path", ["/v4/ws", "/v3", "/v2/realtime", "/ws", "/v3/ws/x", "/%2e%2e/v3/ws"])
def test_an_unknown_path_is_answered_with_the_known_ones(server, path, caplog):
    caplog.set_level(logging.INFO)
    response = refusal(server, path)
    assert response.status_code == 404
    for known in (V2, V3):
        assert known in json.loads(response.body)["error"]
    status, body, _ = get(server, path)
    assert (status, json.loads(body)) == (404, json.loads(response.body))
    records, text = log_of_the_server(caplog)
    assert "refused 127.0.0.1 a WebSocket with 404" in text
    assert not [record for record in records if record.levelno > logging.INFO]


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("/", "Begin"), ("", "Begin"), ("/v3/ws/", "Begin"), ("//v3/ws", "Begin"),
        ("/v2/realtime/ws/?sample_rate=16000", "SessionBegins"),
        ("//v2//realtime/ws?sample_rate=8000", "SessionBegins"),
    ],
)  # fmt: skip
def test_other_spellings_of_a_path_work(server, path, first):
    with connect(server.base_url + path) as socket:
        begin = json.loads(socket.recv(timeout=HANG_S))
    assert begin.get("type", begin.get("message_type")) == first


@pytest.mark.parametrize("path", [V2, V3])
def test_plain_http_on_the_path_of_a_websocket_is_answered_with_426(server, path):
    status, body, headers = get(server, path + "?sample_rate=16000")
    assert (status, headers["Upgrade"]) == (426, "websocket")
    assert "connect with ws:// or wss://" in json.loads(body)["error"]


def test_the_root_says_what_this_is(server):
    status, body, headers = get(server, "/")
    assert (status, headers.get_content_type()) == (200, "text/plain")
    assert body.startswith(f"Vivavoce {__version__}: ")
    assert body.count("\n") == 1
    for path in (V2, V3):
        assert path in body


def test_the_vendors_health_paths_are_the_same(server):
    answers = [get(server, path)[:2] for path in ("/readyz", "/v3/health", "/v3/ws/health")]
    assert answers == [answers[0]] * 3
    assert answers[0][0] == 200


@pytest.mark.parametrize("path", [V2 + "?sample_rate=16000", V3, "/"])
def test_a_refused_handshake_is_one_line_of_our_own(path, caplog):
    caplog.set_level(logging.INFO)
    with scripted_server(max_sessions=1) as server:
        server.wait_ready()
        with connect(server.base_url + V3) as first:
            first.recv(timeout=HANG_S)
            caplog.clear()
            response = refusal(server, path)
            assert (response.status_code, response.headers["Retry-After"]) in {
                (503, str(seconds)) for seconds in range(3, 11)
            }
            wait_until(lambda: "503" in log_of_the_server(caplog)[1])
            refused = [record for record in caplog.records if "503" in record.getMessage()]
            assert len(refused) == 1
            expected = "refused 127.0.0.1 a WebSocket with 503: no new sessions: the server is full"
            assert refused[0].getMessage() == expected
            assert refused[0].levelno == logging.INFO
            assert refused[0].name in {"vivavoce.server.app", "vivavoce.server.http_protocol"}
    records, _ = log_of_the_server(caplog)
    assert not [record for record in records if record.levelno > logging.INFO]
