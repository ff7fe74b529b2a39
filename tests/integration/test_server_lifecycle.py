"""A server that is stopped, killed or given a new certificate under open sessions: no word is lost."""

import contextlib
import datetime as dt
import ipaddress
import json
import signal
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.sync.client import connect

import vivavoce
from support.scripted_engine import pcm, speech
from support.server_processes import CHUNKS, TERMINATE, TURNS, rest, server_process, talk_all, words_of
from support.time_limit import HANG_S, time_limit, wait_until

V3 = "/v3/ws?sample_rate=16000"


@pytest.fixture(autouse=True)
def limit():
    with time_limit(240):
        yield


# --- SIGTERM --------------------------------------------------------------------------------------


def test_sixteen_sessions_in_mid_sentence_get_their_finals(tmp_path):
    log = tmp_path / "log"
    with server_process(log=log, drain_s=0.0) as server, contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(connect(server.url + V3)) for _ in range(16)]
        for it in sockets:
            it.send(pcm(speech(0, 1)))
        for it in sockets:  # each has been heard
            while json.loads(it.recv(timeout=HANG_S))["type"] != "Turn":
                pass
        server.process.send_signal(signal.SIGTERM)
        for it in sockets:
            messages, code = rest(it)
            finals = [each for each in messages if each["type"] == "Turn" and each["end_of_turn"]]
            assert [each["transcript"].lower() for each in finals] == ["alpha bravo"]
            assert [each["type"] for each in messages].count("Termination") == 1
            assert messages[-1]["type"] == "Termination"
            assert code == 1000
        assert server.process.wait(HANG_S) == 0
    assert "Traceback" not in log.read_text()


def test_the_service_manager_hears_of_start_reload_and_stop(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(HANG_S)

        def told():
            """The next message that is no sign of life."""
            while (text := manager.recv(4_096).decode()) == "WATCHDOG=1":
                signs.append(text)
            return text.splitlines()[0]

        signs = []
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "20000"}
        with server_process(environment=environment) as server:
            assert told() == "READY=1"
            server.process.send_signal(signal.SIGHUP)
            assert [told(), told()] == ["RELOADING=1", "READY=1"]
            wait_until(lambda: signs or manager.recv(4_096) == b"WATCHDOG=1")
            server.process.send_signal(signal.SIGTERM)
            assert told() == "STOPPING=1"
            assert server.process.wait(HANG_S) == 0


# --- kill -9 --------------------------------------------------------------------------------------


def test_a_server_that_is_killed_and_started_again_costs_no_word():
    pauses = [len(CHUNKS) * n // 9 for n in range(1, 9)]  # in silence, within words, between turns
    with server_process() as server, contextlib.ExitStack() as stack:
        undisturbed = talk_all(server.url, lambda: None, pauses)

        def kill_and_restart():
            server.process.kill()
            server.process.wait(HANG_S)
            stack.enter_context(server_process(port=server.port))

        disturbed = talk_all(server.url, kill_and_restart, pauses)
    expected = words_of(undisturbed[0])
    assert len(expected) == sum(map(len, TURNS))
    for events, calm in zip(disturbed, undisturbed, strict=True):
        assert words_of(calm) == expected
        assert words_of(events) == expected
        assert sum(isinstance(event, vivavoce.ReconnectedEvent) for event in events) >= 1
        assert events[-1].code == 1000


# --- a new certificate ----------------------------------------------------------------------------


def write_certificate(folder):
    """Write a certificate for 127.0.0.1 and its key; returns its serial number."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=90))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for file, data in (("key.pem", private), ("cert.pem", made.public_bytes(serialization.Encoding.PEM))):
        (folder / "new").write_bytes(data)
        (folder / "new").chmod(0o600)
        (folder / "new").replace(folder / file)
    return made.serial_number


def serial_of(server):
    """The serial number of the certificate that a new handshake gets."""
    pem = ssl.get_server_certificate(("127.0.0.1", server.port), timeout=HANG_S)
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def test_a_certificate_is_renewed_under_eight_sessions(tmp_path):
    log = tmp_path / "log"
    first = write_certificate(tmp_path)
    files = {"tls_cert": str(tmp_path / "cert.pem"), "tls_key": str(tmp_path / "key.pem")}
    with server_process(log=log, **files) as server, contextlib.ExitStack() as stack:
        old = ssl.create_default_context(cafile=tmp_path / "cert.pem")
        sockets = [stack.enter_context(connect(server.url + V3, ssl=old)) for _ in range(8)]
        for it in sockets:
            it.send(pcm(speech(0, 1)))
        assert serial_of(server) == first
        second = write_certificate(tmp_path)
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: serial_of(server) == second)
        with connect(
            server.url + V3, ssl=ssl.create_default_context(cafile=tmp_path / "cert.pem")
        ) as newcomer:
            newcomer.send(TERMINATE)
            assert rest(newcomer)[1] == 1000
        for it in sockets:
            it.send(pcm(speech(2)))
            it.send(TERMINATE)
            messages, code = rest(it)
            finals = [each["transcript"] for each in messages if each.get("end_of_turn")]
            assert finals[-1].lower().startswith("alpha bravo charlie")
            assert code == 1000
        (tmp_path / "key.pem").write_text("not a key")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "not reloaded" in log.read_text())
        assert serial_of(server) == second
    assert "Traceback" not in log.read_text()
