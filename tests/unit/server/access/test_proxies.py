"""The address of a client whose requests come through proxies."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.time_limit import HANG_S, time_limit
from vivavoce.errors import ConfigurationError
from vivavoce.server.access import ForwardedClient, TrustedProxies

PROXY, OUTER, CLIENT, LIE = "127.0.0.1", "10.0.0.7", "192.0.2.9", "198.51.100.1"
PROXIES = TrustedProxies(["127.0.0.1", "10.0.0.0/8", "::1"])


def headers(*pairs):
    return [(name.encode(), value.encode()) for name, value in pairs]


def forwarded_for(*values):
    return headers(*(("x-forwarded-for", value) for value in values))


@pytest.mark.parametrize(
    ("peer", "sent", "address"),
    [
        (PROXY, [], PROXY),
        (PROXY, forwarded_for(CLIENT), CLIENT),
        (CLIENT, forwarded_for(LIE), CLIENT),  # anybody can write the header
        (PROXY, forwarded_for(f"{LIE}, {CLIENT}"), CLIENT),  # what the client wrote stands first
        (PROXY, forwarded_for(f"{LIE}, {CLIENT}, {OUTER}"), CLIENT),
        (PROXY, forwarded_for(LIE, f"{CLIENT},{OUTER}"), CLIENT),  # several headers are one list
        (PROXY, forwarded_for(f"{OUTER}, {PROXY}"), OUTER),  # a client among the proxies
        (PROXY, forwarded_for(f"{CLIENT}, unknown"), PROXY),
        (PROXY, forwarded_for(f"{CLIENT}, {OUTER}, nonsense\x00, {OUTER}"), OUTER),
        (PROXY, forwarded_for(""), PROXY),
        (PROXY, forwarded_for(f"{CLIENT}:5010"), CLIENT),
        (PROXY, forwarded_for("[2001:db8::1]:5010"), "2001:db8::1"),
        (PROXY, forwarded_for("2001:db8::1"), "2001:db8::1"),
        ("::ffff:127.0.0.1", forwarded_for(f"::ffff:{CLIENT}"), CLIENT),
        ("::1", forwarded_for(CLIENT), CLIENT),
        ("testclient", forwarded_for(CLIENT), "testclient"),
        (PROXY, headers(("forwarded", f"for={CLIENT};proto=https")), CLIENT),
        (PROXY, headers(("forwarded", f'for="{LIE}", for="{CLIENT}:80"; by=a')), CLIENT),
        (PROXY, headers(("forwarded", 'proto=https; For="[2001:db8::1]:4711"')), "2001:db8::1"),
        (PROXY, headers(("forwarded", f'for={CLIENT};host="a,for={LIE}"')), CLIENT),
        (PROXY, headers(("forwarded", f'host="a;for={LIE}";for={CLIENT}')), CLIENT),
        (PROXY, headers(("forwarded", f'host="a;for={LIE}"')), PROXY),
        (PROXY, headers(("forwarded", f'for="{LIE}, for={CLIENT}')), PROXY),  # without an end
        (PROXY, headers(("forwarded", f"for={CLIENT}, for=_hidden")), PROXY),
        (PROXY, headers(("forwarded", "proto=https")), PROXY),
        (PROXY, headers(("forwarded", f"for={LIE}"), ("x-forwarded-for", CLIENT)), CLIENT),
    ],
)
def test_the_address_is_the_last_that_no_trusted_proxy_has(peer, sent, address):
    assert PROXIES.address_of(peer, sent) == address


@pytest.mark.parametrize("part", ['\\"', "a", '"', ",", ";", "for=", " "])
def test_no_header_takes_longer_than_its_length_allows(part):
    """Quotation marks that were never closed took a minute of the event loop."""
    with time_limit(int(HANG_S)):
        assert PROXIES.address_of(PROXY, headers(("forwarded", '"' + part * 60_000))) == PROXY


def test_proxies_on_this_machine_are_trusted_unless_none_are():
    assert TrustedProxies().address_of(PROXY, forwarded_for(CLIENT)) == CLIENT
    assert TrustedProxies(["none"]).address_of(PROXY, forwarded_for(CLIENT)) == PROXY
    assert TrustedProxies([OUTER]).address_of(PROXY, forwarded_for(CLIENT)) == PROXY


@pytest.mark.parametrize("wrong", ["proxy.example", "10.0.0.0/40", "", "*"])
def test_what_is_no_network_is_refused(wrong):
    with pytest.raises(ConfigurationError, match="--trusted-proxy must be an address"):
        TrustedProxies([wrong])


@given(st.text(), st.text(), st.sampled_from(["x-forwarded-for", "forwarded"]))
def test_nothing_but_an_address_comes_out(written, also, name):
    """What a client writes gets into no line of the log, and never hides the client."""
    sent = [(name.encode(), value.encode()) for value in (written, also)]
    ipaddress.ip_address(PROXIES.address_of(PROXY, sent))
    last = [*sent, (name.encode(), (f"for={CLIENT}" if name == "forwarded" else CLIENT).encode())]
    if name != "forwarded" or '"' not in written + also:  # an open quotation swallows what follows
        assert PROXIES.address_of(PROXY, last) == CLIENT


def test_the_application_sees_the_client_of_the_proxy():
    seen = []

    async def app(scope, _receive, _send):
        seen.append(scope.get("client"))

    outer = ForwardedClient(app, PROXIES)
    for scope in (
        {"type": "http", "client": (PROXY, 5), "headers": forwarded_for(CLIENT)},
        {"type": "websocket", "client": (CLIENT, 5), "headers": forwarded_for(LIE)},
        {"type": "http", "client": None, "headers": []},
        {"type": "lifespan"},
    ):
        asyncio.run(outer(scope, None, None))
    assert seen == [(CLIENT, 0), (CLIENT, 5), None, None]


def test_a_client_of_a_proxy_that_has_too_many_requests_open_is_refused():
    open_requests, answers = [], []

    async def enter(address):
        open_requests.append(address)
        return None if open_requests.count(address) <= 1 else "too many"

    async def app(scope, receive, send):
        del scope, send
        answers.append("served")
        await receive()  # another request of the same client

    def refuse(reason):
        async def answer(scope, receive, send):
            del scope, receive, send
            answers.append(reason)

        return answer

    outer = ForwardedClient(app, PROXIES, enter=enter, leave=open_requests.remove, refuse=refuse)
    scope = {"type": "websocket", "client": (PROXY, 5), "headers": forwarded_for(CLIENT)}

    async def another():
        await outer(scope, None, None)

    asyncio.run(outer(scope, another, None))
    assert answers == ["served", "too many"]
    assert open_requests == []
