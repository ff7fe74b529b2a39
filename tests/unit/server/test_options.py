from pathlib import Path

import pytest

from vivavoce.errors import ConfigurationError, ServerError
from vivavoce.server import ServerOptions


def test_a_public_address_needs_keys_or_no_auth():
    with pytest.raises(ServerError, match="--no-auth"):
        ServerOptions(host="0.0.0.0").check()
    ServerOptions(host="0.0.0.0", api_keys=("k",)).check()
    ServerOptions(host="0.0.0.0", no_auth=True).check()
    ServerOptions().check()


def test_an_unknown_status_after_a_key_stops_the_start():
    with pytest.raises(ConfigurationError, match="nofunds"):
        ServerOptions(api_keys=("one", "two nofunds")).check()


def test_an_anonymous_client_of_a_public_server_has_no_webhooks():
    assert ServerOptions().may_post
    assert ServerOptions(host="0.0.0.0", api_keys=("k",)).may_post
    assert not ServerOptions(host="0.0.0.0", no_auth=True).may_post
    assert not ServerOptions(webhooks=False).may_post


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tls_self_signed": True, "tls_cert": Path("c.pem")}, "neither --tls-cert nor"),
        ({"tls_key": Path("k.pem")}, "--tls-key needs --tls-cert"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, said):
    with pytest.raises(ConfigurationError, match=said):
        ServerOptions(**options).check()
