"""A URL whose scheme does not fit the server: the error names the one that does."""

import contextlib
import socket
import ssl
import threading

import pytest

import vivavoce
from support.isolation import clean_environment, limit  # noqa: F401  - applied to each test
from support.servers import scripted_server
from support.time_limit import HANG_S
from vivavoce import ConnectError, Settings
from vivavoce.cli.app import run
from vivavoce.client import Client, scheme_probe, transport
from vivavoce.client.temporary_tokens import create_token


@pytest.fixture(autouse=True)
def no_address_has_worked_before(monkeypatch):
    """Ports come again: another test may have had a connection to the same address."""
    monkeypatch.setattr(transport, "_worked", set())


@pytest.fixture(scope="module")
def plain():
    with scripted_server() as it:
        yield it.base_url.rpartition("/")[2]


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIVAVOCE_HOME", str(tmp_path_factory.mktemp("home")))
        with scripted_server(tls_self_signed=True) as it:
            yield it.base_url.rpartition("/")[2], it.ca_file


@contextlib.contextmanager
def serving(handle):
    """Serve each connection by ``handle(socket)``; yields the authority."""

    def accept():
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve_one, args=(peer,), daemon=True).start()

    def serve_one(peer):
        with contextlib.suppress(OSError), peer:
            peer.settimeout(HANG_S)
            handle(peer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def by_connect(url):
    vivavoce.connect(url=url, timeout_s=5.0)


def by_transcriber(url):
    client = Client(settings=Settings(base_url=url))
    vivavoce.RealtimeTranscriber(on_data=print, on_error=print, sample_rate=16_000, client=client).connect()


def by_token(url):
    create_token(Settings(base_url=url), 60, None)


CALLS = pytest.mark.parametrize("call", [by_connect, by_transcriber, by_token])


def message_of(call, url):
    with pytest.raises(ConnectError) as caught:
        call(url)
    assert caught.value.__suppress_context__
    return str(caught.value)


@CALLS
@pytest.mark.parametrize("scheme", ["wss", "https"])
def test_tls_with_a_server_without_it(plain, call, scheme):
    assert message_of(call, f"{scheme}://{plain}") == (
        f"the server at wss://{plain} does not use TLS: connect with ws://{plain}"
    )


@CALLS
@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_no_tls_with_a_server_that_uses_it(secure, call, scheme):
    assert message_of(call, f"{scheme}://{secure[0]}/prefix") == (
        f"the server at ws://{secure[0]}/prefix uses TLS: connect with wss://{secure[0]}/prefix"
    )


def test_the_command_line_says_so_in_one_line(plain, recording, capsys):
    assert run(["stream", recording, "--url", f"wss://{plain}"]) == 3
    assert capsys.readouterr().err == (
        f"vivavoce: the server at wss://{plain} does not use TLS: connect with ws://{plain}\n"
    )


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(
        b"RIFF\x24\x7d\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80>\0\0\0}\0\0\2\0\x10\0data\0}\0\0" + bytes(32_000)
    )
    return str(path)


# --- servers of other kinds -----------------------------------------------------------------------


def tls(ca_file, *, wants_certificate=False, answer=b""):
    """Return a server of TLS; what is not TLS gets an answer, and is disconnected."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca_file, ca_file.with_name("key.pem"))
    if wants_certificate:
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # the alert then comes within the handshake
        context.verify_mode = ssl.CERT_REQUIRED

    def handle(peer):
        if peer.recv(1, socket.MSG_PEEK) == b"\x16":
            with context.wrap_socket(peer, server_side=True) as encrypted:
                encrypted.recv(1)
        else:
            peer.recv(65_536)
            peer.sendall(answer)

    return handle


BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\nConnection: close\r\n\r\nplain"


@CALLS
@pytest.mark.parametrize("answer", [b"", BAD_REQUEST, b"\x15\x03\x01\x00\x02\x02\x46"])
@pytest.mark.parametrize("wants_certificate", [False, True])
def test_whatever_a_server_of_tls_answers(secure, call, answer, wants_certificate, monkeypatch):
    monkeypatch.setattr(scheme_probe, "_TIMEOUT_S", HANG_S)  # it answers at once, or the machine stands still
    handle = tls(secure[1], wants_certificate=wants_certificate, answer=answer)
    with serving(handle) as authority:
        assert message_of(call, f"ws://{authority}").endswith(f"uses TLS: connect with wss://{authority}")


def http(peer):
    """A server of HTTP that closes what it does not understand."""
    if peer.recv(4, socket.MSG_PEEK) == b"GET ":
        peer.sendall(BAD_REQUEST)


def reads_lines(peer):
    """A server of HTTP that waits for the end of each line."""
    if peer.recv(1, socket.MSG_PEEK) == b"\x16":
        while peer.recv(4096):
            pass
    else:
        peer.recv(4096)
        peer.sendall(BAD_REQUEST)


@pytest.mark.parametrize("handle", [http, reads_lines])
def test_whatever_a_server_of_http_answers(handle):
    with (
        serving(handle) as authority,
        pytest.raises(ConnectError, match=f"does not use TLS: connect with ws://{authority}"),
    ):
        vivavoce.connect(url=f"wss://{authority}", timeout_s=1.0)


@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.parametrize("banner", [b"SSH-2.0-OpenSSH_9.6\r\n", b"", b"220 mail ESMTP\r\n"])
def test_a_server_of_neither_is_not_blamed_on_the_scheme(monkeypatch, scheme, banner):
    monkeypatch.setattr(scheme_probe, "_TIMEOUT_S", 0.5)
    with serving(lambda peer: peer.sendall(banner)) as authority:
        message = message_of(by_connect, f"{scheme}://{authority}")
    assert "TLS" not in message
    is_answer = scheme == "ws" and banner
    said = "what answers at {} is not a server of this protocol (" if is_answer else "no server at {} ("
    assert message.startswith(said.format(f"{scheme}://{authority}"))
    assert "\n" not in message


def test_an_address_that_has_worked_is_not_tried_otherwise(plain, monkeypatch):
    """A reconnecting session must not open further connections."""
    monkeypatch.setattr(transport, "_worked", set())
    vivavoce.connect(url=f"ws://{plain}").close()
    assert transport._worked == {f"ws://{plain}"}
    monkeypatch.setattr(scheme_probe, "scheme_error", lambda *_: pytest.fail("it was tried"))
    with serving(lambda peer: None) as authority:
        transport._worked.add(f"ws://{authority}")
        assert message_of(by_connect, f"ws://{authority}").startswith(f"no server at ws://{authority} (")


def test_a_wrong_certificate_is_not_blamed_on_the_scheme(secure):
    assert "certificate" in message_of(by_connect, f"wss://{secure[0]}")
