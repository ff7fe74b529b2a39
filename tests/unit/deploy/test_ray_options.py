"""Options of replicas: names, values, limits, and what follows from them."""

import pytest

from vivavoce.cli.capacity_file import Measured, keep
from vivavoce.deploy.ray import RayOptions
from vivavoce.deploy.ray.options import share_of
from vivavoce.errors import ConfigurationError, ServerError


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    monkeypatch.delenv("VIVAVOCE_API_KEYS", raising=False)


def read(**given):
    return RayOptions.of({"no_auth": True, "sessions_per_replica": 10} | given)


def test_options_of_replicas_and_of_their_server_are_read_as_values():
    options = read(
        min_replicas=2,
        max_replicas=5,
        cores=2,
        target=0.5,
        pin_cores=True,
        key_store="keys.db",
        allow_origins=["https://a.example"],
        drain_s=7,
    )
    assert (options.min_replicas, options.max_replicas, options.cores, options.pin_cores) == (2, 5, 2, True)
    assert options.server.max_sessions == options.sessions_per_replica == 10
    assert options.server.key_store.name == "keys.db"
    assert options.server.allow_origins == ("https://a.example",)
    assert options.server.drain_s == 7


def test_they_are_read_as_text_too():
    options = read(
        min_replicas="2",
        max_replicas="2",
        target="0.5",
        pin_cores="true",
        no_auth="true",
        allow_origins="https://a.example, https://b.example",
        max_lead_s="null",
        drain_s="all",
        keep_days="1.5",
        store="kept.db",
    )
    assert (options.min_replicas, options.target, options.pin_cores) == (2, 0.5, True)
    assert options.server.allow_origins == ("https://a.example", "https://b.example")
    assert (options.server.max_lead_s, options.server.drain_s, options.server.keep_days) == (None, None, 1.5)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"replicas": 2}, "no option 'replicas'"),
        ({"port": 80}, "port is no option of a replica: Serve's http_options have it"),
        ({"max_sessions": 3}, "sessions_per_replica sets it"),
        ({"tls_cert": "a"}, "a load balancer before Serve ends TLS"),
        ({"max_connections_per_address": 3}, "all clients have the address of Serve's proxy"),
        ({"min_replicas": "two"}, "min_replicas can't be 'two'"),
        ({"min_replicas": 0}, "min_replicas must be at least 1, got 0"),
        ({"min_replicas": 3, "max_replicas": 2}, "max_replicas must be at least min_replicas, 3, got 2"),
        ({"cores": 0}, "cores must be at least 1, got 0"),
        ({"sessions_per_replica": 0}, "sessions_per_replica must be at least 1, got 0"),
        ({"target": 0}, "target must be above 0 and at most 1, got 0"),
        ({"target": 1.5}, "target must be above 0 and at most 1, got 1.5"),
        ({"drain_s": "soon"}, "--drain-timeout must be a number"),
        ({"keep_days": 3}, "--keep-days needs --store"),
    ],
)
def test_what_can_not_be_is_refused_by_name(given, said):
    with pytest.raises(ConfigurationError, match=said):
        read(**given)


def test_replicas_need_keys_unless_that_is_waived():
    with pytest.raises(ServerError):
        RayOptions.of({"sessions_per_replica": 1})
    assert RayOptions.of({"sessions_per_replica": 1, "api_keys": "one,two"}).server.api_keys == ("one", "two")


def test_keys_come_from_a_file_and_from_the_environment(monkeypatch, tmp_path):
    (tmp_path / "keys.txt").write_text("of-the-file\n")
    monkeypatch.setenv("VIVAVOCE_API_KEYS", "of-the-environment")
    options = RayOptions.of({"sessions_per_replica": 1, "api_key_file": str(tmp_path / "keys.txt")})
    assert options.server.api_keys == ("of-the-environment", "of-the-file")


def test_no_proxy_is_believed_unless_it_is_named():
    assert read().server.trusted_proxies == ("none",)
    assert read(trusted_proxies="10.0.0.0/8").server.trusted_proxies == ("10.0.0.0/8",)


def test_sessions_are_the_measured_share_of_the_cores():
    with pytest.raises(ConfigurationError, match="run vivavoce capacity; or give sessions_per_replica"):
        read(sessions_per_replica="measured")
    keep(Measured(streams=26, cores=2))
    assert read(sessions_per_replica="measured").sessions_per_replica == 13
    assert RayOptions.of({"no_auth": True, "cores": 2}).sessions_per_replica == 26


@pytest.mark.parametrize(
    ("streams", "cores", "of_cores", "share"),
    [(26, 2, 1, 13), (27, 2, 1, 13), (26, 2, 2, 26), (26, 2, 4, 52), (1, 8, 1, 1)],
)
def test_a_share_is_rounded_down_and_at_least_one(streams, cores, of_cores, share):
    assert share_of(streams, cores, of_cores) == share


def test_the_autoscaler_aims_below_the_most_sessions():
    options = read(min_replicas=2, max_replicas=9, target=0.75, upscale_delay_s=3, downscale_delay_s=4)
    assert options.target_sessions == 7
    assert options.autoscaling == {
        "min_replicas": 2,
        "max_replicas": 9,
        "target_ongoing_requests": 7,
        "upscale_delay_s": 3,
        "downscale_delay_s": 4,
    }
    assert read(sessions_per_replica=1, target=0.1).target_sessions == 1


def test_serve_lets_everything_through_that_the_server_may_take():
    options = read(max_readers=50)
    assert options.max_requests > options.sessions_per_replica + options.server.max_readers


@pytest.mark.parametrize("drain_s", [0, 30, 900])
def test_serve_waits_longer_than_a_drain_takes(monkeypatch, drain_s):
    monkeypatch.setenv("RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S", "12")
    options = read(drain_s=drain_s)
    assert options.shutdown_s > 12 + drain_s + 2 * options.server.finish_s


def test_a_drain_without_end_is_as_long_as_the_longest_session():
    assert read(drain_s="all").shutdown_s > 3 * 3600


def test_a_measurement_without_streams_gives_no_replica():
    keep(Measured(streams=0, cores=2))
    with pytest.raises(ConfigurationError, match="did not hold a single stream"):
        read(sessions_per_replica="measured")
