"""Which web pages may use a server."""

from __future__ import annotations

import pytest

from vivavoce.server.access import OriginPolicy

LOCAL = OriginPolicy(host="127.0.0.1", has_keys=False)
PUBLIC = OriginPolicy(host="0.0.0.0", has_keys=False)
KEYED = OriginPolicy(host="0.0.0.0", has_keys=True)


@pytest.mark.parametrize(
    ("policy", "origin", "host", "may_open"),
    [
        (LOCAL, None, "localhost:8000", True),
        (LOCAL, "http://localhost:8000", "localhost:8000", True),
        (LOCAL, "http://127.0.0.1:3000", "127.0.0.1:8000", True),
        (LOCAL, "http://[::1]:8000", "[::1]:8000", True),
        (LOCAL, "https://evil.example", "127.0.0.1:8000", False),
        (LOCAL, "http://evil.example:8000", "evil.example:8000", False),  # a name that points here
        (LOCAL, "http://localhost.evil.example", "127.0.0.1:8000", False),
        (LOCAL, "http://app.localhost:3000", "localhost:8000", True),  # of this machine, says RFC 6761
        (LOCAL, "http://evillocalhost", "127.0.0.1:8000", False),
        (LOCAL, "null", "127.0.0.1:8000", False),
        (LOCAL, "", "127.0.0.1:8000", False),
        (LOCAL, "http://[::1", "127.0.0.1:8000", False),
        (PUBLIC, "http://[::1", "[::1", False),
        (PUBLIC, "", "", False),
        (PUBLIC, "http://captions.example:8000", "captions.example:8000", True),
        (PUBLIC, "http://captions.example", "captions.example:8000", False),
        (PUBLIC, "null", "captions.example:8000", False),
        (PUBLIC, "https://evil.example", "captions.example:8000", False),
        (KEYED, "https://evil.example", "captions.example", True),
    ],
)
def test_a_page_of_another_site_opens_no_session_without_a_key(policy, origin, host, may_open):
    assert policy.may_open_session(origin, host) is may_open


def test_a_key_does_not_let_foreign_pages_read_rooms():
    assert not KEYED.may_read("https://evil.example", "captions.example")
    assert KEYED.may_read("https://captions.example", "captions.example")


def test_listed_origins_may_do_both():
    policy = OriginPolicy(("https://Example.org/",), host="127.0.0.1", has_keys=False)
    assert policy.may_open_session("https://example.org", "127.0.0.1:8000")
    assert policy.may_read("https://example.org", "127.0.0.1:8000")
    assert not policy.may_read("https://example.org.evil.example", "127.0.0.1:8000")
    assert OriginPolicy(("*",), host="127.0.0.1", has_keys=False).may_read("null", None)


@pytest.mark.parametrize(
    ("policy", "host", "may_read"),
    [
        (LOCAL, "localhost:8765", True),
        (LOCAL, "127.0.0.1:8765", True),
        (LOCAL, "[::1]:8765", True),
        (LOCAL, "LOCALHOST", True),
        (LOCAL, "localhost.:8765", True),
        (LOCAL, "vivavoce.localhost:8765", True),
        (LOCAL, None, True),
        (LOCAL, "evil.example:8765", False),
        (LOCAL, "localhost.evil.example:8765", False),
        (LOCAL, "[::1", False),
        (LOCAL, "", False),
        (PUBLIC, "captions.example", True),
        (KEYED, "captions.example", True),
        (OriginPolicy(host="127.0.0.1", has_keys=True), "captions.example", True),  # behind a proxy
        (OriginPolicy(("https://captions.example",), host="::1", has_keys=False), "captions.example", True),
        (OriginPolicy(("https://captions.example",), host="::1", has_keys=False), "evil.example", False),
        (OriginPolicy(("*",), host="::1", has_keys=False), "evil.example", True),
    ],
)
def test_a_page_whose_name_was_made_to_point_here_reads_nothing(policy, host, may_read):
    """Its requests go to its own origin, so that the browser sends no Origin with them."""
    assert policy.may_read(None, host) is may_read
