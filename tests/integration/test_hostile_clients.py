"""Clients that break the rules, over real sockets: each is refused, and costs the others nothing."""

import contextlib
import json
import logging
import socket
from typing import ClassVar
from urllib.parse import quote

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect

from support.scripted_engine import pcm, speech
from support.servers import log_of_the_server, scripted_server
from support.time_limit import HANG_S, wait_until
from vivavoce.server import bounded_socket

V2 = "/v2/realtime/ws?sample_rate=16000"
V3 = "/v3/ws?format_turns=true"
END = '{"type": "Terminate"}'
both = pytest.mark.parametrize("path", [V2, V3], ids=["v2", "v3"])


@pytest.fixture(scope="module")
def server():
    with scripted_server() as it:
        it.wait_ready()
        yield it


def upgrade(path):
    return (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def frame(opcode, data=b"", *, fin=True):
    return Frame(opcode, data, fin=fin).serialize(mask=True)


def raw_client(server):
    return socket.create_connection(("127.0.0.1", int(server.base_url.rpartition(":")[2])), HANG_S)


def read_all(peer):
    data = b""
    try:
        while part := peer.recv(65_536):
            data += part
    except OSError:
        pass
    return data


def close_of(server, path):
    """The error and the code of a session that is refused; None: it begins."""
    with connect(server.base_url + path, compression=None) as peer:
        first = json.loads(peer.recv(timeout=HANG_S))
        if "error" not in first:
            return None
        with pytest.raises(ConnectionClosed) as closed:
            peer.recv(timeout=HANG_S)
        return first["error"], closed.value.rcvd.code


def serves(server):
    with connect(server.base_url + V3, compression=None) as peer:
        peer.send(pcm(speech(0, 1))[:32_000])
        peer.send(END)
        while json.loads(peer.recv(timeout=HANG_S))["type"] != "Termination":
            pass
    return True


FAILING = {
    "nonsense": frame(Opcode.TEXT, b"nonsense"),
    "no UTF-8": frame(Opcode.TEXT, b"\xff"),
    "too long": frame(Opcode.BINARY, bytes(200_001)),
    "end": frame(Opcode.TEXT, END.encode()),
}
BROKEN = {
    "unknown opcode": b"\x83\x80\0\0\0\0",
    "close": frame(Opcode.CLOSE, b"\x03\xe8"),
    "broken close": frame(Opcode.CLOSE, b"\0"),
    "no UTF-8": frame(Opcode.TEXT, b"\xff"),
    "two beginnings": frame(Opcode.TEXT, b"a", fin=False) + frame(Opcode.TEXT, b"b", fin=False),
    "noise": b"\xff" * 50,
    "nothing": b"",
}


@both
@pytest.mark.parametrize("fails", FAILING)
def test_a_fault_after_a_fault_is_no_error_of_the_server(server, path, fails, caplog):
    caplog.set_level(logging.INFO)
    for then in BROKEN.values():
        for first in (upgrade(path) + FAILING[fails] + then, upgrade(path)):
            with raw_client(server) as peer:
                with contextlib.suppress(OSError):
                    peer.sendall(first)
                if not first.endswith(then) or not then:
                    while b"\r\n\r\n" not in peer.recv(65_536):
                        pass
                    with contextlib.suppress(OSError):  # it is closed before all of it is sent
                        peer.sendall(FAILING[fails] + then)
                with contextlib.suppress(OSError):
                    peer.shutdown(socket.SHUT_WR)
                read_all(peer)
    wait_until(lambda: not server._server.service.connections)
    records, text = log_of_the_server(caplog)
    assert "Traceback" not in text
    assert not [record for record in records if record.levelno > logging.INFO]


@both
def test_a_client_that_does_not_wait_for_the_handshake_is_served(server, path):
    with raw_client(server) as peer:
        peer.sendall(upgrade(path) + FAILING["end"] + frame(Opcode.CLOSE, b"\x03\xe8"))
        assert read_all(peer).endswith(b"\x88\x02\x03\xe8")


@pytest.mark.parametrize(
    "sent",
    [
        frame(Opcode.PING, b"x" * 125) * 2_000,
        frame(Opcode.BINARY, fin=False) + frame(Opcode.CONT, fin=False) * 2_000,
        frame(Opcode.BINARY, fin=False) + frame(Opcode.CONT, bytes(128), fin=False) * 2_000,
    ],
    ids=["pings", "empty fragments", "endless message"],
)
def test_floods_of_frames_end_with_a_code_and_a_line(server, sent, caplog):
    caplog.set_level(logging.INFO)
    with raw_client(server) as peer:
        peer.sendall(upgrade(V3))
        while b"\r\n\r\n" not in peer.recv(65_536):
            pass
        with contextlib.suppress(OSError):  # it is closed before all of it is sent
            peer.sendall(sent)
        read_all(peer)
    wait_until(lambda: "client 127.0.0.1 closed with 1008: " in caplog.text)
    assert serves(server)


def test_a_client_that_takes_nothing_is_counted_as_a_slow_reader(monkeypatch):
    monkeypatch.setattr(bounded_socket, "STALL_S", 0.2)
    made = bounded_socket.BoundedWebSocket.connection_made

    def with_little_room(protocol, transport):
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        made(protocol, transport)

    monkeypatch.setattr(bounded_socket.BoundedWebSocket, "connection_made", with_little_room)
    with scripted_server() as server:
        server.wait_ready()
        with socket.socket() as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            peer.settimeout(HANG_S)
            peer.connect(("127.0.0.1", int(server.base_url.rpartition(":")[2])))
            peer.sendall(upgrade(V3))
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                answer += peer.recv(1)
            with contextlib.suppress(OSError):  # it is dropped before all of it is sent
                peer.sendall(frame(Opcode.PING, b"x" * 125) * 900)
            service = server._server.service
            wait_until(lambda: not service.connections)
            assert service.metrics._dropped == {"left": 0, "slow_reader": 1}
            assert service.metrics._ended["slow_reader"] == 1


DEEP = "[" * 976 + "]" * 976
HUGE = ["1" * 310, "-" + "1" * 310, "1e400", "1" * 5_000, DEEP, '{"a":' * 976 + "1" + "}" * 976]


@both
@pytest.mark.parametrize(
    "value", HUGE, ids=["310 digits", "negative", "exponent", "5000 digits", "list", "object"]
)
def test_values_of_any_size_are_refused_with_the_code_of_a_wrong_message(server, path, value, caplog):
    caplog.set_level(logging.INFO)
    for name in ("end_of_turn_confidence_threshold", "min_turn_silence", "vad_threshold", "keyterms_prompt"):
        for message in (
            f'{{"type": "UpdateConfiguration", "{name}": {value}}}',
            f'{{"end_utterance_silence_threshold": {value}}}',
        ):
            with (
                connect(server.base_url + path, compression=None) as peer,
                contextlib.suppress(ConnectionClosed),
            ):
                peer.send(message)
                for _ in peer:
                    pass
            assert peer.close_code in ({4100, 4101} if path == V2 else {3006})
    assert "Error" not in log_of_the_server(caplog)[1]


def _ogg_page(packets, sequence, *, first=False):
    head = b"OggS\0" + bytes([2 if first else 0]) + bytes(12) + sequence.to_bytes(4, "little") + bytes(4)
    return head + bytes([len(packets)]) + bytes(map(len, packets)) + b"".join(packets)


def test_hours_of_nothing_in_one_message_are_not_decoded(server):
    pytest.importorskip("av")
    header = b"OpusHead\x01\x01" + bytes(2) + (48_000).to_bytes(4, "little") + bytes(3)
    empty = bytes([31 << 3 | 3, 6])  # 120 ms without content; RFC 6716, section 3.2
    message = _ogg_page([header], 0, first=True) + _ogg_page([b"OpusTags" + bytes(8)], 1)
    for sequence in range(2, 162):
        message += _ogg_page([empty] * 255, sequence)
    with connect(server.base_url + V3 + "&encoding=ogg_opus", compression=None) as peer:
        peer.send(message)  # 4,896 s
        with contextlib.suppress(ConnectionClosed):
            for message in peer:
                last = json.loads(message)
        assert peer.close_code == 3007
    received_s = float(last["error"].partition("Received ")[2].split()[0])
    assert 60 < received_s < 120  # 60 s are allowed


def test_a_connection_too_many_is_refused_at_once(caplog):
    caplog.set_level(logging.INFO)
    with scripted_server() as server:
        gate = server._server.service.gate
        wait_until(lambda: gate.n_open == 0)
        gate.in_all = 2
        with raw_client(server), raw_client(server):
            wait_until(lambda: gate.n_open == 2)
            with raw_client(server) as third:
                head, _, body = read_all(third).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503 ")
            assert b"Retry-After: " in head
            assert json.loads(body)["error"].startswith("the server has 2 connections")
        wait_until(lambda: gate.n_open == 0)
        assert serves(server)
        wait_until(lambda: gate.n_open == 0)
    assert "refused 127.0.0.1 a request with 503: the server has 2 connections" in caplog.text


def test_those_who_are_refused_together_come_again_at_different_times():
    with scripted_server(max_sessions=1) as server:
        server.wait_ready()
        with connect(server.base_url + V3) as peer:
            peer.recv(timeout=HANG_S)
            waits = set()
            for _ in range(40):
                with raw_client(server) as other:
                    other.sendall(upgrade(V3))
                    head = read_all(other).partition(b"\r\n\r\n")[0].decode().lower()
                waits.add(int(head.partition("retry-after: ")[2].split()[0]))
    assert len(waits) > 2
    assert min(waits) > 0


@pytest.mark.parametrize("host", ["127.0.0.1:9", "localhost", "2130706433", "0x7f.1", "10.0.0.1", "[::1]"])
def test_webhooks_do_not_reach_the_networks_of_the_server(host):
    with scripted_server(webhooks=True) as server:
        error, code = close_of(server, f"{V3}&webhook_url={quote(f'http://{host}/a')}")
        assert code == 3006
        assert "webhook_url: " in error


def test_webhooks_are_for_servers_with_keys_unless_the_operator_says_more(server, monkeypatch):
    monkeypatch.setattr("vivavoce.server.webhooks.Deliveries.add", lambda *_: None)
    hook = f"{V3}&webhook_url={quote('https://example.org/')}"
    assert "sends no webhooks" in close_of(server, hook)[0]
    with scripted_server(webhooks=True) as other:
        assert close_of(other, hook) is None
        header = "&webhook_auth_header_name=Content-Length&webhook_auth_header_value=5"
        assert "Content-Length is set by the server" in close_of(other, hook + header)[0]


@both
def test_torn_connections_leave_nothing_behind(server, path):
    """A hundred, torn anywhere between the first byte and the end; a benchmark tears a thousand."""
    service, state = server._server.service, server._server.server_state
    whole = (
        upgrade(path) + frame(Opcode.BINARY, pcm(speech(0, 1))[:3_200]) * 4 + frame(Opcode.TEXT, END.encode())
    )
    for index in range(100):
        with raw_client(server) as peer:
            peer.sendall(whole[: index * len(whole) // 100])
            if index % 3 == 0:  # reset instead of closed
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    wait_until(lambda: not service.connections)
    wait_until(lambda: not state.connections)
    wait_until(lambda: not state.tasks)
    wait_until(lambda: service.gate.n_open == 0)
    assert service.engine.n_sessions == 0


def test_the_clients_of_a_proxy_are_limited_one_by_one():
    def connected(base_url, address):
        headers = {"X-Forwarded-For": address}
        return connect(base_url + V3, compression=None, additional_headers=headers)

    with scripted_server(max_connections_per_address=1) as server:
        server.wait_ready()
        with connected(server.base_url, "192.0.2.1"), connected(server.base_url, "192.0.2.2"):
            with pytest.raises(InvalidStatus) as caught:
                connected(server.base_url, "192.0.2.1")
            assert caught.value.response.status_code == 503
            assert int(caught.value.response.headers["Retry-After"]) > 0


class RecordedPace:
    """A pace that never waits, and notes what it was asked."""

    made: ClassVar = []

    def __init__(self, *, is_slow=False):
        self.is_slow, self.received = is_slow, []
        self.made.append(self)

    def wait_s(self, received_s, now):
        del now
        self.received.append(received_s)
        return 0.0


def read_to_the_end(peer):
    with contextlib.suppress(ConnectionClosed):
        while True:
            peer.recv(timeout=HANG_S)


@pytest.fixture
def paces(monkeypatch):
    monkeypatch.setattr("vivavoce.server.connection.ReadingPace", RecordedPace)
    monkeypatch.setattr(RecordedPace, "made", [])
    return RecordedPace.made


@both
def test_live_audio_is_read_at_a_pace(server, paces, path):
    with connect(server.base_url + path, compression=None) as peer:
        for _ in range(3):
            peer.send(bytes(32_000))
        peer.send(END if path == V3 else '{"terminate_session": true}')
        read_to_the_end(peer)
    (pace,) = paces
    assert pace.received[:3] == [1.0, 2.0, 3.0]


def test_a_recording_is_read_at_any_speed(server, paces):
    with connect(server.base_url + V3 + "&recording=true", compression=None) as peer:
        peer.send(bytes(32_000))
        peer.send(END)
        read_to_the_end(peer)
    assert paces == []


def test_a_client_that_sends_too_fast_again_and_again_is_read_slowly(paces):
    with scripted_server() as server:
        server.wait_ready()
        for _ in range(4):
            with connect(server.base_url + V3, compression=None) as peer:
                with contextlib.suppress(ConnectionClosed):
                    for _ in range(80):
                        peer.send(bytes(32_000))
                read_to_the_end(peer)
            assert peer.close_code == 3007
    assert [pace.is_slow for pace in paces] == [False, False, False, True]
