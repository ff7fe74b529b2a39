"""The server over TLS, and our own client, which needs to know the certificate."""

import contextlib
import json
import logging
import socket
import ssl
import urllib.request

import pytest
from websockets.sync.client import connect

from support.scripted_engine import pcm, silence, speech
from support.servers import scripted_server
from support.time_limit import HANG_S
from vivavoce import ConnectError, RealtimeFinalTranscript, RealtimeTranscriber, Settings
from vivavoce.cli.doctor_checks import Status, check_port
from vivavoce.client import Client
from vivavoce.client.temporary_tokens import create_token


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIVAVOCE_HOME", str(tmp_path_factory.mktemp("home")))
        with scripted_server(tls_self_signed=True) as it:
            it.wait_ready()
            yield it


@pytest.fixture
def trusted(server, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(server.ca_file))


def transcriber(server, received, **options):
    return RealtimeTranscriber(
        on_data=received.append,
        on_error=received.append,
        sample_rate=16_000,
        client=Client(settings=Settings(base_url=server.base_url)),
        **options,
    )


def test_our_client_accepts_a_certificate_that_it_is_configured_to_trust(server, trusted):
    received = []
    it = transcriber(server, received)
    it.connect()
    it.stream(pcm(silence(10)) + pcm(speech(0, 1)))
    it.close()
    assert server.base_url.startswith("wss://")
    assert [each.text for each in received if isinstance(each, RealtimeFinalTranscript)] == ["Alpha bravo."]


def test_it_refuses_any_other_and_says_what_to_do(server, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with pytest.raises(ConnectError, match=r"certificate of .* was not accepted.*SSL_CERT_FILE"):
        transcriber(server, []).connect()
    with pytest.raises(ConnectError, match=r"certificate of .* was not accepted.*SSL_CERT_FILE"):
        create_token(Settings(base_url=server.base_url), 60, 5.0)


def test_health_is_reported_over_tls(server, trusted):
    for path, status in (("/healthz", "ok"), ("/readyz", "ready")):
        with urllib.request.urlopen(server.base_url.replace("wss", "https") + path, timeout=HANG_S) as answer:
            assert json.load(answer)["status"] == status


def test_the_doctor_knows_a_server_that_speaks_tls(server):
    (found,) = check_port(int(server.base_url.rsplit(":", 1)[1]))
    assert found.status is Status.OK
    assert "ready, 0 sessions, TLS" in found.detail


def test_the_other_protocol_too(server):
    context = ssl.create_default_context(cafile=server.ca_file)
    with connect(f"{server.base_url}/v3/ws?sample_rate=16000", ssl=context, compression=None) as it:
        assert json.loads(it.recv(timeout=HANG_S))["type"] == "Begin"


def test_nothing_comes_over_tls_before_the_client_has_spoken(server):
    # Tickets would: a threaded client takes them in while it writes its request, and hangs now and then.
    context = ssl.create_default_context(cafile=server.ca_file)
    host, port = server.base_url.removeprefix("wss://").split(":")
    with (
        socket.create_connection((host, int(port)), timeout=HANG_S) as plain,
        context.wrap_socket(plain, server_hostname=host) as it,
    ):
        it.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        while it.recv(1 << 16):
            pass
        assert it.version() == "TLSv1.3"
        assert it.session is None or not it.session.has_ticket


def read_to_the_end(connection):
    """Return once the server has closed the connection."""
    with contextlib.suppress(ConnectionResetError):
        while connection.recv(1 << 16):
            pass


def test_what_is_no_handshake_leaves_no_traceback_and_the_server_goes_on(server, trusted, caplog):
    caplog.set_level(logging.DEBUG)
    host, port = server.base_url.removeprefix("wss://").split(":")
    untrusting = ssl.create_default_context(cafile=server.ca_file)
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b""):
        with socket.create_connection((host, int(port)), timeout=HANG_S) as it:
            it.sendall(data)
            it.shutdown(socket.SHUT_WR)
            read_to_the_end(it)
    with socket.create_connection((host, int(port)), timeout=HANG_S) as it, it.dup() as same:
        with pytest.raises(ssl.SSLCertVerificationError):
            untrusting.wrap_socket(it, server_hostname="elsewhere.example")
        same.shutdown(socket.SHUT_WR)
        read_to_the_end(same)
    test_health_is_reported_over_tls(server, trusted)
    assert not [each for each in caplog.records if each.exc_info or each.levelno >= logging.ERROR]


def test_a_certificate_that_can_not_be_used_stops_the_start(tmp_path):
    from vivavoce.errors import ServerError

    with (
        pytest.raises(ServerError, match=r"none\.pem: no such file"),
        scripted_server(tls_cert=tmp_path / "none.pem"),
    ):
        pass
