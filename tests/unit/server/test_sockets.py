"""Which addresses a server listens on."""

import errno
import socket

import pytest

from vivavoce.errors import ServerError
from vivavoce.server import sockets as module
from vivavoce.server.sockets import listen, urls_of

V4, V6 = (socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_INET6, ("::1", 0, 0, 0))


@pytest.fixture
def resolves(monkeypatch):
    """Sets the addresses that any name has."""

    def to(*addresses):
        found = [(family, socket.SOCK_STREAM, 6, "", address) for family, address in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    return to


@pytest.fixture
def opened():
    everything = []

    def open_(host, port):
        everything.extend(found := listen(host, port))
        return found

    yield open_
    for sock in everything:
        sock.close()


def reached(sockets):
    """The addresses that take a connection."""
    for sock in sockets:
        with socket.socket(sock.family) as client:
            client.connect(sock.getsockname())
    return [sock.getsockname()[0] for sock in sockets]


@pytest.mark.parametrize("addresses", [(V6, V4), (V4, V6), (V4, V4, V6)])
def test_a_name_of_both_families_is_served_on_both(resolves, opened, addresses):
    resolves(*addresses)
    sockets = opened("localhost", 0)
    assert sorted(reached(sockets)) == ["127.0.0.1", "::1"]
    (port,) = {sock.getsockname()[1] for sock in sockets}
    assert sorted(urls_of(sockets, "ws")) == [f"ws://127.0.0.1:{port}", f"ws://[::1]:{port}"]


@pytest.mark.parametrize("missing", [errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT])
@pytest.mark.parametrize("addresses", [(V6, V4), (V4, V6)])
def test_an_address_that_the_machine_lacks_is_left_out(resolves, opened, monkeypatch, missing, addresses):
    def without_v6(family, address, *, alone):
        if family == socket.AF_INET6:
            raise OSError(missing, "no IPv6 here")
        return listen_on(family, address, alone=alone)

    listen_on = module._listen_on
    monkeypatch.setattr(module, "_listen_on", without_v6)
    resolves(*addresses)
    assert reached(opened("localhost", 0)) == ["127.0.0.1"]
    resolves(V6)
    with pytest.raises(ServerError, match="cannot listen on localhost:0"):
        listen("localhost", 0)


def test_no_address_of_this_machine():
    with pytest.raises(ServerError, match=r"cannot listen on 192\.0\.2\.1:0: .*check --host"):
        listen("192.0.2.1", 0)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "", "a..b", "-", "ws://localhost", "x" * 300])
def test_a_name_without_address_is_one_line(host):
    with pytest.raises(ServerError, match=r"^cannot listen on .*check --host$"):
        listen(host, 0)


@pytest.mark.parametrize("taken", [V4, V6])
def test_a_port_that_is_taken_on_one_address_is_reported_and_nothing_stays_open(resolves, monkeypatch, taken):
    opened = []

    def noted(family, address, *, alone):
        opened.append(listen_on(family, address, alone=alone))
        return opened[-1]

    listen_on = module._listen_on
    monkeypatch.setattr(module, "_listen_on", noted)
    with socket.socket(taken[0]) as other:
        other.bind(taken[1])
        other.listen()
        port = other.getsockname()[1]
        resolves(V4, V6)
        with pytest.raises(ServerError, match=f"port {port} on localhost is taken"):
            listen("localhost", port)
    assert len(opened) == (taken is V6)
    assert all(sock.fileno() == -1 for sock in opened)


def test_any_port_is_one_that_is_free_on_each_address(resolves, opened, monkeypatch):
    """The first port that the system offers is taken on the other address."""
    others = []

    def taken_once(family, address, *, alone):
        if family == socket.AF_INET6 and not others:
            others.append(socket.socket(socket.AF_INET6))
            others[0].bind(("::1", address[1]))
            others[0].listen()
        return listen_on(family, address, alone=alone)

    listen_on = module._listen_on
    monkeypatch.setattr(module, "_listen_on", taken_once)
    resolves(V4, V6)
    sockets = opened("localhost", 0)
    assert sorted(reached(sockets)) == ["127.0.0.1", "::1"]
    assert others[0].getsockname()[1] != sockets[0].getsockname()[1]
    others[0].close()


def test_a_privileged_port(monkeypatch):
    def refuse(family, address, *, alone):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(module, "_listen_on", refuse)
    with pytest.raises(
        ServerError, match=r"this user may not open port 80 on 127\.0\.0\.1: choose one above 1023"
    ):
        listen("127.0.0.1", 80)


def test_all_addresses_of_both_families(opened):
    (sock,) = opened("::", 0)
    port = sock.getsockname()[1]
    for address in ("127.0.0.1", "::1"):
        socket.create_connection((address, port), 60).close()
