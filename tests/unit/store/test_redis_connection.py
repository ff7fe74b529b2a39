"""Addresses of a Redis: which are valid, and that no password shows."""

from __future__ import annotations

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.store import check_redis_url, shown_redis_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost", "redis://localhost:6379/0"),
        ("redis://user:secret@10.0.0.5:7000/2", "redis://10.0.0.5:7000/2"),
        ("rediss://:secret@shared.example/?ssl_ca_certs=ca.pem", "rediss://shared.example:6379/0"),
        ("redis://:se%2Fcret@[2001:db8::1]:1/0", "redis://[2001:db8::1]:1/0"),
        ("redis://localhost?password=secret", "redis://localhost:6379/0"),
        ("unix:///run/redis.sock?db=1&password=secret", "unix:///run/redis.sock"),
        ("unix://user:secret@/run/redis.sock", "unix:///run/redis.sock"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url, shown):
    check_redis_url(url)
    assert shown_redis_url(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "",
        "secret",
        "localhost:6379",
        "http://:secret@localhost",
        "redis://",
        "redis://:secret@",
        "redis://:sec/secret@localhost",
        "redis://:sec#secret@localhost",
        "redis://:[secret@localhost",
        "redis://localhost:secret",
        "redis://localhost:0",
        "redis://localhost/secret",
        "redis://localhost/0#secret",
        "unix://",
        "secret://localhost",
    ],
)
def test_what_is_no_address_is_refused_without_showing_it(url):
    with pytest.raises(ConfigurationError, match=r"--redis must be redis://HOST:PORT/DATABASE") as caught:
        check_redis_url(url)
    assert "secret" not in str(caught.value).replace("secret://...", "")
