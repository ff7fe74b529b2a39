from pathlib import Path

import pytest

from vivavoce.errors import ConfigurationError, ServerError
from vivavoce.model_files import ChosenModel
from vivavoce.server import ServerOptions


def test_a_public_address_needs_keys_or_no_auth():
    with pytest.raises(ServerError, match="--no-auth"):
        ServerOptions(host="0.0.0.0").check()
    ServerOptions(host="0.0.0.0", api_keys=("k",)).check()
    ServerOptions(host="0.0.0.0", no_auth=True).check()
    ServerOptions(host="0.0.0.0", key_store=Path("keys.db")).check()
    ServerOptions(host="0.0.0.0", redis="redis://shared").check()
    ServerOptions().check()


def test_a_redis_keeps_keys_unless_there_are_to_be_none():
    assert ServerOptions(redis="redis://shared").needs_key
    assert not ServerOptions(redis="redis://shared", no_auth=True).needs_key
    assert ServerOptions(redis="redis://shared", no_auth=True, api_keys=("k",)).needs_key


def test_the_password_of_a_redis_is_not_shown():
    assert "secret" not in repr(ServerOptions(redis="redis://:secret@shared"))


def test_keys_are_kept_in_one_place():
    with pytest.raises(ConfigurationError, match="--redis and --key-store both keep API keys"):
        ServerOptions(redis="redis://shared", key_store=Path("keys.db")).check()


def test_an_unknown_status_after_a_key_stops_the_start():
    with pytest.raises(ConfigurationError, match="nofunds"):
        ServerOptions(api_keys=("one", "two nofunds")).check()


def test_an_anonymous_client_has_no_webhooks_unless_the_operator_wants_them_and_the_server_is_local():
    assert not ServerOptions().may_post
    assert ServerOptions(webhooks=True).may_post
    assert ServerOptions(host="0.0.0.0", api_keys=("k",)).may_post
    assert not ServerOptions(host="0.0.0.0", no_auth=True).may_post
    assert not ServerOptions(host="0.0.0.0", no_auth=True, webhooks=True).may_post
    assert ServerOptions(host="0.0.0.0", key_store=Path("keys.db")).may_post
    assert not ServerOptions(webhooks=False).may_post


def test_webhooks_that_would_not_be_sent_are_no_silent_option():
    with pytest.raises(ConfigurationError, match="--webhooks on a public address needs keys"):
        ServerOptions(host="0.0.0.0", no_auth=True, webhooks=True).check()
    ServerOptions(host="0.0.0.0", api_keys=("k",), webhooks=True).check()
    ServerOptions(webhooks=True).check()


def test_an_unknown_device_is_refused():
    with pytest.raises(ConfigurationError, match="--device must be cpu, cuda, auto, got 'tpu'"):
        ServerOptions(device="tpu").check()


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


@pytest.mark.parametrize("host", ["", "ws://localhost", "localhost:8765", "127.0.0.1/", "[::1]", "a b"])
def test_a_host_is_an_address_or_a_name(host):
    with pytest.raises(ConfigurationError, match=r"^--host must be an address or a name, got '"):
        ServerOptions(host=host).check()


@pytest.mark.parametrize("host", ["::1", "localhost", "127.0.0.1"])
def test_hosts_of_this_machine(host):
    ServerOptions(host=host).check()


@pytest.mark.parametrize("host", ["::", "fe80::1%eth0", "asr.example", "b\u00fccher.example"])
def test_hosts_that_other_machines_reach(host):
    with pytest.raises(ServerError, match="is reachable from other machines"):
        ServerOptions(host=host).check()


@pytest.mark.parametrize("key", ["", " ", "sch\u00f6n", "a\tb", "a\0"])
def test_a_key_that_no_client_can_send_stops_the_start(key):
    with pytest.raises(ConfigurationError, match="an API key must be printable ASCII and not empty"):
        ServerOptions(api_keys=("good", key)).check()


@pytest.mark.parametrize(
    "origin", ["foo", "example.org", "https://a.example/path", "https://", "https:///x", "a b://c"]
)
def test_an_origin_that_no_page_has_stops_the_start(origin):
    with pytest.raises(ConfigurationError, match=r"^--allow-origin must be \* or like https://example\.org"):
        ServerOptions(allow_origins=("https://good.example", origin)).check()


def test_origins_of_pages():
    origins = ("*", "null", "https://a.example", "HTTP://A.example:8080/", "chrome-extension://abcdef")
    ServerOptions(allow_origins=origins).check()


def test_days_without_a_store_are_refused():
    with pytest.raises(ConfigurationError, match="--keep-days needs --store"):
        ServerOptions(keep_days=5).check()
    ServerOptions(keep_days=5, store=Path("t.db")).check()


def test_a_model_without_partials_is_refused_but_for_finals():
    parakeet = ChosenModel("parakeet", "onnx-asr", ("en",))
    ServerOptions(final_model=parakeet).check()
    with pytest.raises(ConfigurationError, match=r"parakeet .* has no partials: use it as --final-model"):
        ServerOptions(models=(parakeet,)).check()


def test_keys_and_transcripts_are_two_files():
    with pytest.raises(ConfigurationError, match="--key-store and --store must be two files"):
        ServerOptions(key_store=Path("a.db"), store=Path("./a.db")).check()


def test_a_proxy_is_an_address_or_a_network():
    ServerOptions(trusted_proxies=("10.0.0.0/8", "2001:db8::1")).check()
    ServerOptions(trusted_proxies=("none",)).check()
    with pytest.raises(ConfigurationError, match=r"--trusted-proxy must be .*, got 'proxy.example'"):
        ServerOptions(trusted_proxies=("proxy.example",)).check()


def test_known_voices_need_a_voice_encoder():
    with pytest.raises(ConfigurationError, match="--known-voices needs a voice encoder: leave out"):
        ServerOptions(known_voices=Path("voices.json"), speaker_model="none").check()
    ServerOptions(known_voices=Path("voices.json")).check()
