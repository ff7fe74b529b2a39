"""Addresses of servers, and the headers of requests."""

import pytest

from vivavoce.client.address import Address, request_headers
from vivavoce.errors import ConfigurationError


@pytest.mark.parametrize(
    ("base_url", "websocket", "http"),
    [
        ("ws://127.0.0.1:8765", "ws://127.0.0.1:8765/p?a=b+c", "http://127.0.0.1:8765/p"),
        ("http://Example.org", "ws://example.org/p?a=b+c", "http://example.org/p"),
        ("https://example.org/asr/", "wss://example.org/asr/p?a=b+c", "https://example.org/asr/p"),
        ("wss://[::1]:1", "wss://[::1]:1/p?a=b+c", "https://[::1]:1/p"),
    ],
)
def test_every_scheme_serves_both_protocols(base_url, websocket, http):
    address = Address.parse(base_url)
    assert address.websocket_url("/p", [("a", "b c")]) == websocket
    assert address.http_url("/p") == http


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("[::1]", True),
        ("127.8.9.1", True),
        ("10.0.0.1", False),
        ("a.b", False),
    ],
)
def test_loopback_is_known(host, loopback):
    assert Address.parse(f"ws://{host}:1").is_loopback is loopback


@pytest.mark.parametrize(
    "base_url",
    ["127.0.0.1:8765", "ftp://a", "ws://", "ws://a:x", "ws://u:secret@a", "ws://a?token=secret", "http://["],
)
def test_the_error_of_an_invalid_address_has_no_secrets(base_url):
    with pytest.raises(ConfigurationError, match="base_url") as caught:
        Address.parse(base_url)
    assert "secret" not in str(caught.value)


def test_the_error_of_an_invalid_key_has_no_secrets():
    assert request_headers(None) == request_headers("") == {}
    assert request_headers(" k \n") == {"Authorization": "k"}
    with pytest.raises(ConfigurationError) as caught:
        request_headers("secret\r\nX: y")
    assert "secret" not in str(caught.value)
